"""Fitting ``rhythm-vf`` once: its settings, and which stretches an epoch shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from ml.models.rhythm_vf import network
from ml.models.rhythm_vf.data import Segments
from ml.preprocessing.rhythm_segment import LENGTH, PACE, STEADY, SWINGS, figures_of
from ml.training import loop

_NOISY = 0.5
_SLOWED, _SLOWEST = 0.5, 0.7
_SLOW_RATES = (75.0, 118.0)
_REGULAR = 0.5
_AGREE = 0.2
_LEAST_SLOWED = 0.9
_WATCHED = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the bounded search varies; the defaults are what it chose.

    Attributes:
        filters: channels of the first block.
        dropout: part dropped before the logits.
        noise: noise on the scaled features in training.
        rate: highest learning rate.
        per_rhythm: at most so many stretches of each record and rhythm are shown per epoch, drawn anew.
        most_noise: highest standard deviation of added noise, in that of the signal.
        smoothing: label smoothing.
        calmed: part of the regular tachycardias that are slowed to less than 118 beats a minute and become ``other``.
    """

    filters: int = 16
    dropout: float = 0.4
    noise: float = 0.2
    rate: float = 2e-3
    per_rhythm: int = 120
    most_noise: float = 0.3
    smoothing: float = 0.05
    calmed: float = 0.5


class _Epochs:
    """Shuffled batches with noise and gain; each epoch shows other stretches of the rhythms that have many."""

    def __init__(self, segments: Segments, bank: NDArray[np.float32], settings: Settings, seed: int) -> None:
        self._segments, self._bank, self._settings = segments, bank, settings
        self._classes = segments.classes
        self._kinds = np.unique(segments.rhythms, return_inverse=True)[1]
        # PTB-XL has thousands of people with two stretches a lead: each statement counts as one record.
        self._sources = np.array(
            [name.split("/")[0] if name.startswith("ptbxl/") else name for name in segments.records.tolist()]
        )
        self._rng = np.random.default_rng(seed)

    def _drawn(self) -> NDArray[np.int64]:
        chosen = loop.balanced(self._sources, self._kinds, self._settings.per_rhythm, self._rng)
        return self._rng.permutation(chosen)

    def batches(self) -> Iterator[loop.Batch]:
        """Inputs and targets of one epoch."""
        order = self._drawn()
        for start in range(0, len(order), loop.BATCH):
            rows = order[start : start + loop.BATCH]
            factors, classes = speeds(
                self._segments.features[rows], self._classes[rows], self._rng, self._settings.calmed
            )
            windows = vary_segments(
                slowed(self._segments.windows[rows], factors),
                self._bank,
                self._rng,
                self._settings.most_noise,
            )
            features = figures_of(windows[:, :, 0].astype(np.float64)).astype(np.float32)
            yield [windows, features], np.eye(len(network.LABELS), dtype=np.float32)[classes]

    def steps(self) -> int:
        """Batches per epoch."""
        return loop.steps_of(len(self._drawn()))


def slowed(windows: NDArray[np.float32], factors: NDArray[np.float64]) -> NDArray[np.float32]:
    """The middle of each stretch, drawn out to its whole length.

    Args:
        windows: shape (n, 500, 1).
        factors: speed, shape (n,), above 0 and at most 1: half the speed is half the heart rate.
    """
    middle = (LENGTH - 1) / 2.0
    at = middle + (np.arange(LENGTH) - middle)[None, :] * factors[:, None]
    left = np.minimum(at.astype(int), LENGTH - 2)
    part = (at - left).astype(np.float32)
    flat = windows[:, :, 0]
    low, high = np.take_along_axis(flat, left, axis=1), np.take_along_axis(flat, left + 1, axis=1)
    drawn: NDArray[np.float32] = (low * (1 - part) + high * part)[:, :, None]
    return drawn


def speeds(
    features: NDArray[np.float32], classes: NDArray[np.int64], rng: np.random.Generator, share: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How much each stretch is slowed in training, and its class afterwards.

    A slow rhythm slowed further is still no tachycardia. A regular tachycardia slowed below 118 beats a minute is none any
    more: that teaches the rate, where width alone would take every wide and slow rhythm for a tachycardia.

    Args:
        features: shape (n, 61), see ``prepare_segments``.
        classes: shape (n,), 0 or 1.
        rng: source of randomness.
        share: part of the regular tachycardias to slow, 0 to 1.
    """
    count = len(classes)
    draw = rng.random(count)
    factors = np.where((classes == 0) & (draw < _SLOWED), rng.uniform(_SLOWEST, 1.0, count), 1.0)
    rate = 100.0 * features[:, PACE].astype(np.float64)
    # It must swing as often as it repeats, or the lag may span two beats and the rate is not known.
    sure = np.abs(features[:, PACE] / np.maximum(features[:, SWINGS], 1e-3) - 1.0) < _AGREE
    regular = (classes == 1) & sure & (features[:, STEADY] > _REGULAR) & (draw < share)
    wanted = rng.uniform(*_SLOW_RATES, count) / np.maximum(rate, 1.0)
    calmed = regular & (wanted < _LEAST_SLOWED)
    factors = np.where(calmed, wanted, factors)
    return factors, np.where(calmed, 0, classes)


def vary_segments(
    windows: NDArray[np.float32], bank: NDArray[np.float32], rng: np.random.Generator, most: float
) -> NDArray[np.float32]:
    """Stretches as another lead or recorder might have shown them: noise of nstdb, and either polarity.

    Which way a lead points is a matter of the electrodes; fibrillation has no right way up.

    Args:
        windows: shape (n, 500, 1).
        bank: noise at 125 Hz, shape (k, samples).
        rng: source of randomness.
        most: highest standard deviation of the noise, in that of the signal.

    Returns:
        The same shape, standard deviation 1 again.
    """
    count = len(windows)
    starts = rng.integers(0, bank.shape[1] - LENGTH, (count, 1))
    noise = bank[rng.integers(0, len(bank), (count, 1)), starts + np.arange(LENGTH)][:, :, None]
    size = rng.uniform(0.0, most, (count, 1, 1)) * (rng.random((count, 1, 1)) < _NOISY)
    varied = windows * rng.choice([-1.0, 1.0], (count, 1, 1)) + noise * size
    varied -= varied.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (varied / np.maximum(varied.std(axis=1, keepdims=True), 0.05)).astype(
        np.float32
    )
    return scaled


def fit(
    training: Segments,
    validation: Segments | None,
    bank: NDArray[np.float32],
    *,
    epochs: int,
    seed: int,
    checkpoint: Path,
    settings: Settings | None = None,
    verbose: int = 0,
) -> tuple[keras.Model, int]:
    """Train the network.

    Args:
        training: stretches to learn from.
        validation: stretches of other records that decide when to stop; None trains all epochs.
        bank: noise, see ``ml.training.augment_signal.noise_bank``.
        epochs: most epochs.
        seed: seed of weights, order and augmentation.
        checkpoint: file for the best weights so far (``*.weights.h5``).
        settings: see ``Settings``.
        verbose: 0 silent, else one line per epoch.

    Returns:
        The trained model with the weights of its best epoch, and that epoch, counted from 1.
    """
    settings = settings or Settings()
    keras.utils.set_random_seed(seed)
    model = network.build(
        mean=training.features.mean(axis=0),
        spread=np.maximum(training.features.std(axis=0), loop.LEAST_SPREAD / 3),
        filters=settings.filters,
        dropout=settings.dropout,
        noise=settings.noise,
    )
    best = loop.run(
        model,
        _Epochs(training, bank, settings, seed),
        epochs=epochs,
        rate=settings.rate,
        smoothing=settings.smoothing,
        checkpoint=checkpoint,
        watch=None if validation is None else lambda current: _loss(current, validation),
        verbose=verbose,
    )
    return model, best


def _loss(model: keras.Model, validation: Segments) -> float:
    """Cross-entropy on other records, each class and record counting alike."""
    classes = validation.classes
    some = loop.balanced(validation.records, classes, _WATCHED, np.random.default_rng(0))
    likely = log_softmax(logits_of(model, validation.take(some)), axis=1)
    return -float(likely[np.arange(len(some)), classes[some]].mean())


def logits_of(model: keras.Model, segments: Segments) -> NDArray[np.float64]:
    """Logits of prepared stretches, shape (n, 2)."""
    return loop.logits_of(model, segments.windows, segments.features)
