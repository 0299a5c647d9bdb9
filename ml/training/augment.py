"""Augmentation of ECG windows: what a recorder or a photograph changes, never what a heart cannot do (no flips)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import CENTRE, RATE_HZ

MAX_SHIFT_S = 0.04
WANDER_MV = 0.15
NOISE_MV = 0.02
STRETCH = 0.05


def crop(
    windows: NDArray[np.floating],
    *,
    before_s: float,
    after_s: float,
    shifts_s: NDArray[np.float64] | None = None,
    stretches: NDArray[np.float64] | None = None,
    samples: int = 257,
) -> NDArray[np.float64]:
    """The part of each window that the image will show.

    Args:
        windows: shape (n, 651), millivolt, 250 Hz, as in ``Beats``.
        before_s: time shown before the fiducial point, seconds.
        after_s: time shown after it, seconds.
        shifts_s: how much later each picture begins, shape (n,), seconds; 0 if None.
        stretches: factor on the time axis, shape (n,); 1 if None.
        samples: length of the result.

    Returns:
        Shape (n, samples), millivolt.
    """
    count, length = windows.shape
    shifts = np.zeros(count) if shifts_s is None else shifts_s
    factors = np.ones(count) if stretches is None else stretches
    at = CENTRE + RATE_HZ * (
        np.linspace(-before_s, after_s, samples)[None, :] * factors[:, None] + shifts[:, None]
    )
    at = np.clip(at, 0.0, length - 1.0)
    left = np.minimum(at.astype(int), length - 2)
    part = at - left
    low = np.take_along_axis(windows, left, axis=1)
    high = np.take_along_axis(windows, left + 1, axis=1)
    mixed: NDArray[np.float64] = low * (1.0 - part) + high * part
    return mixed


def vary(
    windows: NDArray[np.floating],
    rng: np.random.Generator,
    *,
    before_s: float,
    after_s: float,
    samples: int = 257,
) -> NDArray[np.float64]:
    """Cropped windows with a little shift, stretch, baseline wander, muscle noise and smoothing of a poor recorder.

    Args:
        windows: shape (n, 651), millivolt, 250 Hz.
        rng: source of randomness.
        before_s: time shown before the fiducial point, seconds.
        after_s: time shown after it, seconds.
        samples: length of the result.

    Returns:
        Shape (n, samples), millivolt.
    """
    count = len(windows)
    parts = crop(
        windows,
        before_s=before_s,
        after_s=after_s,
        shifts_s=rng.uniform(-MAX_SHIFT_S, MAX_SHIFT_S, count),
        stretches=rng.uniform(1.0 - STRETCH, 1.0 + STRETCH, count),
        samples=samples,
    )
    reach = np.ptp(parts, axis=1)[:, None]
    seconds = np.linspace(0.0, before_s + after_s, samples)[None, :]
    pace = rng.uniform(0.1, 0.6, (count, 1))
    phase = rng.uniform(0.0, 2.0 * np.pi, (count, 1))
    wander = rng.uniform(0.0, WANDER_MV, (count, 1)) * np.sin(2.0 * np.pi * pace * seconds + phase)
    noise = rng.uniform(0.0, NOISE_MV, (count, 1)) * rng.standard_normal(parts.shape)
    blurred = (np.roll(parts, 1, axis=1) + parts + np.roll(parts, -1, axis=1)) / 3.0
    blurred[:, [0, -1]] = parts[:, [0, -1]]
    smooth = rng.random((count, 1)) < 0.3  # three in ten
    varied: NDArray[np.float64] = np.where(smooth, blurred, parts) + (wander + noise) * np.maximum(reach, 0.2)
    return varied
