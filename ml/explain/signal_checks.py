"""Does the heat of a model of signals mean something? The checks of ``ml.explain.checks``, along time."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from scipy.stats import spearmanr

from ml.training.export import MeanHeadGraph, SignalGraph

Inputs = dict[str, NDArray[np.float32]]


def heat(
    model: keras.Model, inputs: Inputs, classes: NDArray[np.int64], *, layers: dict[str, str]
) -> NDArray[np.float32]:
    """Heat of chosen classes along time.

    Args:
        model: the network.
        inputs: its inputs by name, n examples each.
        classes: explained class per example, shape (n,).
        layers: names of the last ``convolution`` and of the first dense layer after it, the ``embedding``, unless the head is linear.

    Returns:
        Shape (n, steps), 0 and above.
    """
    graph = SignalGraph(model, **layers) if "embedding" in layers else MeanHeadGraph(model, **layers)
    found = graph.call(*(inputs[given.name] for given in model.inputs))["heat"].numpy()
    chosen: NDArray[np.float32] = found[np.arange(len(classes)), classes]
    return chosen


def randomisation_likeness(
    model: keras.Model,
    inputs: Inputs,
    classes: NDArray[np.int64],
    *,
    layers: dict[str, str],
    seed: int,
) -> float:
    """Mean rank correlation of the heat before and after all weights were drawn anew; near 0 is as it should be.

    Args:
        model: the trained network; it is not changed.
        inputs: its inputs by name.
        classes: explained class per example.
        layers: names of the last ``convolution`` and of the first dense layer after it, the ``embedding``.
        seed: seed of the random weights.

    Returns:
        -1 to 1; heat that is zero everywhere counts as 0.
    """
    keras.utils.set_random_seed(seed)
    trained = heat(model, inputs, classes, layers=layers)
    random = heat(keras.models.clone_model(model), inputs, classes, layers=layers)
    # Where the network cannot look at all, both are 0 for every example: that they agree there says nothing.
    seen = trained.any(axis=0) | random.any(axis=0)
    scores = [
        0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(spearmanr(a, b).statistic)
        for a, b in zip(trained[:, seen], random[:, seen], strict=True)
    ]
    return float(np.mean(scores))


def deletion(
    model: keras.Model,
    inputs: Inputs,
    classes: NDArray[np.int64],
    *,
    layers: dict[str, str],
    signal: str,
    temperature: float | None,
    part: float = 0.2,
    seed: int,
) -> dict[str, Any]:
    """Drop of the class probability when the hottest part of the signal is blanked, beside a random part as long.

    The random part lies where the heat of some example is not 0: blanking what no network of this build sees would change nothing.

    Args:
        model: the network.
        inputs: its inputs by name.
        classes: explained class per example.
        layers: names of the last ``convolution`` and of the first dense layer after it, the ``embedding``.
        signal: name of the input to blank; its last axis but one is time.
        temperature: of the softmax; None for classes that may hold at the same time, each with a sigmoid of its own.
        part: part of the time to blank, 0 to 1.
        seed: seed of the random parts.

    Returns:
        ``part``, ``drop_of_map`` and ``drop_of_random``, mean differences of probability, -1 to 1.
    """
    rows = np.arange(len(classes))

    def probability(given: Inputs) -> NDArray[np.float64]:
        values = [given[one.name] for one in model.inputs]
        logits = model(values if len(values) > 1 else values[0], training=False).numpy()
        wide = logits.astype(np.float64)
        shares: NDArray[np.float64] = (
            expit(wide) if temperature is None else softmax(wide / temperature, axis=1)
        )
        chosen: NDArray[np.float64] = shares[rows, classes]
        return chosen

    found = heat(model, inputs, classes, layers=layers)
    width = inputs[signal].shape[-2]
    before = probability(inputs)
    length = max(1, round(part * found.shape[1]))
    rng = np.random.default_rng(seed)
    drops = []
    chance = np.where(found.any(axis=0), _smooth(rng.random(found.shape)), -1.0)  # where it can look
    for ranking in (found, chance):
        keep = np.ones(found.shape, dtype=np.float32)
        np.put_along_axis(keep, np.argsort(-ranking, axis=1, kind="stable")[:, :length], 0.0, axis=1)
        stretched = keep[:, np.arange(width) * found.shape[1] // width]
        shape = (len(rows), *(1,) * (inputs[signal].ndim - 3), width, 1)
        drops.append(
            float(
                (before - probability({**inputs, signal: inputs[signal] * stretched.reshape(shape)})).mean()
            )
        )
    return {"part": part, "drop_of_map": round(drops[0], 4), "drop_of_random": round(drops[1], 4)}


def sanity(
    model: keras.Model,
    inputs: Inputs,
    classes: NDArray[np.int64],
    *,
    layers: dict[str, str],
    signal: str,
    temperature: float | None,
    seed: int,
) -> dict[str, Any]:
    """Both checks as a contract keeps them: `randomised_weights_rank_correlation` and `deletion`; arguments as those of `deletion`."""
    likeness = randomisation_likeness(model, inputs, classes, layers=layers, seed=seed)
    dropped = deletion(
        model, inputs, classes, layers=layers, signal=signal, temperature=temperature, seed=seed
    )
    return {"randomised_weights_rank_correlation": round(likeness, 4), "deletion": dropped}


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running mean of five steps: random parts hang together as hot parts do."""
    return np.apply_along_axis(np.convolve, 1, values, np.full(5, 0.2), mode="same")
