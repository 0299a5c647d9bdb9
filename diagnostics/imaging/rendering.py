"""Frames of stored objects: as pictures, and as values for the viewer. Decoded here, one frame at a time, within limits."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings

from diagnostics.imaging.reasons import ImagingReason, ImagingRefused
from diagnostics.imaging.storage import stored_object

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diagnostics.models import DicomInstance
    from ml.dicom.image import DicomImage

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame for a viewer that windows it itself.

    Attributes:
        data: grey values as 16 bits, little endian, signed or not; or 8-bit RGB.
        rows, columns, samples, bits, signed: their layout; `bits` of a value that are used.
        slope, intercept: from a value to the units of the modality.
        function: how a window is meant, ``LINEAR``, ``LINEAR_EXACT`` or ``SIGMOID``.
        table: whether the object is shown through a table until somebody chooses a window; `frame_table` gives it.
    """

    data: bytes
    rows: int
    columns: int
    samples: int
    bits: int
    signed: bool
    slope: float
    intercept: float
    function: str = "LINEAR"
    table: bool = False

    def headers(self) -> dict[str, str]:
        """The layout as HTTP headers."""
        return {
            "X-Rows": str(self.rows),
            "X-Columns": str(self.columns),
            "X-Samples": str(self.samples),
            "X-Bits": str(self.bits),
            "X-Signed": "1" if self.signed else "0",
            "X-Slope": repr(self.slope),
            "X-Intercept": repr(self.intercept),
            "X-Voi-Function": self.function,
            "X-Voi-Table": "1" if self.table else "0",
        }


def frame_png(
    instance: DicomInstance, index: int, *, window: tuple[float, float] | None = None, invert: bool = False
) -> bytes:
    """A frame as an 8-bit PNG, as the object says that it is shown.

    Args:
        instance: the object.
        index: which frame, from 0.
        window: centre and width in the units of the modality; the object's own by default.
        invert: black for white.

    Raises:
        ImagingRefused: more pixels than are drawn here.
        ml.dicom.reasons.UnusableDicom: no such frame, or it cannot be decoded.
        StoredFileMissing: the storage does not give the object.
    """
    from ml.dicom.display import shown
    from ml.dicom.png import png_of

    frame, dataset, image = _decoded(instance, index)
    picture = shown(frame, dataset, image, index=index, window=window)
    return png_of(255 - picture if invert else picture)


def frame_raw(instance: DicomInstance, index: int) -> RawFrame:
    """A frame as values. Raises as `frame_png` does."""
    frame, dataset, image = _decoded(instance, index)
    rows, columns = frame.shape[:2]
    if image.photometric == "PALETTE COLOR" or frame.ndim == 3:
        from ml.dicom.display import shown

        colours = shown(frame, dataset, image, index=index)
        return RawFrame(colours.tobytes(), rows, columns, 3, 8, signed=False, slope=1.0, intercept=0.0)
    from ml.dicom.display import has_table, voi_function

    values, signed, slope, intercept = _sixteen_bits(frame, dataset, index)
    return RawFrame(
        values.tobytes(), rows, columns, 1, min(image.bits, 16), signed=signed, slope=slope, intercept=intercept,
        function=voi_function(dataset, index=index), table=has_table(dataset),
    )  # fmt: skip


def frame_table(instance: DicomInstance, index: int) -> bytes:
    """The grey, 0 to 255, of each of the 65,536 values that `frame_raw` may give, by the object's table and before any inversion.

    A negative value stands where its 16 bits stand as an unsigned one. Raises as `frame_png` does; ImagingRefused, too, when the
    object has no table.
    """
    import numpy as np

    from ml.dicom.display import has_table, through_table

    frame, dataset, image = _decoded(instance, index)
    if not has_table(dataset) or frame.ndim == 3 or image.photometric == "PALETTE COLOR":
        raise ImagingRefused(ImagingReason.NO_TABLE)
    _, signed, slope, intercept = _sixteen_bits(frame, dataset, index)
    every = np.arange(1 << 16, dtype=np.uint16)
    units = (every.view(np.int16) if signed else every) * slope + intercept
    return np.round(through_table(units, dataset) * 255.0).astype(np.uint8).tobytes()


def frame_values(instance: DicomInstance, index: int) -> bytes:
    """A frame's stored values, uncompressed, little endian; colours as RGB. Raises as `frame_png` does."""
    frame, _, _ = _decoded(instance, index)
    return frame.astype(frame.dtype.newbyteorder("<")).tobytes()


def _decoded(instance: DicomInstance, index: int) -> tuple[NDArray[Any], Any, DicomImage]:
    from ml.dicom.frames import decode
    from ml.dicom.image import image_of
    from ml.dicom.opening import open_dicom

    if instance.image:
        _check_pixels(instance.image["rows"] * instance.image["columns"])
    with stored_object(instance) as path:
        dataset = open_dicom(path)
        image = image_of(dataset)
        _check_pixels(image.rows * image.columns)
        return decode(path, dataset, image, index=index), dataset, image


def _check_pixels(pixels: int) -> None:
    if pixels > settings.UPLOAD_MAX_PIXELS:
        raise ImagingRefused(
            ImagingReason.TOO_LARGE_TO_SHOW,
            pixels=round(pixels / 1e6),
            limit=settings.UPLOAD_MAX_PIXELS // 1_000_000,
        )


def _sixteen_bits(frame: NDArray[Any], dataset: Any, index: int) -> tuple[NDArray[Any], bool, float, float]:
    """Grey values as 16 bits with their slope and intercept: as stored where they fit, else the modality's spread over 16 bits."""
    import numpy as np

    from ml.dicom.display import in_units
    from ml.dicom.image import grouped, value

    group = grouped(dataset, "PixelValueTransformationSequence", frame=index)
    fits = frame.dtype.kind in "iub" and frame.dtype.itemsize <= 2
    if fits and not value(group, "ModalityLUTSequence"):
        signed = frame.dtype.kind == "i"
        slope, intercept = value(group, "RescaleSlope"), value(group, "RescaleIntercept")
        stored = frame.astype("<i2" if signed else "<u2")
        return stored, signed, float(1.0 if slope is None else slope), float(intercept or 0.0)
    units = in_units(frame, dataset, index=index).astype(np.float64)
    low, high = float(np.nanmin(units)), float(np.nanmax(units))
    step = (high - low) / 65535.0 or 1.0
    return np.round((units - low) / step).astype("<u2"), False, step, low
