"""Augmentation of beats of recordings: real noise, gain, small shifts, a lost lead; never what a heart cannot do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt

from ml.datasets.beats import DataNotFoundError
from ml.preprocessing.beat_signal import LEAD_FEATURES, LEADS, LENGTH, RATE_HZ, RHYTHM_FEATURES

KINDS = ("bw", "em", "ma")  # baseline wander, electrode motion, muscle
MAX_SHIFT = 3
LOST_LEAD = 0.4
NOISY = 0.5
MOST_NOISE = 0.25
_NSTDB_HZ = 360


def noise_bank(folder: Path) -> NDArray[np.float32]:
    """Noise of the MIT-BIH Noise Stress Test Database (Moody and others 1984), as the preparation filters signals.

    Args:
        folder: holds ``bw``, ``em`` and ``ma`` in WFDB form.

    Returns:
        Shape (6, n): both leads of each kind at 125 Hz, standard deviation 1.

    Raises:
        DataNotFoundError: when a recording is missing.
    """
    rows = []
    for kind in KINDS:
        if not (folder / kind).with_suffix(".hea").exists():
            raise DataNotFoundError(f"noise recording {kind} is not in {folder} (nstdb of physionet.org)")
        signal, _ = wfdb.rdsamp(str(folder / kind))
        slow = resample_poly(np.nan_to_num(signal), round(RATE_HZ), _NSTDB_HZ, axis=0).T
        passed = sosfiltfilt(butter(2, (0.5, 40.0), btype="bandpass", fs=RATE_HZ, output="sos"), slow)
        rows.append(passed / passed.std(axis=1, keepdims=True))
    shortest = min(row.shape[1] for row in rows)
    return np.concatenate([row[:, :shortest] for row in rows]).astype(np.float32)


def _shifted(leads: NDArray[np.float32], by: NDArray[np.int64]) -> NDArray[np.float32]:
    """Signals (n, leads, t) read ``by`` samples later; the end values are repeated."""
    places = np.clip(np.arange(leads.shape[2])[None, :] + by[:, None], 0, leads.shape[2] - 1)
    return np.take_along_axis(leads, places[:, None, :], axis=2)


def _noise(bank: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise for each beat and lead, shape (count, leads, 128); half of the beats get none."""
    starts = rng.integers(0, bank.shape[1] - LENGTH, (count, LEADS, 1))
    rows = rng.integers(0, len(bank), (count, LEADS, 1))
    size = rng.uniform(0.0, MOST_NOISE, (count, LEADS, 1)) ** 2 / MOST_NOISE
    size *= rng.random((count, 1, 1)) < NOISY
    noise: NDArray[np.float32] = (bank[rows, starts + np.arange(LENGTH)] * size).astype(np.float32)
    return noise


def vary_beats(
    windows: NDArray[np.float32],
    features: NDArray[np.float32],
    bank: NDArray[np.float32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Beats as another recorder might have shown them.

    Args:
        windows: shape (n, 2, 128, 2), as ``prepare_beats`` gives them.
        features: shape (n, 73).
        bank: noise, see ``noise_bank``.
        rng: source of randomness.

    Returns:
        New windows and features of the same shapes: shifted by at most 24 ms, gain 0.8 to 1.25, noise of nstdb, and in
        four of ten beats one of the leads missing.
    """
    count = len(windows)
    leads, usual = windows[..., 0], windows[..., 0] - windows[..., 1]
    moved = _shifted(leads, rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, count))
    gain = np.exp(rng.uniform(-0.22, 0.22, (count, LEADS, 1))).astype(np.float32)
    noise = _noise(bank, count, rng)
    varied = np.stack([moved * gain + noise, (moved - usual) * gain + noise], axis=3)
    told = features.copy()
    forms = told[:, RHYTHM_FEATURES:].reshape(count, LEADS, LEAD_FEATURES)
    lost = np.flatnonzero(rng.random(count) < LOST_LEAD)
    kept = rng.integers(0, LEADS, len(lost))
    varied[lost] = varied[lost, kept][:, None]
    forms[lost] = forms[lost, kept][:, None]
    told[:, RHYTHM_FEATURES:] = forms.reshape(count, -1)
    return varied, told
