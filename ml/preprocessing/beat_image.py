"""Beat images: drawing one heartbeat, and bringing any picture of one into the form that models see.

``prepare_beat_image`` is the only way into a beat model, in training, evaluation and serving alike. It finds the trace
on the picture, forgets paper, grid, polarity, size and pen, and draws the trace again on 64x64 pixels.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.pictures import decode_image, eight_bit
from ml.preprocessing.render import MARGIN, SIZE, THICKNESS, fill_columns, on_paper, render_traces
from ml.preprocessing.trace import Trace, find_trace, histogram

VERSION = "beat-image-1"
BEFORE_S = 0.9
AFTER_S = 0.5
_WORKING_EDGE = 256
_MIN_EDGE = 16
_NEAR = 45


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImage:
    """A picture in the form that models see, with what was learnt about it on the way.

    Attributes:
        pixels: shape (64, 64, 1), 0 (background) to 255 (trace).
        trace: the trace that was found.
        width: width of the original picture, pixels.
        height: height of the original picture, pixels.
        picture: the picture at working size, RGB, shape (h, w, 3), 0 to 255.
    """

    pixels: NDArray[np.uint8]
    trace: Trace
    width: int
    height: int
    picture: NDArray[np.uint8]

    @property
    def plain(self) -> float:
        """Part of the picture's pixels whose green is near the median, 0 to 1. Counted when asked, for it seldom is."""
        counts = histogram(np.ascontiguousarray(self.picture[..., 1]))
        background = int(np.searchsorted(np.cumsum(counts), counts.sum() // 2))
        return float(counts[max(0, background - _NEAR) : background + _NEAR].sum() / counts.sum())


def beat_window(
    signal: NDArray[np.floating],
    fs: float,
    r_index: float,
    *,
    before_s: float = BEFORE_S,
    after_s: float = AFTER_S,
    samples: int = 257,
) -> NDArray[np.float64]:
    """The stretch of a signal around an R peak, resampled linearly.

    Args:
        signal: one lead, shape (n,), any unit.
        fs: sampling rate, Hz.
        r_index: R peak, in samples from the start; fractions are allowed.
        before_s: time before the peak, seconds.
        after_s: time after the peak, seconds.
        samples: length of the result.

    Returns:
        Shape (samples,). Beyond the ends of the signal its end values are repeated.
    """
    at = np.linspace(r_index - before_s * fs, r_index + after_s * fs, samples)
    return np.interp(at, np.arange(len(signal)), np.asarray(signal, dtype=np.float64))


def render_beat(
    signal: NDArray[np.floating],
    fs: float,
    r_index: float,
    *,
    size: int = SIZE,
    style: Literal["plain", "paper"] = "plain",
    before_s: float = BEFORE_S,
    after_s: float = AFTER_S,
) -> NDArray[np.uint8]:
    """Draw the heartbeat at an R peak together with the end of the one before it.

    Args:
        signal: one lead, shape (n,), any unit, finite.
        fs: sampling rate, Hz.
        r_index: R peak, in samples from the start.
        size: edge of the image, pixels.
        style: ``plain`` is a light trace on black; ``paper`` is a dark trace on pink ECG paper.
        before_s: time shown before the peak, seconds.
        after_s: time shown after the peak, seconds.

    Returns:
        Shape (size, size) for ``plain``, (size, size, 3) for ``paper``; 0 to 255.

    Raises:
        ValueError: when the signal is not finite or the sampling rate is not positive.
    """
    if fs <= 0:
        raise ValueError(f"the sampling rate must be positive, got {fs}")
    samples = max(257, size * 4 + 1)
    window = beat_window(signal, fs, r_index, before_s=before_s, after_s=after_s, samples=samples)
    ink = render_traces(window[None], size=size)[0]
    return on_paper(ink, seconds=before_s + after_s) if style == "paper" else ink


def _as_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """The picture as RGB of working size; transparent parts are white, deep grey is scaled to 8 bits."""
    image = eight_bit(image)
    if image.mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in image.info:
        overlay = image.convert("RGBA")
        image = Image.new("RGBA", overlay.size, "white")
        image.alpha_composite(overlay)
    if image.mode != "RGB":
        image = image.convert("RGB")
    longest = max(image.size)
    if longest > _WORKING_EDGE:
        scale = _WORKING_EDGE / longest
        smaller = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(smaller, Image.Resampling.BOX)
    return np.asarray(image, dtype=np.uint8)


def _draw_again(trace: Trace) -> NDArray[np.uint8]:
    """Draw a found trace on the 64x64 raster, filling its width and, but for the margin, its height."""
    inside = np.flatnonzero(~np.isnan(trace.top))
    across = np.arange(trace.top.size, dtype=np.float64)
    top = np.interp(across, inside, trace.top[inside])
    bottom = np.interp(across, inside, trace.bottom[inside])
    at = np.linspace(0.0, trace.top.size - 1.0, SIZE * 4)
    cells_top = np.interp(at, across, top).reshape(SIZE, 4)
    cells_bottom = np.interp(at, across, bottom).reshape(SIZE, 4)
    if trace.top.size > SIZE * 4:  # more picture columns than samples: keep every spike
        cell = np.minimum((across * SIZE / trace.top.size).astype(int), SIZE - 1)
        upper, lower = cells_top.min(axis=1), cells_bottom.max(axis=1)
        np.minimum.at(upper, cell, top)
        np.maximum.at(lower, cell, bottom)
    else:
        upper, lower = cells_top.min(axis=1), cells_bottom.max(axis=1)
    low, reach = float(upper.min()), float(lower.max() - upper.min())
    scale = (SIZE - 2.0 * MARGIN) / reach if reach > 0.0 else 0.0
    shift = MARGIN if reach > 0.0 else SIZE / 2.0
    ink = fill_columns(
        ((upper - low) * scale + shift)[None],
        ((lower - low) * scale + shift)[None],
        height=SIZE,
        thickness=THICKNESS,
    )[0]
    return np.rint(ink * 255.0).astype(np.uint8)


def examine_beat_image(image: Image.Image | bytes) -> PreparedImage:
    """Prepare a picture and keep what serving needs to judge whether it shows a beat.

    Args:
        image: a decoded picture or the bytes of one, any size, mode and polarity.

    Returns:
        The prepared picture; all background when no trace was found.

    Raises:
        UnreadableImageError: when bytes are given that are no readable picture.
    """
    decoded = decode_image(image, enough=_WORKING_EDGE * 2) if isinstance(image, bytes) else image
    picture = _as_rgb(decoded)
    trace = find_trace(picture)
    pixels = np.zeros((SIZE, SIZE), dtype=np.uint8)
    if not trace.empty and min(decoded.size) >= _MIN_EDGE:
        pixels = _draw_again(trace)
    return PreparedImage(
        pixels=pixels[..., None],
        trace=trace,
        width=decoded.width,
        height=decoded.height,
        picture=picture,
    )


def prepare_beat_image(image: Image.Image | bytes) -> NDArray[np.uint8]:
    """Bring a picture of a heartbeat into the form that every beat model sees.

    Args:
        image: a decoded picture or the bytes of one, any size, mode and polarity, with or without a grid.

    Returns:
        Shape (64, 64, 1), 0 (background) to 255 (trace), scaled so that the trace fills the image.

    Raises:
        UnreadableImageError: when bytes are given that are no readable picture.
    """
    return examine_beat_image(image).pixels


__all__ = [
    "AFTER_S",
    "BEFORE_S",
    "SIZE",
    "VERSION",
    "PreparedImage",
    "beat_window",
    "examine_beat_image",
    "prepare_beat_image",
    "render_beat",
]
