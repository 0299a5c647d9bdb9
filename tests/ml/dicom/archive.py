"""A small DICOMweb archive on this machine that keeps what it is sent, or answers as a test wants."""

from __future__ import annotations

import email.parser
import email.policy
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pydicom

if TYPE_CHECKING:
    from collections.abc import Iterator


class Archive(ThreadingHTTPServer):
    """`stored` are the objects by SOP instance UID; `answers` are statuses to give first, each once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stored: dict[str, pydicom.Dataset] = {}
        self.answers: list[int] = []
        self.failure: int | None = None
        self.says_nothing = False
        self.asked: list[tuple[str, str]] = []  # path and authorization

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/dicom-web"


class _Handler(BaseHTTPRequestHandler):
    server: Archive

    def do_POST(self) -> None:
        body = self.body()
        archive = self.server
        archive.asked.append((self.path, self.headers.get("Authorization", "")))
        status = archive.answers.pop(0) if archive.answers else 200
        if status >= 300:
            return self.reply(status, {})
        if archive.says_nothing:
            return self.reply(status, None)
        objects = [pydicom.dcmread(io.BytesIO(part)) for part in self.parts(body)]
        references = [{"00081155": {"vr": "UI", "Value": [str(one.SOPInstanceUID)]}} for one in objects]
        if archive.failure is not None:
            failed = [one | {"00081197": {"vr": "US", "Value": [archive.failure]}} for one in references]
            return self.reply(202, {"00081198": {"vr": "SQ", "Value": failed}})
        archive.stored |= {one.SOPInstanceUID: one for one in objects}
        return self.reply(status, {"00081199": {"vr": "SQ", "Value": references}} if status == 200 else None)

    def do_GET(self) -> None:
        """The page to which it may send others, which is no answer to what they wanted."""
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        self.reply(200, None)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def parts(self, body: bytes) -> Iterator[bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        for part in message.iter_parts():
            yield part.get_payload(decode=True)

    def reply(self, status: int, said: dict[str, Any] | None) -> None:
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        if 300 <= status < 400:
            self.send_header("Location", "/sign-in")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def running() -> Iterator[Archive]:
    """An archive while a test runs."""
    with Archive() as archive:
        thread = threading.Thread(target=archive.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield archive
        archive.shutdown()
        thread.join()
