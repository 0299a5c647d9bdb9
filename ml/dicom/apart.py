"""JPEG that GDCM alone decodes, in a process of its own: damage that GDCM does not expect ends the process that it runs in.

A few changed bytes are enough for an abort or a memory fault. Here such an object costs its own picture and not the requests of everybody
else. JPEG Lossless comes by a decoding plugin of pydicom, registered as `APART`; grey JPEG with 12 bits, for which pydicom has no plugin,
by `decode_grey`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

APART = "gdcm-apart"
DECODER_DEPENDENCIES = {JPEGLossless: ("gdcm>=3.0.10",), JPEGLosslessSV1: ("gdcm>=3.0.10",)}
LONGEST_S = 60
_PROGRAM = str(Path(__file__).with_name("gdcm_frame.py"))


def is_available(uid: str) -> bool:
    """Whether frames of a transfer syntax are decoded here."""
    return uid in DECODER_DEPENDENCIES


def decode_frame(src: bytes, runner: DecodeRunner) -> bytes:
    """The values of a compressed frame, as pydicom wants them of a plugin.

    Raises:
        ValueError: GDCM cannot decode it, or ended in it.
    """
    return _decoded(
        src, runner.columns, runner.rows, runner.samples_per_pixel, runner.bits_allocated, runner.bits_stored, runner.pixel_representation,
        runner.planar_configuration if runner.samples_per_pixel > 1 else 0, runner.photometric_interpretation, runner.transfer_syntax,
    )  # fmt: skip


def decode_grey(encoded: bytes, *, rows: int, columns: int, signed: bool) -> NDArray[np.uint16 | np.int16]:
    """The values of one frame of grey JPEG with 12 bits (extended process 4, ITU T.81).

    Args:
        encoded: a JPEG of 12 bits and one component.
        rows: as the object announces them.
        columns: the same.
        signed: whether values are.

    Returns:
        Shape (rows, columns).

    Raises:
        ValueError: it does not come out, or not in the size announced.
    """
    values = _decoded(encoded, columns, rows, 1, 16, 12, int(signed), 0, "MONOCHROME2", JPEGExtended12Bit)
    return np.frombuffer(values, dtype="<i2" if signed else "<u2").reshape(rows, columns)


def _decoded(encoded: bytes, *said: object) -> bytes:
    """What the program answers; `said` is its command line."""
    # Alone: without this process's environment, which holds secrets.
    words = (str.__str__(one) if isinstance(one, str) else str(one) for one in said)  # an enumeration's value
    command = [sys.executable, "-I", _PROGRAM, *words]
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            command, input=encoded, env={}, capture_output=True, timeout=LONGEST_S, check=True
        )
    except subprocess.SubprocessError as error:
        raise ValueError("GDCM cannot decode the frame") from error
    return done.stdout


for _uid in DECODER_DEPENDENCIES:
    get_decoder(_uid).add_plugin(APART, (__name__, "decode_frame"))
