"""From stored values to what is shown: modality and VOI transformations, palette, inversion (PS3.3 C.7.6.3, C.11)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi

from ml.dicom.image import DicomImage, grouped, value, windows

_TAILS = (0.5, 99.5)  # percentiles shown as black and white where the object gives no window
_MOST_SAMPLED = 250_000


def in_units(frame: NDArray[Any], dataset: Dataset, *, index: int = 0) -> NDArray[np.float32]:
    """Stored values in the units of the modality (Hounsfield units of a CT, for example).

    Args:
        frame: shape (rows, columns), as `decode` gave it.
        dataset: the object.
        index: which frame it is, from 0.
    """
    group = grouped(dataset, "PixelValueTransformationSequence", frame=index)
    return np.asarray(apply_modality_lut(frame, group), dtype=np.float32)


def shown(
    frame: NDArray[Any],
    dataset: Dataset,
    image: DicomImage,
    *,
    index: int = 0,
    window: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """A frame as it is shown: white is most, as the object's photometric interpretation says.

    Args:
        frame: as `decode` gave it.
        dataset: the object.
        image: what it says about its image.
        index: which frame it is, from 0.
        window: centre and width in the units of the modality, width at least 1; by default the object's first window or its VOI
            table, and without either the middle 99 % of the values.

    Returns:
        0 to 255, shape (rows, columns), or (rows, columns, 3) in RGB.
    """
    if image.photometric == "PALETTE COLOR":
        return _eight_bits(apply_color_lut(frame, dataset))
    if frame.ndim == 3:
        return _eight_bits(frame)
    if window is None and not has_table(dataset):
        window = _first_window(dataset, frame, index)
    levels = _levels(frame) if window is not None else None
    if levels is None:
        return _grey(frame, dataset, image, index=index, window=window)
    shades = _grey(levels, dataset, image, index=index, window=window)
    return shades[frame.astype(np.int32) - int(levels[0])]


def _levels(frame: NDArray[Any]) -> NDArray[Any] | None:
    """Every value that a frame may hold between its least and its most, where these are fewer than its pixels; else None."""
    if frame.dtype.kind not in "iu" or frame.dtype.itemsize > 2:
        return None
    low, high = int(frame.min()), int(frame.max())
    return np.arange(low, high + 1, dtype=frame.dtype) if high - low < frame.size else None


def _grey(
    frame: NDArray[Any],
    dataset: Dataset,
    image: DicomImage,
    *,
    index: int,
    window: tuple[float, float] | None,
) -> NDArray[np.uint8]:
    """Grey values of any shape as they are shown; without a window through the object's VOI table."""
    values = in_units(frame, dataset, index=index)
    function = voi_function(dataset, index=index)
    grey = _windowed(values, window, function) if window else through_table(values, dataset)
    if image.photometric == "MONOCHROME1":
        grey = 1.0 - grey
    return np.round(grey * 255.0).astype(np.uint8)


def has_table(dataset: Dataset) -> bool:
    """Whether the object is shown through a VOI table until somebody chooses a window."""
    return bool(value(dataset, "VOILUTSequence"))


def through_table(units: NDArray[Any], dataset: Dataset) -> NDArray[np.float64]:
    """Values in the units of the modality through the object's first VOI table (PS3.3 C.11.2.1.1).

    Args:
        units: of any shape.
        dataset: the object, which has a table.

    Returns:
        0 to 1, where 1 is the most that the table gives.
    """
    entries, first, _ = dataset.VOILUTSequence[0].LUTDescriptor
    inputs = np.arange(int(first), int(first) + (int(entries) or 1 << 16), dtype=np.int32)
    most = float(apply_voi(inputs, dataset).max(initial=1))
    outputs = apply_voi(np.rint(units).astype(np.int32), dataset)
    return _stretched(outputs, 0.0, most)


def voi_function(dataset: Dataset, *, index: int = 0) -> str:
    """``LINEAR``, ``LINEAR_EXACT`` or ``SIGMOID``: how a window of this frame is meant."""
    group = grouped(dataset, "FrameVOILUTSequence", frame=index)
    said = str(value(group, "VOILUTFunction") or "").upper()
    return said if said in {"LINEAR_EXACT", "SIGMOID"} else "LINEAR"


def _first_window(dataset: Dataset, frame: NDArray[Any], index: int) -> tuple[float, float]:
    """The object's first window, or one around the values of the frame."""
    given = windows(dataset, frame=index)
    if given:
        return given[0]
    step = max(1, frame.size // _MOST_SAMPLED)
    low, high = np.percentile(in_units(frame.ravel()[::step], dataset, index=index), _TAILS)
    return (float(low + high) / 2.0, max(1.0, float(high - low)))


def _windowed(values: NDArray[np.float32], window: tuple[float, float], function: str) -> NDArray[np.float64]:
    """Values through a window, 0 to 1 (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    centre, width = window
    if function == "SIGMOID":
        return 1.0 / (1.0 + np.exp(-4.0 * (values.astype(np.float64) - centre) / width))
    if function == "LINEAR_EXACT":
        return _stretched(values, centre - width / 2.0, centre + width / 2.0)
    low = centre - 0.5 - (width - 1.0) / 2.0
    return _stretched(values, low, low + width - 1.0)


def _stretched(values: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Values from `low` to `high` as 0 to 1; a step where both are one."""
    if high <= low:
        return (values > low).astype(np.float64)
    return np.clip((values.astype(np.float64) - low) / (high - low), 0.0, 1.0)


def _eight_bits(colours: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours of 8 or 16 bits as 8."""
    if colours.dtype == np.uint8:
        return colours
    most = float(np.iinfo(colours.dtype).max) if np.issubdtype(colours.dtype, np.integer) else 1.0
    return np.round(np.clip(colours.astype(np.float64) / most, 0.0, 1.0) * 255.0).astype(np.uint8)
