"""Real beats in other orders: rhythms that the few people of a data set do not show.

MIT-BIH has one person in whom premature atrial beats are the majority, and the network's figures of rhythm are relative to
the recording. So the beats of a recording are drawn with replacement and laid in a new rhythm: single premature beats,
bigeminy, runs, runs broken by pauses (as a sick sinus gives), or the irregularity of atrial fibrillation. The form of every
beat is real but for a little noise, which keeps a beat that is drawn twice from being the same twice; its place in time is made.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ml.preprocessing.beat_signal import QRS, PreparedBeats, described

RATE_HZ = 360.0
NORMAL, ATRIAL, VENTRICULAR = "N", "A", "V"
KINDS = ("single", "paired", "runs", "pauses")
FIBRILLATION = "fibrillation"
_RESPIRATION, _DRIFT, _JITTER = 0.03, 0.02, 0.015
SHORTEST_S = 0.32
_SMOOTH, _MOST_NOISE = 5, 0.06  # samples; before smoothing, in heights of the usual QRS complex


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """A made rhythm.

    Attributes:
        kinds: ``N``, ``A`` or ``V`` for each beat, shape (m,).
        seconds: interval that ends in each beat, shape (m,).
    """

    kinds: NDArray[np.str_]
    seconds: NDArray[np.float64]


def sinus(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Intervals of a sinus rhythm in usual intervals: breathing, a slow drift, and some jitter."""
    at = np.arange(count)
    breathing = rng.uniform(0.0, _RESPIRATION) * np.sin(2 * np.pi * at / rng.uniform(3.0, 8.0))
    drift = rng.uniform(0.0, _DRIFT) * np.cumsum(rng.normal(size=count)) / np.sqrt(np.maximum(at, 1))
    return np.exp(breathing + drift + rng.normal(0.0, _JITTER, count))


def _blocks(kind: str, rng: np.random.Generator) -> tuple[int, int]:
    """How many usual beats and how many premature ones follow each other."""
    if kind == "single":
        return int(rng.integers(3, 60)), 1
    if kind == "paired":
        return int(rng.integers(1, 4)), int(rng.integers(1, 3))
    if kind == "runs":
        return int(rng.integers(3, 50)), int(rng.integers(2, 25))
    return int(rng.integers(1, 4)), int(rng.integers(2, 20))


def rhythm(kind: str, count: int, rng: np.random.Generator, *, ventricular: float = 0.0) -> Rhythm:
    """Make a rhythm.

    Args:
        kind: one of ``KINDS``, or ``fibrillation``, which has no premature beats.
        count: number of beats.
        rng: source of randomness.
        ventricular: part of the premature beats, and of the runs, that are ventricular, 0 to 1.
    """
    usual = rng.uniform(0.55, 1.15)
    if kind == FIBRILLATION:
        shape = 1.0 / rng.uniform(0.10, 0.30) ** 2
        seconds = np.maximum(usual * rng.gamma(shape, 1.0 / shape, count), SHORTEST_S)
        return Rhythm(kinds=np.full(count, NORMAL), seconds=seconds)
    kinds = np.full(count, NORMAL)
    gaps = sinus(count, rng)
    pace = rng.uniform(0.45, 0.80)
    longest = rng.uniform(1.0, 3.5) if kind == "pauses" else rng.uniform(1.0, 1.5)
    at = int(rng.integers(1, 6))
    while at < count:
        rest, run = _blocks(kind, rng)
        own = VENTRICULAR if rng.random() < ventricular else ATRIAL
        stop = min(count, at + run)
        kinds[at:stop] = own
        gaps[at:stop] = pace * np.exp(rng.normal(0.0, 0.06, stop - at))
        if stop < count:
            pausing = own == VENTRICULAR and run == 1
            gaps[stop] = 2.0 - gaps[at] if pausing else rng.uniform(1.0, longest)
        at = stop + rest
    return Rhythm(kinds=kinds, seconds=np.maximum(usual * gaps, SHORTEST_S))


def resequenced(
    cut: NDArray[np.float32], symbols: NDArray[np.str_], made: Rhythm, rng: np.random.Generator
) -> tuple[PreparedBeats, NDArray[np.int64]]:
    """Beats of one recording in a made rhythm.

    Args:
        cut: its beats, shape (n, leads, 128), any gain, see ``ml.preprocessing.beat_signal.PreparedBeats``.
        symbols: ``A``, ``V`` or any other, which counts as usual, for each, shape (n,).
        made: the rhythm; each of its kinds must be among the beats.
        rng: source of randomness.

    Returns:
        The beats as the network reads them, and which beat of the recording each is, shape (m,).
    """
    groups = np.where(np.isin(symbols, (ATRIAL, VENTRICULAR)), symbols, NORMAL)
    drawn = np.empty(len(made.kinds), dtype=np.int64)
    for kind in np.unique(made.kinds):
        places = made.kinds == kind
        drawn[places] = rng.choice(np.flatnonzero(groups == kind), int(places.sum()))
    heights = np.median(np.ptp(cut[:, :, QRS], axis=2), axis=0)[:, None]
    return laid(cut[drawn], made, rng, heights=heights), drawn


def laid(
    beats: NDArray[np.floating],
    made: Rhythm,
    rng: np.random.Generator,
    *,
    heights: NDArray[np.floating] | float = 1.0,
) -> PreparedBeats:
    """Beats in the order and at the times of a made rhythm, with a little noise.

    Args:
        beats: shape (m, leads, 128), as windows are cut.
        made: the rhythm, of m beats.
        rng: source of randomness.
        heights: of the usual QRS complex, shape (leads, 1) or one for all; the noise is relative to them.
    """
    noise = uniform_filter1d(rng.normal(size=beats.shape), _SMOOTH, axis=2)
    noisy = beats + rng.uniform(0.0, _MOST_NOISE) * heights * noise
    at = np.rint(np.cumsum(made.seconds) * RATE_HZ).astype(np.int64)
    return described(noisy.transpose(1, 0, 2), RATE_HZ, at)
