"""Fits one network of ``dicom-cardiac`` and answers the films that it has not seen; finished trainings are kept."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from tqdm import tqdm

from ml.chest.measuring import BORDER, LIMIT
from ml.models.chest_pictures.augment import vary
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.drawn import CHESTS, drawn_films
from ml.models.chest_pictures.folds import Run
from ml.models.dicom_cardiac import network

BATCH, STEPS = 16, 30
RATE, DECAY = 2e-3, 1e-2
VARIANTS = 7
_DRAWN = 0.07


def wanted(ratios: NDArray[np.float64]) -> NDArray[np.float32]:
    """What the network should say, shape (n, 2): yes or no as two readers would, who differ by 0.02 (near 0.50 neither is certain)."""
    yes = norm.sf(LIMIT, loc=ratios, scale=BORDER)
    return np.stack([1.0 - yes, yes], axis=1).astype(np.float32)


@functools.lru_cache(maxsize=1)
def varied(films: Films) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Every film and every drawn chest as it is and otherwise placed and exposed, and what should be said of each.

    Returns:
        Pictures (n + drawn, 1 + `VARIANTS`, 256, 256, 1), films first, and targets (n + drawn, 2).
    """
    drawn, drawn_masks, drawn_ratios = drawn_films()
    pictures = np.concatenate([films.pictures, drawn[:CHESTS]])
    masks = np.concatenate([films.masks, drawn_masks[:CHESTS]])
    rng = np.random.default_rng(0)
    made = [
        np.stack([picture, *(vary(picture, mask, rng, upright=True)[0] for _ in range(VARIANTS))])
        for picture, mask in zip(tqdm(pictures, desc="variants"), masks, strict=True)
    ]
    return np.stack(made), wanted(np.r_[films.ratios, drawn_ratios[:CHESTS]])


def _batch(
    films: Films, positions: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Variants of films, a few of them drawn, with what should be said."""
    pictures, targets = varied(films)
    chosen = rng.choice(positions, BATCH, replace=False)
    drawn = rng.random(BATCH) < _DRAWN
    chosen[drawn] = len(films) + rng.integers(CHESTS, size=int(drawn.sum()))
    return pictures[chosen, rng.integers(VARIANTS + 1, size=BATCH)].astype(np.float32), targets[chosen]


def fit(films: Films, run: Run, *, epochs: int, seed: int) -> keras.Model:
    """Train one network for a fixed number of steps.

    Args:
        films: all films.
        run: which to learn from.
        epochs: of `STEPS` steps; the learning rate ends at 0.
        seed: seed of weights, order and variations.
    """
    keras.utils.set_random_seed(seed)
    model = network.build()
    rate = keras.optimizers.schedules.CosineDecay(RATE, epochs * STEPS)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=DECAY),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    bar = tqdm(range(epochs), desc=f"dicom-cardiac {run.name}")
    for epoch in bar:
        rng = np.random.default_rng([seed, epoch])
        losses = [float(model.train_on_batch(*_batch(films, run.learn, rng))) for _ in range(STEPS)]
        bar.set_postfix(loss=float(np.mean(losses)))
    return model


def logits_of(model: keras.Model, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Logits of pictures, shape (n, 2)."""
    parts = [
        model(pictures[i : i + 32].astype(np.float32), training=False).numpy()
        for i in range(0, len(pictures), 32)
    ]
    return np.concatenate(parts).astype(np.float64)


def kept_model(films: Films, run: Run, *, epochs: int, seed: int, folder: Path) -> keras.Model:
    """The network of a training, from ``folder`` where it was done before."""
    weights = folder / f"{run.name}.weights.h5"
    if weights.exists():
        model = network.build()
        model.load_weights(weights)
        return model
    folder.mkdir(parents=True, exist_ok=True)
    model = fit(films, run, epochs=epochs, seed=seed)
    keras.Model(model.input, model.output).save_weights(weights)
    return model


def held_out_logits(films: Films, run: Run, *, epochs: int, seed: int, folder: Path) -> NDArray[np.float64]:
    """Logits of a training about the films that it is asked, shape (n, 2)."""
    return logits_of(
        kept_model(films, run, epochs=epochs, seed=seed, folder=folder), films.pictures[run.asked]
    )
