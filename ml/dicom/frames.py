"""Decoding one frame of an image, whatever its transfer syntax, within the limits of its own header."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import UID, JPEGExtended12Bit, RLELossless

from ml.dicom import apart
from ml.dicom.bits import run_lengths, unpacked
from ml.dicom.image import DicomImage
from ml.dicom.opening import has_preamble, transfer_syntax
from ml.dicom.reasons import DicomReason, UnusableDicom

DEFLATED_FRAMES = UID("1.2.840.10008.1.2.8.1")  # Deflated Image Frame Compression, PS3.5 A.4.11
_JPEG_FAMILY = "1.2.840.10008.1.2.4."
_SIZE_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
_ALONE = {0x00, 0x01, *range(0xD0, 0xD9)}  # markers that no length follows
_SEQUENTIAL = {0xC0, 0xC1}
_J2K, _JP2 = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_BROKEN = (
    RuntimeError, AttributeError, IndexError, KeyError, ValueError, TypeError, NotImplementedError, EOFError, struct.error,
    OverflowError, zlib.error, MemoryError,
)  # fmt: skip


def decode(path: Path, dataset: Dataset, image: DicomImage, *, index: int = 0) -> NDArray[Any]:
    """The stored values of one frame; colours as RGB.

    Only the bytes of that frame are read from the file.

    Args:
        path: the file.
        dataset: as `open_dicom` gave it.
        image: as `image_of` gave it.
        index: which frame, from 0.

    Returns:
        Shape (rows, columns), or (rows, columns, 3) in RGB.

    Raises:
        UnusableDicom: no such frame, a transfer syntax that is not read, or damaged pixels.
    """
    if not 0 <= index < image.frames:
        raise UnusableDicom(DicomReason.NO_SUCH_FRAME, frames=image.frames, asked=index + 1)
    syntax = transfer_syntax(dataset)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # pydicom's doubts; what counts is whether the pixels come out in their size
        try:
            if syntax == DEFLATED_FRAMES:
                return _deflated(dataset, image, index)
            _check_codestream(dataset, image, index, syntax)
            if (alone := _by_itself(dataset, image, index, syntax)) is not None:
                return alone
            from_file = (
                image.frames > 1 and has_preamble(path) and _says_syntax(dataset) and not syntax.is_deflated
            )
            source: Path | Dataset = path if from_file else dataset
            found = _first_decoded(source, dataset, index, syntax)
        except UnusableDicom:
            raise
        except _BROKEN as error:
            raise UnusableDicom(
                DicomReason.BROKEN_PIXELS, detail="it does not come out in the size that is announced"
            ) from error
    if found.shape[:2] != (image.rows, image.columns):
        raise UnusableDicom(DicomReason.BROKEN_PIXELS, detail="it is not of the size that is announced")
    return found


def _says_syntax(dataset: Dataset) -> bool:
    return bool(getattr(dataset.file_meta, "TransferSyntaxUID", None))


def _first_decoded(source: Path | Dataset, dataset: Dataset, index: int, syntax: UID) -> NDArray[Any]:
    """By the first decoder that can; each refuses some objects that another reads."""
    if isinstance(source, Dataset) and not _says_syntax(dataset):
        source.file_meta.TransferSyntaxUID = syntax
    if not syntax.is_encapsulated:
        return pydicom.pixels.pixel_array(source, index=index)
    try:
        names = [name for name in get_decoder(syntax).available_plugins if name != "gdcm"]
    except NotImplementedError as error:
        raise UnusableDicom(DicomReason.UNSUPPORTED, detail=syntax.name) from error
    failure: Exception | None = None
    for name in names:
        try:
            return pydicom.pixels.pixel_array(source, index=index, decoding_plugin=name)
        except _BROKEN as error:
            failure = error
    if failure is not None and "12-bit" in str(failure):
        raise UnusableDicom(DicomReason.UNSUPPORTED, detail="JPEG in colour with 12 bits") from failure
    raise failure or UnusableDicom(DicomReason.UNSUPPORTED, detail=syntax.name)


def _by_itself(dataset: Dataset, image: DicomImage, index: int, syntax: UID) -> NDArray[Any] | None:
    """A frame that pydicom does not read though it can be read: grey JPEG with 12 bits, single bits.

    Single bits in run lengths are handed to no decoder, and uncompressed ones come out whole where frames begin with a byte alone.
    """
    if image.samples != 1:
        return None
    size = {"rows": image.rows, "columns": image.columns}
    if int(dataset.BitsAllocated) == 1 and syntax == RLELossless:
        packed = run_lengths(_encoded(dataset, image, index), (image.rows * image.columns + 7) // 8)
        return unpacked(packed, **size)
    if int(dataset.BitsAllocated) == 1 and not syntax.is_encapsulated and syntax.is_little_endian:
        return unpacked(dataset.PixelData, **size, frame=index)
    if syntax == JPEGExtended12Bit:
        encoded = _encoded(dataset, image, index)
        if jpeg_bits(encoded) == 12:
            return apart.decode_grey(encoded, **size, signed=dataset.get("PixelRepresentation") == 1)
    return None


def _encoded(dataset: Dataset, image: DicomImage, index: int) -> bytes:
    """The compressed bytes of a frame."""
    offsets = None
    if "ExtendedOffsetTable" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    return get_frame(dataset.PixelData, index, number_of_frames=image.frames, extended_offsets=offsets)


def _check_codestream(dataset: Dataset, image: DicomImage, index: int, syntax: UID) -> None:
    """A compressed frame must be as large as its header says: a decoder believes the frame, not the header."""
    if not syntax.startswith(_JPEG_FAMILY):
        return
    try:
        encoded = _encoded(dataset, image, index)
    except _BROKEN:
        if apart.is_available(syntax):
            raise
        return  # a torn list of frames, of which a decoder may still read the first; it has no more bytes than the file
    sizes = list(_sizes(encoded))
    announced = image.rows, image.columns, image.samples
    different = next((found for found in sizes if found != announced), None)
    if different:
        height, width, samples = different
        detail = f"the compressed picture has {width} x {height} pixels, the object announces {image.columns} x {image.rows}"
        if samples != image.samples:
            detail = (
                f"the compressed picture has {samples} values a pixel, the object announces {image.samples}"
            )
        raise UnusableDicom(DicomReason.BROKEN_PIXELS, detail=detail)
    if not sizes:
        detail = "the compressed picture does not say how large it is"
        raise UnusableDicom(DicomReason.BROKEN_PIXELS, detail=detail)


def _sizes(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Height, width and samples a pixel that a JPEG, JPEG-LS or JPEG 2000 codestream claims, as decoders look for them.

    ITU T.81 B.1.1.2 and B.2.2, T.87 C.2.2, T.800 A.5.1.
    """
    stream = _codestream(data)
    if stream.startswith(_J2K):
        if len(stream) >= 42:
            width, height, left, top = struct.unpack(">4I", stream[8:24])
            yield height - top, width - left, int.from_bytes(stream[40:42], "big")
        return
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 10 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _SIZE_MARKERS:
            yield *struct.unpack(">2H", data[at + 5 : at + 9]), data[at + 9]
        if marker in {0xD9, 0xDA}:
            return
        at += 1 if marker == 0xFF else 2 if marker in _ALONE else 2 + length


def jpeg_bits(encoded: bytes) -> int | None:
    """Bits of a sample by the frame header of a sequential JPEG; None where it has none."""
    at = 2
    while at + 9 <= len(encoded) and encoded[at] == 0xFF:
        marker = encoded[at + 1]
        if marker in _SEQUENTIAL:
            return encoded[at + 4]
        at += 1 if marker == 0xFF else 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return None


def _codestream(data: bytes) -> bytes:
    """The codestream in the boxes of a JP2 file (T.800 I.4), which some devices store against PS3.5 A.4.4; else the data itself."""
    if not data.startswith(_JP2):
        return data
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"jp2c":
            return data[at + (16 if length == 1 else 8) :]
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8:
            break
        at += length
    return b""


def _deflated(dataset: Dataset, image: DicomImage, index: int) -> NDArray[Any]:
    """A frame that was deflated by itself: the values as they would be stored uncompressed."""
    pixels = image.rows * image.columns * image.samples
    bits = int(dataset.BitsAllocated)
    size = (pixels * bits + 7) // 8
    raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(_encoded(dataset, image, index), size)
    if len(raw) < size:
        raise UnusableDicom(DicomReason.BROKEN_PIXELS, detail="it breaks off")
    if bits == 1:
        return unpacked(raw, rows=image.rows, columns=image.columns)
    kind = {8: "1", 16: "2", 32: "4"}[bits]
    sign = "i" if dataset.get("PixelRepresentation") == 1 else "u"
    flat = np.frombuffer(raw, dtype=f"<{sign}{kind}")
    shape = (image.rows, image.columns) if image.samples == 1 else (image.rows, image.columns, image.samples)
    return flat.reshape(shape)
