"""How a recording's signal is kept for a viewer: small compressed tiles of every zoom level, read without NumPy.

Level 0 holds the samples, level k > 0 the least and greatest value of ``FIRST x FACTOR^(k-1)`` samples. A tile holds
`TILE` stretches of one level for all leads: int16, little endian, microvolt, lead after lead, zlib; `GAP` stands for missing.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ml.recordings.recording import Recording

TILE = 1 << 16
GAP = -32768


def name_of(level: int, tile: int) -> str:
    """File name of a tile."""
    return f"{level}-{tile}"


def keep(recording: Recording, store: Callable[[str, bytes], None]) -> dict[str, Any]:
    """Hand every tile of a recording to `store` with its name, one in memory at a time.

    Returns:
        The layout: ``tile`` (stretches per tile) and ``steps`` (samples per stretch of every level).
    """
    from ml.recordings.pyramid import FACTOR, FIRST, as_microvolt, pyramid
    from ml.recordings.recording import release

    for tile, start in enumerate(range(0, recording.samples, TILE)):
        store(name_of(0, tile), _packed(as_microvolt(recording.signals[:, start : start + TILE])))
        release(recording.signals)
    levels = pyramid(recording.signals, recording.fs).levels
    for level, values in enumerate(levels, start=1):
        for tile, start in enumerate(range(0, values.shape[1], TILE)):
            store(name_of(level, tile), _packed(values[:, start : start + TILE]))
    return {"tile": TILE, "steps": [1, *(FIRST * FACTOR**k for k in range(len(levels)))]}


def _packed(values: NDArray[np.int16]) -> bytes:
    return zlib.compress(values.astype("<i2").tobytes(), 1)


def unpacked(data: bytes, *, leads: int) -> list[array[int]]:
    """The values of one tile, per lead.

    Raises:
        ValueError: when the bytes are no tile of so many leads.
    """
    try:
        values = array("h", zlib.decompress(data))
    except zlib.error as error:
        raise ValueError("these bytes are no tile") from error
    if len(values) % leads:
        raise ValueError(f"the tile's {len(values)} values do not belong to {leads} leads")
    if sys.byteorder == "big":
        values.byteswap()
    size = len(values) // leads
    return [values[i * size : (i + 1) * size] for i in range(leads)]
