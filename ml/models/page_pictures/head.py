"""The head of every page model: evidence at every place, its mean within each cell of the page, one dense layer.

The leads always lie in the same places, so each cell of 4 x 4 (a lead, or 2.5 s of the strip) has weights of its own, and the part of a
logit that every place gave is known exactly: the class activation map.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

CELLS = 4
LAID = (16, 32)  # places of the picture that heat of leads is laid on
EVIDENCE, POOLED, EMBEDDING, LOGITS = "evidence", "cells", "embedding", "logits"
FEATURES = "features"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PageRecipe:
    """What distinguishes one page model from another.

    Attributes:
        name: for example ``page-cnn``.
        release: version of the weights.
        task: what it decides and how, in one sentence.
        sees: what the network makes of the prepared page.
        adapter: from these to `FEATURES`: learnt from drawn pages; None in a model that reads the leads.
        top: from `FEATURES` to `EVIDENCE`: learnt from drawn pages, too; None likewise.
        whole: the network of a model that reads the leads, from the number of classes; everything but its last layer is given.
        trunk: from the input to features that the pages of PTB-XL do not change, or None; the weights of ImageNet.
        transfer: gives the trunk its weights, from the data folder.
        pretrained: version of what learns from drawn pages, which most releases share; it is kept under this version.
        drawn: so many drawn pages are learnt from; all if None.
        epochs: how often.
        limits: sentences for the clinician.
    """

    name: str
    release: str
    task: str
    sees: str
    adapter: Callable[[keras.KerasTensor], keras.KerasTensor] | None = None
    top: Callable[[keras.KerasTensor], keras.KerasTensor] | None = None
    whole: Callable[[int], keras.Model] | None = None
    trunk: Callable[[keras.KerasTensor], keras.KerasTensor] | None = None
    transfer: Callable[[keras.Model, Path], None] | None = None
    pretrained: str = "1.0.0"
    drawn: int | None = None
    epochs: int = 3
    limits: tuple[str, ...] = ()
    data: dict[str, str] = dataclasses.field(default_factory=dict)


def pooled(evidence: keras.KerasTensor) -> keras.KerasTensor:
    """The mean of the evidence within each cell, shape (n, 16 d), or (n, 4 d) for columns alone."""
    if len(evidence.shape) == 3:
        means = keras.layers.AveragePooling1D(evidence.shape[1] // CELLS, name=POOLED)(evidence)
    else:
        size = (evidence.shape[1] // CELLS, evidence.shape[2] // CELLS)
        means = keras.layers.AveragePooling2D(size, name=POOLED)(evidence)
    return keras.layers.Flatten(name=EMBEDDING)(means)


def decided(embedding: keras.KerasTensor, *, classes: int, dropout: float = 0.5) -> keras.KerasTensor:
    """Logits from an embedding."""
    x = keras.layers.Dropout(dropout, name="dropout")(embedding)
    return keras.layers.Dense(classes, name=LOGITS)(x)


def per_place(kernel: NDArray[np.float32], places: tuple[int, ...]) -> NDArray[np.float32]:
    """Weights of the dense layer for every place of the evidence.

    Args:
        kernel: of the dense layer, shape (cells d, c).
        places: shape of the evidence without the batch: (h, w, d), or (w, d) for columns alone, which may have one cell or `CELLS`.

    Returns:
        Shape (h, w, d, c); h is 1 for columns alone. Their product with the evidence, summed, is the logit without its constant.
    """
    depth = places[-1]
    high, wide = (1, places[0]) if len(places) == 2 else places[:2]
    rows = 1 if len(places) == 2 else CELLS
    columns = kernel.shape[0] // (rows * depth)
    cells = kernel.reshape(rows, columns, depth, -1)
    spread = np.repeat(np.repeat(cells, high // rows, axis=0), wide // columns, axis=1)
    result: NDArray[np.float32] = (spread / ((high // rows) * (wide // columns))).astype(np.float32)
    return result


def over_leads(maps: NDArray[np.floating]) -> NDArray[np.float32]:
    """What every moment of 2.5 s gave, laid over the picture of the page: each of the twelve leads gets an equal part, the strip none.

    Args:
        maps: shape (..., 1, w) with w a multiple of 8.

    Returns:
        Shape (..., 16, 32), of the same sum.
    """
    high, wide = LAID
    across = wide // CELLS
    steps = maps.reshape(*maps.shape[:-2], 1, across, -1).sum(axis=-1) / (CELLS * high * (CELLS - 1) / CELLS)
    page = np.zeros((*maps.shape[:-2], high, wide), dtype=np.float32)
    page[..., : high * (CELLS - 1) // CELLS, :] = np.tile(steps, CELLS)
    return page


def class_maps(
    evidence: NDArray[np.floating], kernel: NDArray[np.float32], classes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Class activation maps: what each place gave to the logit of a class, where it spoke for it; the reference for serving.

    Args:
        evidence: shape (n, h, w, d), or (n, w, d).
        kernel: of the dense layer.
        classes: explained class of each picture, shape (n,).

    Returns:
        Shape (n, h, w), 0 and above.
    """
    weights = per_place(kernel, evidence.shape[1:])
    flat = evidence[:, None] if evidence.ndim == 3 else evidence
    maps = np.stack([(one * weights[..., c]).sum(axis=-1) for one, c in zip(flat, classes, strict=True)])
    result: NDArray[np.float32] = np.maximum(maps, 0.0).astype(np.float32)
    return result
