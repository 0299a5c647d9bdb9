"""`manage.py create_api_key --user NAME --scope SCOPE [--scope SCOPE] [--expires DAYS]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actor import acting_as
from accounts.models import User
from accounts.models.api_key import Scope
from accounts.roles import SYSTEM
from accounts.services.api_keys import create_api_key


class Command(BaseCommand):
    """Print a new key, alone on standard output."""

    help = "Make an API key for a user. The key is printed once and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="User name the key acts as")
        parser.add_argument("--scope", required=True, nargs="+", action="extend", choices=Scope.values)
        parser.add_argument(
            "--expires", type=int, metavar="DAYS", help="Days until the key ends; never if left out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["expires"] is not None and options["expires"] < 1:
            raise CommandError("--expires must be 1 day or more.")
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"No active user is named {options['user']}.")
        with acting_as(SYSTEM):
            row, key = create_api_key(user=user, scopes=options["scope"], expires_days=options["expires"])
        self.stderr.write(f"Key {row.prefix}… of {user.username}: {', '.join(row.scopes)}. Keep it safe.")
        self.stdout.write(key)
