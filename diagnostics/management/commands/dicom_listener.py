"""`manage.py dicom_listener`: the C-STORE door."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from diagnostics.imaging.listener import Listener

LONGEST_TITLE = 16


class Command(BaseCommand):
    """Take DICOM objects from the peers in DICOM_PEERS until Ctrl-C."""

    help = "Take DICOM objects by C-STORE from the peers that DICOM_PEERS names, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default 127.0.0.1)")
        parser.add_argument(
            "--port",
            type=int,
            default=settings.DICOM_PORT,
            help="port (default DICOM_PORT; 0 takes a free one)",
        )
        parser.add_argument(
            "--title", default=settings.DICOM_TITLE, help="own AE title (default DICOM_TITLE)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        title = options["title"]
        if not 0 < len(title) <= LONGEST_TITLE:
            raise CommandError(f"An AE title has 1 to {LONGEST_TITLE} characters, and {title} does not.")
        if not settings.DICOM_PEERS:
            raise CommandError(
                "DICOM_PEERS names no peer, so nothing could be taken from anybody. Set it, for example to PACS1=pacs."
            )
        server = Listener(title=title, peers=settings.DICOM_PEERS).start(options["host"], options["port"])
        host, port = server.server_address[:2]
        self.stdout.write(f"Listening as {title} at {host}:{port} to {', '.join(settings.DICOM_PEERS)}.")
        self.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        finally:
            server.shutdown()
