"""`manage.py prepare`: everything between a fresh or older database and a server that can start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.services.conditions import load_shipped
from diagnostics.services.patient_risk import assess_unassessed


class Command(BaseCommand):
    """Migrate, collect static files, bring levels and library up to date, in demo mode load the demo people. Safe to run again."""

    help = "Bring database and static files up to date; needs the role that owns the database (DATABASE_ROLE=owner)."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        call_command("collectstatic", interactive=False, verbosity=0, stdout=self.stderr)
        with acting_as(SYSTEM):
            assess_unassessed()
            load_shipped()
        if settings.DEMO_MODE:
            call_command("load_demo", stdout=self.stderr)
