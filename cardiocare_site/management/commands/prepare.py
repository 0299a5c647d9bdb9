"""`manage.py prepare`: everything between a fresh or older database and a server that can start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Migrate, collect static files and, in demo mode, load the demo people. Safe to run again."""

    help = "Bring database and static files up to date; needs the role that owns the database (DATABASE_ROLE=owner)."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        call_command("collectstatic", interactive=False, verbosity=0, stdout=self.stderr)
        if settings.DEMO_MODE:
            call_command("load_demo", stdout=self.stderr)
