"""Whether beats can be trusted: a heart repeats itself, noise does not.

Each beat is compared with its neighbours; a normal beat has many like it nearby, and an ectopic one a few. Noise of moving
electrodes or muscles, and fibrillation, have none. After the template matching index of Orphanidou and others, "Signal-quality
indices for the electrocardiogram and photoplethysmogram", IEEE J Biomed Health Inform 19 (2015), with the nearest likenesses in
place of one template, so that ectopic beats do not count as noise. `docs/recordings.md` has what it was measured with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt

LEAST = 0.85
_BAND_HZ = (1.0, 40.0)
_AROUND_S = (0.2, 0.3)
_STEP_HZ = 125.0
_NEIGHBOURS = 30  # on each side
_ALIKE = 5
_FEWEST = 4  # below this there is nothing to compare with
_SPAN = 10  # windows of a second over which likeness is averaged


def likeness(values: NDArray[np.float64], fs: float, beats: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much each beat resembles the five neighbours it resembles most.

    Args:
        values: shape (n,), millivolt, without gaps.
        fs: sampling rate, Hz.
        beats: samples, ascending, shape (beats,).

    Returns:
        Mean correlation, -1 to 1, shape (beats,); 1 for beats at the borders and where there are too few to compare.
    """
    scores = np.ones(len(beats))
    offsets = np.arange(-round(_AROUND_S[0] * fs), round(_AROUND_S[1] * fs) + 1, max(1, round(fs / _STEP_HZ)))
    inside = (beats + offsets[0] >= 0) & (beats + offsets[-1] < len(values))
    if inside.sum() < _FEWEST:
        return scores
    sos = butter(2, (_BAND_HZ[0], min(_BAND_HZ[1], 0.45 * fs)), btype="bandpass", fs=fs, output="sos")
    band = sosfiltfilt(sos, values, padlen=min(len(values) - 1, round(fs)))
    forms = band[beats[inside][:, None] + offsets]
    forms -= forms.mean(axis=1, keepdims=True)
    forms /= np.linalg.norm(forms, axis=1, keepdims=True) + 1e-9
    count = len(forms)
    reach = min(_NEIGHBOURS, count - 1)
    alike = np.full((count, 2 * reach), -1.0)
    for step in range(1, reach + 1):
        together = np.einsum("ij,ij->i", forms[:-step], forms[step:])
        alike[:-step, 2 * step - 2] = together
        alike[step:, 2 * step - 1] = together
    best = min(_ALIKE, count // 2)
    scores[inside] = np.partition(alike, -best, axis=1)[:, -best:].mean(axis=1)
    return scores


def trusted(
    beats: NDArray[np.int64], scores: NDArray[np.float64], window: int, windows: int
) -> NDArray[np.bool_]:
    """In which windows the beats around are alike enough.

    Args:
        beats: samples, shape (beats,).
        scores: likeness of each.
        window: samples of a window.
        windows: number of windows.

    Returns:
        Shape (windows,); True where there is no beat within five windows.
    """
    at = np.minimum(beats // window, windows - 1)
    span = min(_SPAN, windows)
    number, total = (
        uniform_filter1d(np.bincount(at, weights=weights, minlength=windows).astype(np.float64), size=span)
        * span
        for weights in (np.ones(len(beats)), scores)
    )
    return np.asarray((number < 0.5) | (total >= LEAST * number))
