"""Fitting one member of ``ecg-signals``: its settings, and what an epoch shows."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.evaluation.multilabel import macro_auc
from ml.models.ecg_signals import network
from ml.models.ecg_signals.data import Windows
from ml.preprocessing.twelve_lead import LEADS, LEAST

BATCH = 128
PATIENCE = 12
WATCH_EVERY = 2
# Leads that a page of 3 rows and 4 columns writes at the same moment.
COLUMNS = 4
_GAIN = 0.15
_MOST_LOST = 3
_NOISE_MV = 0.04


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the bounded search varies; the defaults are what it chose.

    Attributes:
        widths: channels of the blocks.
        dropout: part dropped before the logits.
        rate: highest learning rate.
        decay: weight decay.
        mixup: parameter of the beta distribution of mixup (Zhang and others 2018); 0 mixes nothing.
        crop: samples of a training crop.
        epochs: epochs to train; the learning rate reaches 0 at their end.
        apart: part of the crops whose columns are of different moments, as on a page.
        lost: part of the crops with one to three leads lost.
    """

    widths: tuple[int, ...] = network.WIDTHS
    dropout: float = 0.3
    rate: float = 4e-3
    decay: float = 1e-2
    mixup: float = 0.0
    crop: int = LEAST
    epochs: int = 36
    apart: float = 0.3
    lost: float = 0.15


def crops(signals: NDArray[np.float16], starts: NDArray[np.int64], length: int) -> NDArray[np.float32]:
    """A piece of each lead.

    Args:
        signals: shape (n, t, 12).
        starts: first sample of each lead's piece, shape (n, 12).
        length: samples of a piece.

    Returns:
        Shape (n, length, 12).
    """
    at = starts[:, None, :] + np.arange(length)[None, :, None]
    return np.take_along_axis(signals, at, axis=1).astype(np.float32)


def drawn_starts(count: int, samples: int, settings: Settings, rng: np.random.Generator) -> NDArray[np.int64]:
    """Where each lead's piece begins, shape (n, 12): the same for all leads, or another one for each column of a page."""
    columns = rng.integers(0, samples - settings.crop + 1, (count, COLUMNS))
    together = rng.random(count) >= settings.apart
    columns[together] = columns[together, :1]
    return np.repeat(columns, LEADS // COLUMNS, axis=1)


def varied(windows: NDArray[np.float32], settings: Settings, rng: np.random.Generator) -> NDArray[np.float32]:
    """Windows (n, t, 12) as another recorder might have shown them: gain, noise, leads that had come off."""
    count = len(windows)
    gain = np.exp(rng.normal(0.0, _GAIN, (count, 1, 1)) + rng.normal(0.0, _GAIN / 3, (count, 1, LEADS)))
    size = rng.uniform(0.0, _NOISE_MV, (count, 1, 1)) * (rng.random((count, 1, 1)) < 0.5)
    noise = rng.standard_normal(windows.shape, dtype=np.float32) * size.astype(np.float32)
    made = windows * gain.astype(np.float32) + noise
    many = np.where(rng.random(count) < settings.lost, rng.integers(1, _MOST_LOST + 1, count), 0)
    order = rng.random((count, LEADS)).argsort(axis=1)
    kept: NDArray[np.float32] = made * (order >= many[:, None])[:, None, :]
    return kept


def mixed(
    windows: NDArray[np.float32],
    targets: NDArray[np.float32],
    settings: Settings,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each window with some of another one, and its target likewise."""
    if not settings.mixup:
        return windows, targets
    share = rng.beta(settings.mixup, settings.mixup, len(windows)).astype(np.float32)
    share = np.maximum(share, 1.0 - share)
    other = rng.permutation(len(windows))
    of_signal, of_target = share[:, None, None], share[:, None]
    return (
        of_signal * windows + (1.0 - of_signal) * windows[other],
        of_target * targets + (1.0 - of_target) * targets[other],
    )


def _batches(
    training: Windows, settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Windows and targets of one epoch; one crop of each recording."""
    order = rng.permutation(len(training))
    for first in range(0, len(order) // BATCH * BATCH, BATCH):
        rows = np.sort(order[first : first + BATCH])
        signals = training.signals[rows]
        windows = crops(signals, drawn_starts(BATCH, signals.shape[1], settings, rng), settings.crop)
        targets = training.classes[rows].astype(np.float32)
        yield mixed(varied(windows, settings, rng), targets, settings, rng)


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises for a quarter of the steps and falls to 0 along a cosine (Smith 2018).

    Args:
        rate: highest learning rate.
        steps: steps in all.
    """

    def __init__(self, rate: float, steps: int) -> None:
        self.rate, self.steps = rate, steps

    def __call__(self, step: int) -> object:
        """Learning rate of a step."""
        at = keras.ops.cast(step, "float32") / self.steps
        up = 0.5 * (1.0 - keras.ops.cos(math.pi * at / 0.25))
        down = 0.5 * (1.0 + keras.ops.cos(math.pi * (at - 0.25) / 0.75))
        return self.rate * keras.ops.maximum(keras.ops.where(at < 0.25, 0.04 + 0.96 * up, down), 1e-4)

    def get_config(self) -> dict[str, float]:
        """What it was made with."""
        return {"rate": self.rate, "steps": self.steps}


def _compiled(settings: Settings, steps: int) -> keras.Model:
    model = network.build(widths=settings.widths, dropout=settings.dropout)
    optimiser = keras.optimizers.AdamW(
        OneCycle(settings.rate, steps), weight_decay=settings.decay, clipnorm=1.0
    )
    optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimiser, keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
    return model


def logits_of(model: keras.Model, windows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits of windows (n, t, 12), shape (n, 5)."""
    parts = [
        model(windows[i : i + BATCH].astype(np.float32), training=False).numpy()
        for i in range(0, len(windows), BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)


def fit(
    training: Windows,
    validation: Windows,
    *,
    epochs: int,
    seed: int,
    folder: Path,
    settings: Settings | None = None,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Train one network; begun again in the same folder it goes on where it was stopped.

    Args:
        training: recordings to learn from.
        validation: recordings of other people: the weights with the highest macro AUC on them are kept.
        epochs: most epochs; the learning rate reaches 0 at their end.
        seed: seed of weights, order and augmentation.
        folder: for ``best.weights.h5``, ``last.weights.h5`` (with the optimiser) and ``history.json``.
        settings: see ``Settings``.

    Returns:
        The model with the weights of its best epoch, and per epoch ``loss`` and where measured ``auc``.
    """
    settings = settings or Settings()
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    model = _compiled(settings, epochs * (len(training) // BATCH))
    log, last, best = folder / "history.json", folder / "last.weights.h5", folder / "best.weights.h5"
    history: list[dict[str, float]] = []
    if log.exists():
        history = json.loads(log.read_text(encoding="utf-8"))
        model.optimizer.build(model.trainable_variables)
        model.load_weights(last)
    bar = tqdm(
        range(len(history), epochs), desc=f"{folder.name} (seed {seed})", initial=len(history), total=epochs
    )
    for epoch in bar:
        measured = [row["auc"] for row in history if "auc" in row]
        if measured and len(measured) - 1 - int(np.argmax(measured)) >= PATIENCE:
            break
        rng = np.random.default_rng([seed, epoch])
        losses = [float(model.train_on_batch(*batch)) for batch in _batches(training, settings, rng)]
        row = {"loss": float(np.mean(losses))}
        if epoch % WATCH_EVERY or epoch == epochs - 1:
            row["auc"] = macro_auc(validation.classes, logits_of(model, validation.signals))
            if row["auc"] > max(measured, default=0.0):
                model.save_weights(best)
        history.append(row)
        model.save_weights(last)
        log.write_text(json.dumps(history) + "\n", encoding="utf-8")
        bar.set_postfix(row)
    model.load_weights(best)
    return model, history
