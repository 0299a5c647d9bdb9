"""What an object says about its image: size, bits, colours, spacing, windows, time (PS3.3 C.7.6, C.8, C.11)."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

from pydicom.dataset import Dataset

from ml.dicom.opening import transfer_syntax
from ml.dicom.reasons import DicomReason, UnusableDicom

MOST_PIXELS = 100_000_000
MOST_FRAMES = 100_000
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_NEEDED = {
    "Rows": "number of rows",
    "Columns": "number of columns",
    "BitsAllocated": "bits of a pixel",
    "PhotometricInterpretation": "photometric interpretation",
}
_MOST_TEXT = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DicomImage:
    """What an object says about its image.

    Attributes:
        frames: how many.
        rows: height, pixels.
        columns: width, pixels.
        samples: values of a pixel, 1 or 3.
        bits: bits of a value that are used.
        photometric: for example ``MONOCHROME2``.
        syntax: name of the transfer syntax.
        modality: for example ``DX``; "" where not said.
        spacing_mm: height and width of a pixel on the patient, or at the detector for projections; None where not said.
        spacing_of: ``patient`` or ``detector``; None without spacing. Lengths at the detector are magnified.
        windows: centre and width of each window, first the one to be shown first.
        frame_ms: time from frame to frame; None for stills.
    """

    frames: int
    rows: int
    columns: int
    samples: int
    bits: int
    photometric: str
    syntax: str
    modality: str
    spacing_mm: tuple[float, float] | None
    spacing_of: str | None
    windows: tuple[tuple[float, float], ...]
    frame_ms: float | None

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return dataclasses.asdict(self)


def image_of(dataset: Dataset) -> DicomImage:
    """What a data set says about its image; no pixel is decoded.

    Raises:
        UnusableDicom: no image in it, a needed tag missing or impossible, or more pixels than are read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's doubts about values; those that count are checked
        return _image_of(dataset)


def _image_of(dataset: Dataset) -> DicomImage:
    if not any(name in dataset for name in _PIXELS):
        raise UnusableDicom(DicomReason.NO_PIXELS, kind=_kind(dataset))
    missing = [words for name, words in _NEEDED.items() if value(dataset, name) in (None, "")]
    if missing:
        raise UnusableDicom(DicomReason.MISSING_TAGS, names=", ".join(missing))
    rows, columns = _whole(dataset, "Rows"), _whole(dataset, "Columns")
    frames = _whole(dataset, "NumberOfFrames") if value(dataset, "NumberOfFrames") else 1
    if rows * columns > MOST_PIXELS or frames > MOST_FRAMES:
        detail = f"{frames} frames of {columns} x {rows} pixels, where {MOST_FRAMES} of {MOST_PIXELS // 10**6} million are read"
        raise UnusableDicom(DicomReason.TOO_LARGE, detail=detail)
    spacing, spacing_of = _spacing(dataset)
    return DicomImage(
        frames=frames,
        rows=rows,
        columns=columns,
        samples=_whole(dataset, "SamplesPerPixel") if value(dataset, "SamplesPerPixel") else 1,
        bits=_whole(dataset, "BitsStored" if value(dataset, "BitsStored") else "BitsAllocated"),
        photometric=str(dataset.PhotometricInterpretation)[:_MOST_TEXT],
        syntax=transfer_syntax(dataset).name[:_MOST_TEXT],
        modality=str(value(dataset, "Modality") or "")[:_MOST_TEXT],
        spacing_mm=spacing,
        spacing_of=spacing_of,
        windows=windows(dataset),
        frame_ms=_frame_ms(dataset),
    )


def value(dataset: Dataset, name: str) -> Any:
    """A value, or None where it is missing or not of its kind."""
    try:
        return dataset.get(name)
    except (ValueError, TypeError, AttributeError, NotImplementedError):
        return None


def grouped(dataset: Dataset, sequence: str, *, frame: int = 0) -> Dataset:
    """Where an enhanced object keeps a value: the frame's functional group, the shared one, else the object itself (PS3.3 C.7.6.16)."""
    for groups, place in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
        items = value(dataset, groups)
        if items and place < len(items):
            found = value(items[place], sequence)
            if found:
                return found[0]
    return dataset


def windows(dataset: Dataset, *, frame: int = 0) -> tuple[tuple[float, float], ...]:
    """Centre and width of each window that the object gives; those of no width are left out (PS3.3 C.11.2.1.2).

    Single bits that come without a window are shown black and white.
    """
    group = grouped(dataset, "FrameVOILUTSequence", frame=frame)
    pairs = zip(_numbers(group, "WindowCenter"), _numbers(group, "WindowWidth"), strict=False)
    given = tuple((centre, width) for centre, width in pairs if width >= 1.0)
    return given or (((0.5, 1.0),) if value(dataset, "BitsAllocated") == 1 else ())


def _kind(dataset: Dataset) -> str:
    """What the object is, in the words of the standard."""
    said = value(dataset, "SOPClassUID")
    return said.name if said else "its class is not said"


def _whole(dataset: Dataset, name: str) -> int:
    """A number above zero."""
    try:
        number = int(dataset[name].value)
    except (ValueError, TypeError, NotImplementedError, KeyError):
        number = 0
    if number <= 0:
        raise UnusableDicom(DicomReason.DAMAGED, detail=f"{name} is no number above zero")
    return number


def _numbers(dataset: Dataset, name: str) -> list[float]:
    """Finite numbers of an element of one or several values."""
    found = value(dataset, name)
    several = found if isinstance(found, (list, tuple)) or hasattr(found, "__iter__") else [found]
    numbers = []
    for one in several if not isinstance(found, str) else [found]:
        try:
            number = float(one)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            numbers.append(number)
    return numbers


def _spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, str | None]:
    """Height and width of a pixel in millimetres, and of what."""
    measures = grouped(dataset, "PixelMeasuresSequence")
    region = value(dataset, "SequenceOfUltrasoundRegions")
    for source, name, of in (
        (measures, "PixelSpacing", "patient"),
        (dataset, "ImagerPixelSpacing", "detector"),
    ):
        pair = _numbers(source, name)
        if len(pair) == 2 and min(pair) > 0:
            return (pair[0], pair[1]), of
    if region and len(region) == 1 and value(region[0], "PhysicalUnitsXDirection") == 3:  # 3 is centimetre
        pair = [
            abs(n) * 10.0 for name in ("PhysicalDeltaY", "PhysicalDeltaX") for n in _numbers(region[0], name)
        ]
        if len(pair) == 2 and min(pair) > 0:
            return (pair[0], pair[1]), "patient"
    return None, None


def _frame_ms(dataset: Dataset) -> float | None:
    """Time from frame to frame, milliseconds."""
    for name in ("FrameTime", "CineRate", "RecommendedDisplayFrameRate"):
        given = _numbers(dataset, name)
        if given and given[0] > 0:
            return given[0] if name == "FrameTime" else 1000.0 / given[0]
    vector = [step for step in _numbers(dataset, "FrameTimeVector") if step > 0]
    return sum(vector) / len(vector) if vector else None
