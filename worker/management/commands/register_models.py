"""`manage.py register_models`: enter the installed models, so that they are listed before their first answer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from diagnostics.models import ModelVersion
from worker import suite


class Command(BaseCommand):
    """Register the installed models."""

    help = "Enter the models installed here into the database; safe to repeat. No model is loaded."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, contract in sorted(suite.contracts().items()):
            row, new = ModelVersion.objects.get_or_create(
                name=name,
                version=contract["version"],
                weights_sha256=contract["weights_sha256"],
                defaults={"contract": contract},
            )
            self.stdout.write(f"{row}: {'registered' if new else 'known'}")
