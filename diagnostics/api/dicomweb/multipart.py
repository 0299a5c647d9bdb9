"""multipart/related in both directions, in pieces: a message is never in memory as a whole (RFC 2387, PS3.18 8.6.1.2)."""

from __future__ import annotations

import dataclasses
import uuid
from email.message import Message
from typing import TYPE_CHECKING

from diagnostics.imaging.arrivals import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_HEADERS = 16_384
LONGEST_BOUNDARY = 70  # RFC 2046 5.1.1


class BrokenMultipart(Exception):
    """The message breaks off, or is none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One part: its media type in lower case without parameters, and its bytes, which are read once."""

    media_type: str
    body: Iterator[bytes]


def parameters(content_type: str) -> tuple[str, dict[str, str]]:
    """The media type of a header in lower case, and its parameters."""
    message = Message()
    message["Content-Type"] = content_type
    pairs = message.get_params(failobj=[])
    return message.get_content_type() if content_type else "", {
        name.lower(): value for name, value in pairs[1:]
    }


def parts(read: Callable[[int], bytes], boundary: str) -> Iterator[Part]:
    """The parts of a message, one after the other; what was not read of one is skipped.

    Args:
        read: gives at most so many bytes; none at the end.
        boundary: as the message's header says.

    Raises:
        BrokenMultipart: it breaks off before its end mark, or the headers of a part have no end.
    """
    message = _Reader(read, boundary)
    for _ in message.body():
        """What stands before the first boundary means nothing."""
    while message.has_next():
        headers = message.headers()
        body = message.body()
        yield Part(parameters(headers.get("content-type", ""))[0], body)
        for _ in body:
            """Whatever was not read of this part."""


class _Reader:
    """A message with what was read of it ahead."""

    def __init__(self, read: Callable[[int], bytes], boundary: str) -> None:
        self._read, self._ahead = read, bytearray(b"\r\n")
        self._mark = b"\r\n--" + boundary.encode("ascii", "replace")

    def _more(self) -> None:
        data = self._read(AT_ONCE)
        if not data:
            raise BrokenMultipart
        self._ahead += data

    def _take(self, size: int) -> bytes:
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        return taken

    def body(self) -> Iterator[bytes]:
        """Everything before the next boundary, which is taken too."""
        searched = 0
        while (at := self._ahead.find(self._mark, searched)) < 0:
            sure = len(self._ahead) - len(self._mark) + 1
            if sure > 0:
                yield self._take(sure)
            searched = 0
            self._more()
        if at:
            yield self._take(at)
        self._take(len(self._mark))

    def has_next(self) -> bool:
        """Whether the boundary just taken begins a part, and does not end the message."""
        while len(self._ahead) < 2:
            self._more()
        return self._take(2) != b"--"

    def headers(self) -> dict[str, str]:
        """The headers of a part, by their names in lower case; blanks after the boundary are skipped."""
        while (end := self._ahead.find(b"\r\n\r\n")) < 0:
            if self._ahead.startswith(b"\r\n"):
                break
            if len(self._ahead) > MOST_HEADERS:
                raise BrokenMultipart
            self._more()
        lines = self._take(max(end, 0) + (4 if end >= 0 else 2)).decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        return {name.strip().lower(): value.strip() for name, value in pairs}


def written(media_type: str, bodies: Iterable[Iterable[bytes]]) -> tuple[str, Iterator[bytes]]:
    """A message of parts of one type: the value of its Content-Type, and its bytes."""
    boundary = uuid.uuid4().hex

    def stream() -> Iterator[bytes]:
        for body in bodies:
            yield f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode()
            yield from body
        yield f"\r\n--{boundary}--\r\n".encode()

    plain = media_type.split(";", 1)[0]
    return f'multipart/related; type="{plain}"; boundary={boundary}', stream()
