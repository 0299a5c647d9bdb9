"""Grey JPEG with 12 bits (extended process 4, ITU T.81), which of the codecs here GDCM alone decodes and pydicom hands to none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import JPEGExtended12Bit

_SEQUENTIAL = {0xC0, 0xC1}


def precision(encoded: bytes) -> int | None:
    """Bits of a sample by the frame header of a sequential JPEG; None where it has none."""
    at = 2
    while at + 9 <= len(encoded) and encoded[at] == 0xFF:
        marker = encoded[at + 1]
        if marker in _SEQUENTIAL:
            return encoded[at + 4]
        at += 1 if marker == 0xFF else 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return None


def decode_grey(encoded: bytes, *, rows: int, columns: int, signed: bool) -> NDArray[np.uint16 | np.int16]:
    """The values of one frame.

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
    import gdcm

    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()  # it says on standard error that 12 bits are not 8, then decodes them
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(encoded)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(JPEGExtended12Bit))))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, int(signed)))
    buffer = image.GetBuffer()
    if buffer is None:
        raise ValueError("the picture breaks off")
    values = np.frombuffer(buffer.encode("utf-8", "surrogateescape"), dtype="<i2" if signed else "<u2")
    return values.reshape(rows, columns)
