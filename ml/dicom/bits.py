"""Pictures of one bit a pixel, such as segmentations: unpacking, and run lengths (PS3.5 8.1.1, annex G)."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_HEADER = 64


def unpacked(data: bytes, *, rows: int, columns: int, frame: int = 0) -> NDArray[np.uint8]:
    """One of several frames of bits, the lowest of each byte first, as 0 and 1.

    Frames lie one behind the other, and need not begin with a byte.

    Returns:
        Shape (rows, columns).

    Raises:
        ValueError: there are too few bits.
    """
    size = rows * columns
    first, skipped = divmod(frame * size, 8)
    part = np.frombuffer(data[first : first + (skipped + size + 7) // 8], dtype=np.uint8)
    return np.unpackbits(part, bitorder="little")[skipped : skipped + size].reshape(rows, columns)


def run_lengths(frame: bytes, size: int) -> bytes:
    """The one segment of a frame of packed bits, at most `size` bytes of it.

    Raises:
        ValueError: not one segment, or it breaks off.
    """
    if len(frame) < _HEADER:
        raise ValueError("the header of the frame breaks off")
    segments, at = struct.unpack("<2L", frame[:8])
    if segments != 1:
        raise ValueError(f"{segments} segments, where packed bits have one")
    found = bytearray()
    while len(found) < size and at + 1 < len(frame):
        code = frame[at]
        if code < 128:
            found += frame[at + 1 : at + 2 + code]
            at += 2 + code
        elif code > 128:
            found += frame[at + 1 : at + 2] * (257 - code)
            at += 2
        else:
            at += 1
    if len(found) < size:
        raise ValueError("the frame breaks off")
    return bytes(found[:size])
