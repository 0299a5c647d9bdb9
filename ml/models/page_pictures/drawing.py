"""Recordings drawn as prepared pages, without the way over a photograph: what the page models learn first.

Every page gets a pen, a distance of rows, a gain, a filter and small shifts of its own, letters where printers put them, traces that reach
into their neighbours' rows, and sometimes no strip; then it is cut and laid exactly as a real page is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter1d

from ml.pages.style import FONTS, font
from ml.preprocessing.page_image import MARGIN_MM, ROW_MM, STRIP, USUAL, relaid
from ml.preprocessing.page_source import LeadBox, PageSource
from ml.recordings.leads import TWELVE

_FINE = 8  # pixels per millimetre while drawing
_SIDE_MM = 256.0
_NO_STRIP, _SHORT_STRIP = 0.12, 0.08


def _varied(signals: NDArray[np.float32], fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Signals with the filter, the wander and the noise of another recorder."""
    leads = signals.astype(np.float64)
    if rng.random() < 0.5:
        leads = gaussian_filter1d(leads, rng.uniform(0.3, 0.9), axis=1)
    seconds = np.arange(leads.shape[1]) / fs
    pace, phase = rng.uniform(0.1, 0.5), rng.uniform(0, 2 * np.pi, (len(leads), 1))
    wander = rng.uniform(0.0, 0.06, (len(leads), 1)) * np.sin(2 * np.pi * pace * seconds + phase)
    noise = rng.uniform(0.0, 0.015) * rng.standard_normal(leads.shape)
    return leads - np.median(leads, axis=1, keepdims=True) + wander + noise


def draw_prepared(signals: NDArray[np.float32], fs: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A recording as a prepared page.

    Args:
        signals: shape (12, n), millivolt, standard order, ten seconds.
        fs: sampling rate, Hz.
        rng: where chance comes from; the same state gives the same page.

    Returns:
        Shape (256, 512, 1), 0 (paper) to 255 (ink).
    """
    leads = _varied(signals, fs, rng)
    pitch, gain = rng.uniform(22.0, 42.0), 10.0 * rng.uniform(0.94, 1.06)
    count = len(USUAL.strips)
    tall = pitch * (count - 1) + ROW_MM + 8.0
    canvas = Image.new("L", (round(_SIDE_MM * _FINE), round(tall * _FINE)))
    pen = ImageDraw.Draw(canvas)
    width = int(rng.integers(2, 5))
    letters = font(str(rng.choice(FONTS)), rng.uniform(2.4, 3.4) * _FINE * 1.25)
    above = float(rng.choice([1.0, 1.5, 5.5]))
    named = rng.random() < 0.9
    draw = rng.random()
    strip_s = 0.0 if draw < _NO_STRIP else 5.0 if draw < _NO_STRIP + _SHORT_STRIP else 10.0
    boxes = []
    for row, names in enumerate(USUAL.strips):
        baseline = ROW_MM / 2 + 4.0 + row * pitch
        rhythm = row >= len(USUAL.rows)
        seconds = strip_s if rhythm else 10.0 / len(names)
        if seconds == 0.0:
            continue
        for column, name in enumerate(names):
            lead, start = (STRIP if rhythm else name), column * seconds
            first, last = round(start * fs), min(round((start + seconds) * fs), leads.shape[1] - 1)
            at = np.arange(first, last + 1)
            x = (MARGIN_MM + 25.0 * at / fs) * _FINE
            y = (baseline - gain * leads[TWELVE.index(lead), at]) * _FINE
            pen.line(np.stack([x, y], axis=1).ravel().tolist(), fill=255, width=width, joint="curve")
            left = MARGIN_MM + 25.0 * start
            if named:
                pen.text(
                    ((left + 0.6) * _FINE, (baseline - above) * _FINE),
                    name,
                    fill=255,
                    font=letters,
                    anchor="ls",
                )
            shift_x, shift_y = rng.normal(0.0, 0.4), rng.normal(0.0, 0.5)
            boxes.append(
                LeadBox(
                    lead=name,
                    rhythm=rhythm,
                    left=left + shift_x,
                    right=left + 25.0 * seconds + shift_x,
                    baseline=baseline + shift_y,
                    start_s=start,
                    seconds=seconds,
                )
            )
    ink = np.asarray(canvas.reduce(2))
    return relaid(PageSource(ink=ink, grey=255 - ink, boxes=tuple(boxes), mm_per_mv=10.0)).pixels
