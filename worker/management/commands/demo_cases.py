"""`manage.py demo_cases [--json] [--data DIR]`: run the demo cases to the end and print what became of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from worker import demo

COLUMNS = ("case", "models", "label", "confidence", "risk", "duration", "status", "as expected")
DEADLINE_S = 120.0


class Command(BaseCommand):
    """Exit 0 only if every case ended as expected."""

    help = (
        "Upload the demo cases as doctor.demo, wait for their diagnoses, and print a table. Demo mode only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON instead of a table")
        parser.add_argument(
            "--data", type=Path, help="Directory that holds mitdb/ (or is it): compare with its annotations"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_MODE:
            raise CommandError(
                "Demo cases run in demo mode only. Set MODE=demo on a machine without real patients."
            )
        results = demo.run(deadline_s=DEADLINE_S)
        agreement = demo.agreement(options["data"]) if options["data"] else None
        if options["json"]:
            document: dict[str, Any] = {"cases": [result.as_json() for result in results]}
            if agreement is not None:
                document["agreement"] = agreement
            self.stdout.write(json.dumps(document, indent=2))
        else:
            self.stdout.write(demo.columns(COLUMNS, [result.row() for result in results]))
            if agreement is not None:
                self.stdout.write(demo.agreement_text(agreement))
        wrong = [result.case.name for result in results if not result.as_expected]
        if wrong:
            raise CommandError(
                f"{len(wrong)} of {len(results)} cases did not end as expected: {', '.join(wrong)}."
            )
