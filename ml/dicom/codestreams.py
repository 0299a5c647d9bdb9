"""Pixel data without what is no pixel: comments in compressed pictures, and bytes behind the end of the image."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID

from ml.dicom.frames import DEFLATED_FRAMES
from ml.dicom.image import image_of
from ml.dicom.reasons import DicomReason, UnusableDicom

_JPEG_FAMILY = "1.2.840.10008.1.2.4."
_END = b"\xff\xd9"
_JPEG_START, _JPEG_SCAN = 0xD8, 0xDA
_J2K_START, _J2K_TILE, _J2K_COMMENT = 0x4F, 0x90, 0x64
_KEPT_APPLICATIONS = {0xE0, 0xE8, 0xEE}  # JFIF, SPIFF and Adobe say how colours are coded
_APPLICATIONS, _JPEG_COMMENT = range(0xE0, 0xF0), 0xFE


def clean_pixels(dataset: Dataset, syntax: UID) -> None:
    """Cut pixel data to the pixels, in place.

    Args:
        dataset: an object with ``PixelData``.
        syntax: its transfer syntax.

    Raises:
        UnusableDicom: when the pixel data cannot be taken apart, so that nobody knows what else is in it.
    """
    image = image_of(dataset)
    try:
        encapsulated = syntax == DEFLATED_FRAMES or syntax.is_encapsulated
    except ValueError as error:
        raise UnusableDicom(DicomReason.UNSUPPORTED, detail=syntax.name) from error
    if not encapsulated:
        bits = image.frames * image.rows * image.columns * image.samples * int(dataset.BitsAllocated)
        if image.photometric == "YBR_FULL_422":
            bits = bits * 2 // 3
        words = (bits + 15) // 16  # in whole words, whose bytes big endian exchanges
        pixels = dataset.PixelData[: 2 * words]
        dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
        return
    extended = (
        (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
        if "ExtendedOffsetTable" in dataset
        else None
    )
    try:
        frames = list(
            generate_frames(dataset.PixelData, number_of_frames=image.frames, extended_offsets=extended)
        )
    except (ValueError, EOFError, IndexError, AttributeError) as error:
        raise UnusableDicom(DicomReason.BROKEN_PIXELS, detail="its frames cannot be told apart") from error
    if syntax.startswith(_JPEG_FAMILY):
        frames = [without_comments(frame) for frame in frames]
    for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if name in dataset:
            delattr(dataset, name)
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True


def without_comments(picture: bytes) -> bytes:
    """A JPEG, JPEG-LS or JPEG 2000 codestream without comments, application data that no decoder needs, and trailing bytes.

    (ITU T.81 B.2.4, T.87 C.2.4, T.800 A.9.2)
    """
    if len(picture) < 4 or picture[0] != 0xFF or picture[1] not in {_JPEG_START, _J2K_START}:
        return picture
    last = _J2K_TILE if picture[1] == _J2K_START else _JPEG_SCAN
    kept, at = [picture[:2]], 2
    for marker, start, end in _segments(picture, last):
        if not _is_comment(marker, last):
            kept.append(picture[start:end])
        at = end
    end = picture.rfind(_END)
    kept.append(picture[at : end + 2 if end >= at else len(picture)])
    return b"".join(kept)


def _segments(picture: bytes, last: int) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment before the image itself begins."""
    at = 2
    while at + 4 <= len(picture) and picture[at] == 0xFF and picture[at + 1] != last:
        if picture[at + 1] == 0xFF:  # a fill byte before a marker
            yield 0xFF, at, at + 1
            at += 1
            continue
        end = at + 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
        yield picture[at + 1], at, end
        at = end


def _is_comment(marker: int, last: int) -> bool:
    if last == _J2K_TILE:
        return marker == _J2K_COMMENT
    return marker == _JPEG_COMMENT or (marker in _APPLICATIONS and marker not in _KEPT_APPLICATIONS)
