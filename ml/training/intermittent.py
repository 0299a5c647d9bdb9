"""Made recordings in which bundle branch block comes and goes: a wide beat on time, behind a P wave, is no ventricular beat.

Hardly a recording of MIT-BIH's DS1 and none of the ten-second ones of PTB-XL shows normal beats and the same heart's blocked ones
in turn, so a network takes whatever is not the recording's usual form for a premature ventricular beat. Here the QRS complex
and T wave of a person with block follow the P wave of a person without: in runs, where the heart beats faster (as block that
depends on the rate), where every second P wave had not been conducted, or every second beat; with ventricular premature beats
of the person without block among them. The complexes are real, their joint and their places in time are made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.beat_signal import CENTRE, LENGTH, RATE_HZ
from ml.training.resequence import NORMAL, SHORTEST_S, VENTRICULAR, Rhythm, sinus

BLOCKED = "B"
WAYS = ("runs", "rate", "dropped", "alternate")
_FROM, _TO = CENTRE - round(0.13 * RATE_HZ), CENTRE - round(0.05 * RATE_HZ)
_LONGEST_RUN = 40
_SLOWER = (1.08, 1.25)
_DROPPED = 2.0
_UNUSUAL = 0.1
_EXTRA = (0.02, 0.15)
_EARLY, _PAUSING = (0.45, 0.80), 0.8


def intermittent(way: str, count: int, rng: np.random.Generator, *, ventricular: bool = False) -> Rhythm:
    """Make a rhythm of normal and blocked beats.

    Args:
        way: one of ``WAYS``: runs of either at one rate; normal beats at a slower rate; normal beats after twice the usual
            interval; or every second beat blocked.
        count: number of beats.
        rng: source of randomness.
        ventricular: whether single ventricular premature beats come among them.

    Returns:
        A rhythm whose kinds are ``N``, ``B`` and ``V``.
    """
    gaps = sinus(count, rng)
    if way == "alternate":
        blocked = np.arange(count) % 2 == rng.integers(2)
    else:
        lengths = rng.integers(2, _LONGEST_RUN, count)
        blocked = np.repeat((np.arange(count) + rng.integers(2)) % 2 == 1, lengths)[:count]
    if way == "rate":
        gaps[~blocked] *= rng.uniform(*_SLOWER)
    if way == "dropped":
        gaps[~blocked] *= _DROPPED
        blocked |= rng.random(count) < _UNUSUAL
    kinds = np.where(blocked, BLOCKED, NORMAL)
    if ventricular:
        for at in np.flatnonzero(rng.random(count - 1) < rng.uniform(*_EXTRA)):
            early = rng.uniform(*_EARLY)
            kinds[at] = VENTRICULAR
            gaps[at + 1] *= 2.0 - early if rng.random() < _PAUSING else 1.0
            gaps[at] *= early
    return Rhythm(kinds=kinds, seconds=np.maximum(rng.uniform(0.55, 1.15) * gaps, SHORTEST_S))


def conducted_with_block(beats: NDArray[np.floating], blocked: NDArray[np.floating]) -> NDArray[np.floating]:
    """Beats whose P wave is their own and whose QRS complex and T wave are another person's.

    Args:
        beats: beats without block, shape (n, leads, 128), in heights of the usual QRS complex.
        blocked: beats with block, likewise.

    Returns:
        Shape (n, leads, 128): the one goes over into the other from 0.13 to 0.05 s before the middle of the complex.
    """
    part = np.clip((np.arange(LENGTH) - _FROM) / (_TO - _FROM), 0.0, 1.0)
    level = beats[..., [_FROM]] - blocked[..., [_FROM]]
    return beats * (1.0 - part) + (blocked + level) * part
