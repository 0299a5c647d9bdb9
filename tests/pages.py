"""Drawn 12-lead pages for tests: a simulated healthy heart, printed, scanned or photographed."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image

from ml.datasets.simulated_recording import simulate_recording
from ml.pages.damage import Damage, damaged
from ml.pages.render import render_page
from ml.pages.style import PageStyle
from ml.recordings.leads import TWELVE

FS = 500.0
RATE_BPM = 70.0


@functools.cache
def page_pixels(layout: str = "3x4+1", pulse: str = "left") -> np.ndarray:
    """A straight page, RGB, 5 pixels per millimetre."""
    made = simulate_recording(seconds=10.2, fs=FS, leads=TWELVE, noise_mv=0.0, seed=3)
    signals = made.signals[:, 50:5050].astype(np.float64)
    return render_page(signals, FS, PageStyle(layout=layout, px_per_mm=5.0, pulse=pulse)).image


def file_of(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """Pixels as a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def document(*sheets: np.ndarray) -> bytes:
    """Pages as a PDF, A4 across."""
    first, *rest = (Image.fromarray(sheet) for sheet in sheets)
    stream = io.BytesIO()
    first.save(stream, "PDF", save_all=True, append_images=rest, resolution=127)
    return stream.getvalue()


@functools.cache
def scan(kind: str = "PNG", *, layout: str = "3x4+1", pulse: str = "left") -> bytes:
    """A straight scan."""
    return file_of(page_pixels(layout, pulse), kind)


@functools.cache
def photo() -> bytes:
    """A telephone's photograph from an angle, with something of the desk around."""
    what = Damage(rotation=4.0, perspective=0.02, margin=0.03, noise=2.0, background=(70, 60, 50))
    return file_of(damaged(page_pixels(), what, seed=1).image, "JPEG")


@functools.cache
def cut_off() -> bytes:
    """A scan of which the right quarter, with V4 to V6, is missing."""
    whole = page_pixels()
    return file_of(whole[:, : round(0.73 * whole.shape[1])])
