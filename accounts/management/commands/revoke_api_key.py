"""`manage.py revoke_api_key PREFIX`: end a key that was lost or is no longer needed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actor import acting_as
from accounts.models import ApiKey
from accounts.roles import SYSTEM
from accounts.services.api_keys import revoke_api_key


class Command(BaseCommand):
    """Make one key useless from now on."""

    help = "Revoke the API key that begins with PREFIX, as create_api_key printed it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", metavar="PREFIX", help="The first ten characters of the key")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = list(ApiKey.objects.filter(prefix=options["prefix"][:10], revoked_at=None))
        if len(keys) != 1:
            raise CommandError(
                f"{len(keys) or 'No'} keys in use begin with {options['prefix']}; nothing was changed."
            )
        with acting_as(SYSTEM):
            revoke_api_key(key=keys[0])
        self.stdout.write(f"Key {keys[0]} of {keys[0].user.username} is revoked.")
