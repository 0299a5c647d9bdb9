"""Beats with the noise of the MIT-BIH Noise Stress Test Database at a chosen ratio of signal to noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ml.datasets.beats import LENGTH, RATE_HZ, Beats, DataNotFoundError

KINDS = ("em", "ma", "bw")  # electrode motion, muscle, baseline wander
_NSTDB_HZ = 360


def noise_tracks(folder: Path) -> NDArray[np.float32]:
    """All channels of the noise recordings.

    Args:
        folder: holds ``em``, ``ma`` and ``bw`` in WFDB form.

    Returns:
        Shape (6, n), 250 Hz, any unit; not filtered.

    Raises:
        DataNotFoundError: when a recording is missing.
    """
    tracks: list[NDArray[np.float64]] = []
    for kind in KINDS:
        if not (folder / kind).with_suffix(".hea").exists():
            raise DataNotFoundError(f"noise recording {kind} is not in {folder} (nstdb of physionet.org)")
        signal, _ = wfdb.rdsamp(str(folder / kind))
        tracks += list(resample_poly(np.nan_to_num(signal), round(RATE_HZ), _NSTDB_HZ, axis=0).T)
    shortest = min(map(len, tracks))
    return np.stack([track[:shortest] for track in tracks]).astype(np.float32)


def with_noise(
    beats: Beats, tracks: NDArray[np.float32], snr_db: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Windows of beats with a stretch of noise added to each.

    Args:
        beats: the beats.
        tracks: noise, see ``noise_tracks``.
        snr_db: power of the window over that of the noise, both about their means, decibel.
        rng: chooses track and place of each stretch.

    Returns:
        Shape (n, 651), millivolt, 250 Hz.
    """
    count = len(beats)
    rows = rng.integers(0, len(tracks), (count, 1))
    starts = rng.integers(0, tracks.shape[1] - LENGTH, (count, 1))
    noise = tracks[rows, starts + np.arange(LENGTH)].astype(np.float64)
    noise -= noise.mean(axis=1, keepdims=True)
    power = beats.windows.astype(np.float64).var(axis=1, keepdims=True)
    wanted = np.sqrt(power / 10.0 ** (snr_db / 10.0))
    scaled = noise * (wanted / np.maximum(noise.std(axis=1, keepdims=True), 1e-9))
    return (beats.windows + scaled).astype(np.float32)
