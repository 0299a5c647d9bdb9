"""Drawing of ECG traces: antialiased, column by column, vectorised over beats.

A trace is a function of time, so every image column holds one vertical stretch of ink. Drawing is therefore filling
the stretch between the lowest and the highest sample of each column; no line-drawing library is needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = 64
THICKNESS = 1.6
MARGIN = 4.0
_SUBCOLUMNS = 4
_PAPER = np.array([255.0, 250.0, 248.0])
_GRID_FINE = np.array([250.0, 214.0, 212.0])
_GRID_BOLD = np.array([240.0, 170.0, 168.0])
_INK = np.array([20.0, 20.0, 28.0])


def fill_columns(
    top: NDArray[np.float64], bottom: NDArray[np.float64], *, height: int, thickness: float
) -> NDArray[np.float64]:
    """Ink of traces given by the vertical stretch they cover in each column.

    Args:
        top: upper end of the centre line, shape (n, width), in pixels from the upper edge; NaN leaves the column empty.
        bottom: lower end of the centre line, shape (n, width), in pixels, at least ``top``.
        height: rows of the image, pixels.
        thickness: width of the pen, pixels.

    Returns:
        Ink coverage, shape (n, height, width), 0 (paper) to 1 (full ink).
    """
    rows = np.arange(height, dtype=np.float64)[None, :, None]
    upper = np.maximum(rows, (top - thickness / 2)[:, None, :])
    lower = np.minimum(rows + 1.0, (bottom + thickness / 2)[:, None, :])
    return np.nan_to_num(np.clip(lower - upper, 0.0, 1.0), nan=0.0)


def column_stretches(
    signals: NDArray[np.float64], *, width: int, height: int, margin: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper and lower end of each column of a trace scaled to fill the image's height.

    Args:
        signals: shape (n, samples), any unit, up is positive; the whole row is spread over the image's width.
        width: columns, pixels.
        height: rows, pixels.
        margin: empty rows above the highest and below the lowest sample, pixels.

    Returns:
        ``top`` and ``bottom``, shape (n, width) each, in pixels from the upper edge. A flat signal lies in the middle.
    """
    count, samples = signals.shape
    at = np.linspace(0.0, samples - 1.0, width * _SUBCOLUMNS + 1)
    left = np.minimum(at.astype(int), samples - 2)
    part = at - left
    dense = signals[:, left] * (1.0 - part) + signals[:, left + 1] * part
    low, high = dense.min(axis=1, keepdims=True), dense.max(axis=1, keepdims=True)
    reach = high - low
    safe = np.where(reach > 0.0, reach, 1.0)
    level = np.where(reach > 0.0, (high - dense) / safe, 0.5)
    rows = margin + level * (height - 2.0 * margin)
    blocks = rows[:, :-1].reshape(count, width, _SUBCOLUMNS)
    ends = rows[:, _SUBCOLUMNS::_SUBCOLUMNS]
    return np.minimum(blocks.min(axis=2), ends), np.maximum(blocks.max(axis=2), ends)


def _round_pen(
    top: NDArray[np.float64], bottom: NDArray[np.float64], pen: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Stretches of ink left by a round pen that follows the centre line, so that steep parts are as thick as flat ones."""
    radius = pen / 2.0
    upper, lower = top - radius, bottom + radius
    for step in range(1, int(radius) + 1):
        height = (radius**2 - step**2) ** 0.5
        for near, far in ((slice(step, None), slice(None, -step)), (slice(None, -step), slice(step, None))):
            np.minimum(upper[:, near], top[:, far] - height, out=upper[:, near])
            np.maximum(lower[:, near], bottom[:, far] + height, out=lower[:, near])
    return upper, lower


def render_traces(
    signals: NDArray[np.floating], *, size: int = SIZE, thickness: float | None = None
) -> NDArray[np.uint8]:
    """Draw traces as square images, light on black.

    Args:
        signals: shape (n, samples), at least 2 samples, any unit; each row is scaled to the image's height.
        size: edge of the images, pixels.
        thickness: width of the pen, pixels; 1.6 at 64 pixels, growing with the root of ``size``, if None.

    Returns:
        Images, shape (n, size, size), 0 (background) to 255 (trace).

    Raises:
        ValueError: when ``signals`` is not two-dimensional, is too short, or holds values that are not finite.
    """
    values = np.asarray(signals, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:  # two axes, two samples: the least there is to draw
        raise ValueError(f"expected an array (beats, samples) with at least 2 samples, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("the signal holds values that are not finite")
    scale = size / SIZE
    top, bottom = column_stretches(values, width=size, height=size, margin=MARGIN * scale)
    pen = THICKNESS * scale**0.5 if thickness is None else thickness
    top, bottom = _round_pen(top, bottom, pen)
    ink = fill_columns(top, bottom, height=size, thickness=0.0)
    return np.rint(ink * 255.0).astype(np.uint8)


def on_paper(ink: NDArray[np.uint8], *, seconds: float) -> NDArray[np.uint8]:
    """The trace as on ECG paper: dark ink over a pink grid of 0.04 s and 0.2 s.

    Args:
        ink: one image, shape (size, size), 0 (paper) to 255 (trace).
        seconds: time that the image's width stands for, seconds.

    Returns:
        RGB image, shape (size, size, 3), 0 to 255.
    """
    size = ink.shape[0]
    fine = max(size * 0.04 / seconds, 4.0)
    paper = np.broadcast_to(_PAPER, (size, size, 3)).copy()
    for step, colour in ((fine, _GRID_FINE), (fine * 5.0, _GRID_BOLD)):
        lines = (np.arange(np.ceil(size / step)) * step).astype(int)
        lines = lines[lines < size]
        paper[lines, :] = colour
        paper[:, lines] = colour
    part = ink[..., None] / 255.0
    return np.rint(paper * (1.0 - part) + _INK * part).astype(np.uint8)
