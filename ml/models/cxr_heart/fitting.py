"""Fits one network of ``cxr-heart``, in two parts; stopped and begun again in the same folder it goes on."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.models.chest_pictures.augment import vary
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.drawn import CHESTS, drawn_films
from ml.models.chest_pictures.hearts import resized_heart
from ml.models.chest_pictures.styles import restyled
from ml.models.cxr_heart import network
from ml.models.cxr_heart.ways import PLAIN, Way

BATCH, STEPS = 8, 50  # pictures of a step, steps of an epoch: as many whatever the number of films
DECAY = 1e-3
_DRAWN, _OTHER = (
    0.07,
    0.03,
)  # part of the pictures that are drawn chests, and that are drawn and no frontal chest


def _compiled(steps: int, highest: float) -> keras.Model:
    model = network.build()
    rate = keras.optimizers.schedules.CosineDecay(
        highest / 20.0, steps - steps // 10, alpha=0.005, warmup_target=highest, warmup_steps=steps // 10
    )
    optimiser = keras.optimizers.AdamW(rate, weight_decay=DECAY, clipnorm=1.0)
    optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimiser, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    return model


def _varied(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator, way: Way
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A real film with another size of heart and another processing, as often as the way says, then moved and exposed otherwise."""
    if way.resized and rng.random() < way.resized:
        picture, mask = resized_heart(picture, mask, rng)
    if way.restyled and rng.random() < way.restyled:
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


def fit(
    films: Films, positions: NDArray[np.int64], *, epochs: int, seed: int, folder: Path, way: Way = PLAIN
) -> keras.Model:
    """Train one network for a fixed number of steps; no film is held back to choose an epoch.

    Args:
        films: all films.
        positions: of those to learn from.
        epochs: of `STEPS` steps with films as they are.
        seed: seed of weights, order and variations.
        folder: for the folders of both parts.
        way: what follows the films as they are; nothing for `PLAIN`.
    """
    begun = fit_part(films, positions, PLAIN, epochs=epochs, seed=seed, folder=folder / PLAIN.name)
    if way == PLAIN:
        return begun
    return fit_part(
        films, positions, way, epochs=way.epochs, seed=seed, folder=folder / way.name, begun=begun
    )


def fit_part(
    films: Films,
    positions: NDArray[np.int64],
    way: Way,
    *,
    epochs: int,
    seed: int,
    folder: Path,
    begun: keras.Model | None = None,
) -> keras.Model:
    """Train one part.

    Args:
        films: all films.
        positions: of those to learn from.
        way: how films are varied.
        epochs: of `STEPS` steps; the learning rate ends near 0.
        seed: seed of weights, order and variations.
        folder: for ``last.weights.h5`` (with the optimiser) and ``history.json``.
        begun: the network of the part before; a fresh one if None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    model = _compiled(epochs * STEPS, way.rate)
    if begun is not None:
        model.set_weights(begun.get_weights())
    log, last = folder / "history.json", folder / "last.weights.h5"
    history: list[float] = []
    if log.exists():
        history = json.loads(log.read_text(encoding="utf-8"))
        model.optimizer.build(model.trainable_variables)
        model.load_weights(last)
    name = f"{folder.parent.name} {folder.name}"
    bar = tqdm(range(len(history), epochs), desc=name, initial=len(history), total=epochs)
    for epoch in bar:
        rng = np.random.default_rng([seed, epoch])
        losses = [float(model.train_on_batch(*_batch(films, positions, rng, way))) for _ in range(STEPS)]
        history.append(float(np.mean(losses)))
        model.save_weights(last)
        log.write_text(json.dumps(history) + "\n", encoding="utf-8")
        bar.set_postfix(loss=history[-1])
    return model
