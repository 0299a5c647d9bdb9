"""Fitting ``beat-resnet`` once: its settings, and which beats an epoch shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ml.models.beat_resnet import network
from ml.models.beat_resnet.classes import LABELS
from ml.models.beat_resnet.data import Examples, joined
from ml.preprocessing.beat_signal import LEAD_FEATURES, LEADS, RHYTHM_FEATURES
from ml.training import loop
from ml.training.augment_signal import vary_beats


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the bounded search varies; the defaults are what it chose.

    Attributes:
        filters: channels of the first block.
        dropout: part dropped before the logits.
        noise: noise on the scaled features in training.
        rate: highest learning rate.
        per_record: at most so many beats of each class and record are shown per epoch, drawn anew.
        rare: how often each premature atrial and each fusion beat is shown per epoch.
        smoothing: label smoothing.
        others: at most so many beats of each class of PTB-XL, and of each kind of made rhythm, are shown per epoch.
    """

    filters: int = 16
    dropout: float = 0.4
    noise: float = 0.1
    rate: float = 2e-3
    per_record: int = 300
    rare: int = 2
    smoothing: float = 0.05
    others: int = 600


class _Epochs:
    """Shuffled, augmented batches; each epoch shows other beats of the records that have many."""

    def __init__(
        self,
        examples: Examples,
        extra: Examples | None,
        bank: NDArray[np.float32],
        settings: Settings,
        seed: int,
    ) -> None:
        self._examples = examples if extra is None else joined([examples, extra])
        self._bank, self._settings = bank, settings
        self._rng = np.random.default_rng(seed)
        rare = np.isin(examples.classes, [LABELS.index("PAC"), LABELS.index("Fusion")])
        self._pool = np.repeat(np.arange(len(examples)), np.where(rare, settings.rare, 1))
        self._others = np.arange(len(examples), len(self._examples))
        self._groups = _groups(examples.records, examples.classes)[self._pool]
        self._other_groups = _groups(
            _sources(self._examples.records[self._others]), self._examples.classes[self._others]
        )

    def _drawn(self) -> NDArray[np.int64]:
        own = loop.capped(self._groups, self._settings.per_record, self._rng)
        others = loop.capped(self._other_groups, self._settings.others, self._rng)
        return self._rng.permutation(np.concatenate([self._pool[own], self._others[others]]))

    def batches(self) -> Iterator[loop.Batch]:
        """Inputs and targets of one epoch."""
        order = self._drawn()
        for start in range(0, len(order), loop.BATCH):
            rows = order[start : start + loop.BATCH]
            windows, features = vary_beats(
                self._examples.windows[rows], self._examples.features[rows], self._bank, self._rng
            )
            yield [windows, features], np.eye(len(LABELS), dtype=np.float32)[self._examples.classes[rows]]

    def steps(self) -> int:
        """Batches per epoch."""
        return loop.steps_of(len(self._drawn()))


def fit(
    training: Examples,
    bank: NDArray[np.float32],
    *,
    epochs: int,
    seed: int,
    checkpoint: Path,
    settings: Settings | None = None,
    plain: bool = False,
    extra: Examples | None = None,
) -> keras.Model:
    """Train the network.

    Args:
        training: beats to learn from.
        bank: noise, see ``ml.training.augment_signal.noise_bank``.
        epochs: epochs; all are trained.
        seed: seed of weights, order and augmentation.
        checkpoint: file for the weights (``*.weights.h5``).
        settings: see ``Settings``.
        plain: whether to train the network of rhythm and form alone.
        extra: further beats to learn from, of no record that is held out: PTB-XL, made rhythms.

    Returns:
        The trained model.
    """
    settings = settings or Settings()
    keras.utils.set_random_seed(seed)
    mean = _of_both_leads(training.features.mean(axis=0))
    spread = np.maximum(_of_both_leads(training.features.std(axis=0)), loop.LEAST_SPREAD)
    model = (
        network.build_plain(mean=mean, spread=spread, noise=settings.noise)
        if plain
        else network.build(
            mean=mean,
            spread=spread,
            filters=settings.filters,
            dropout=settings.dropout,
            noise=settings.noise,
        )
    )
    loop.run(
        model,
        _Epochs(training, extra, bank, settings, seed),
        epochs=epochs,
        rate=settings.rate,
        smoothing=settings.smoothing,
        checkpoint=checkpoint,
    )
    return model


def _groups(names: NDArray[np.str_], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each pair of name and class, shape (n,)."""
    _, places = np.unique(names, return_inverse=True)
    numbers: NDArray[np.int64] = places * len(LABELS) + classes
    return numbers


def _sources(records: NDArray[np.str_]) -> NDArray[np.str_]:
    """What counts together as one source of further beats, from the first part of their names: PTB-XL, a made rhythm."""
    found: NDArray[np.str_] = np.char.partition(records, "/")[:, 0]
    return found


def balanced_sample(examples: Examples, most: int, seed: int) -> NDArray[np.int64]:
    """Positions of at most so many beats of each class and record, ascending."""
    return loop.balanced(examples.records, examples.classes, most, np.random.default_rng(seed))


def _of_both_leads(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Figures of the features, shape (73,), with those of a lead the same for each lead."""
    forms = values[RHYTHM_FEATURES:].reshape(LEADS, LEAD_FEATURES).mean(axis=0)
    return np.concatenate([values[:RHYTHM_FEATURES], np.tile(forms, LEADS)])


def logits_of(model: keras.Model, examples: Examples) -> NDArray[np.float64]:
    """Logits of prepared beats, shape (n, classes)."""
    return loop.logits_of(model, examples.windows, examples.features)
