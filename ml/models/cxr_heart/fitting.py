"""Fits one network of ``cxr-heart``; stopped and begun again in the same folder it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from tqdm import tqdm

from ml.models.chest_pictures.augment import vary
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.drawn import CHESTS, drawn_films
from ml.models.chest_pictures.folds import Run
from ml.models.chest_pictures.hearts import resized_heart
from ml.models.chest_pictures.styles import restyled
from ml.models.cxr_heart import network
from ml.models.cxr_heart.ways import Way

BATCH, STEPS = 8, 50  # pictures of a step, steps of an epoch: as many whatever the number of films
DECAY = 1e-3
_DRAWN, _OTHER = (
    0.07,
    0.03,
)  # part of the pictures that are drawn chests, and that are drawn and no frontal chest


def loss_with(weight: float) -> Callable[[Any, Any], Any]:
    """Cross entropy of each pixel, and with a weight what lungs and heart of a batch lack to full overlap (Dice)."""
    by_pixel = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(classes: Any, logits: Any) -> Any:
        shares = ops.softmax(logits)[..., 1:]
        wanted = ops.one_hot(ops.cast(classes, "int32"), network.PARTS)[..., 1:]
        both = ops.sum(shares * wanted, axis=(0, 1, 2))
        overlap = (2.0 * both + 1.0) / (ops.sum(shares + wanted, axis=(0, 1, 2)) + 1.0)
        return by_pixel(classes, logits) + weight * ops.mean(1.0 - overlap)

    return loss if weight else by_pixel


def _compiled(way: Way, steps: int) -> keras.Model:
    model = network.build()
    rate = keras.optimizers.schedules.CosineDecay(
        way.rate / 20.0, steps - steps // 10, alpha=0.005, warmup_target=way.rate, warmup_steps=steps // 10
    )
    optimiser = keras.optimizers.AdamW(rate, weight_decay=DECAY, clipnorm=1.0)
    optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimiser, loss_with(way.overlap), jit_compile=False)
    return model


def _varied(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator, way: Way
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A real film with another size of heart and another processing, as often as the way says, then moved and exposed otherwise."""
    if rng.random() < way.resized:
        picture, mask = resized_heart(picture, mask, rng)
    if rng.random() < way.restyled:
        picture = restyled(picture, rng)
    return vary(picture, mask, rng)


def _batch(
    films: Films, positions: NDArray[np.int64], rng: np.random.Generator, way: Way
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Varied films, a few of them drawn, with their masks."""
    drawn, drawn_masks, _ = drawn_films()
    varied = []
    for place in rng.choice(positions, BATCH, replace=False):
        kind = rng.random()
        if kind >= _DRAWN + _OTHER:
            varied.append(_varied(films.pictures[place], films.masks[place], rng, way))
        else:
            other = rng.integers(CHESTS) if kind < _DRAWN else rng.integers(CHESTS, len(drawn))
            varied.append(vary(drawn[other], drawn_masks[other], rng))
    pictures, masks = (np.stack(part) for part in zip(*varied, strict=True))
    return pictures.astype(np.float32), masks


def fit_members(
    films: Films, run: Run, way: Way, *, epochs: int, seed: int, folder: Path
) -> list[keras.Model]:
    """Train the networks of a training that answer together; they differ by their seeds alone.

    Args:
        films: all films.
        run: which training.
        way: how each network is made and taught.
        epochs: of `STEPS` steps.
        seed: of the first; the others follow.
        folder: for a folder of each.
    """
    return [
        fit(
            films,
            run.learn,
            way,
            epochs=epochs,
            seed=seed + member,
            folder=folder / f"{run.name}-{member + 1}",
        )
        for member in range(run.members)
    ]


def fit(
    films: Films, positions: NDArray[np.int64], way: Way, *, epochs: int, seed: int, folder: Path
) -> keras.Model:
    """Train one network for a fixed number of steps; no film is held back to choose an epoch.

    Args:
        films: all films.
        positions: of those to learn from.
        way: how it is made and taught.
        epochs: of `STEPS` steps; the learning rate ends near 0.
        seed: seed of weights, order and variations.
        folder: for ``last.weights.h5`` (with the optimiser) and ``history.json``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    model = _compiled(way, epochs * STEPS)
    log, last = folder / "history.json", folder / "last.weights.h5"
    history: list[float] = []
    if log.exists():
        history = json.loads(log.read_text(encoding="utf-8"))
        model.optimizer.build(model.trainable_variables)
        model.load_weights(last)
    bar = tqdm(range(len(history), epochs), desc=folder.name, initial=len(history), total=epochs)
    for epoch in bar:
        rng = np.random.default_rng([seed, epoch])
        losses = [float(model.train_on_batch(*_batch(films, positions, rng, way))) for _ in range(STEPS)]
        history.append(float(np.mean(losses)))
        model.save_weights(last)
        log.write_text(json.dumps(history) + "\n", encoding="utf-8")
        bar.set_postfix(loss=history[-1])
    return model
