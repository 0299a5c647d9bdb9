"""`manage.py load_demo`: the demo people, in demo mode only."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from patients import demo


class Command(BaseCommand):
    """Create the demo users and patients, once."""

    help = "Load the demo people. Refused unless MODE is demo or test."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_MODE:
            raise CommandError(
                "Demo people exist in demo mode only. Set MODE=demo on a machine without real patients."
            )
        users = demo.load()
        self.stdout.write(
            f"Demo users: {', '.join(user.username for user in users)}; password {demo.PASSWORD}"
        )
