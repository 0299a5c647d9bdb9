"""Fitting what learns from real pages: the tops of all models at once, and the head over their joined embeddings.

One network holds them all, but no gradient goes from one to another: every model learns as if it were alone, and the fusion learns from
embeddings that do not know of it. So all are fitted on the same pages in the same order, and the fusion stores no member twice.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from ml.models.page_pictures.data import LABELS
from ml.models.page_pictures.head import EMBEDDING, FEATURES, LOGITS, PageRecipe, decided, pooled

FUSION = "page-fusion"
JOINED = ("page-cnn", "page-mobilenet", "page-vgg16")
EPOCHS = 14
BATCH = 32
RATE = 1.5e-3


@keras.saving.register_keras_serializable(package="cardiocare")
class Apart(keras.layers.Layer):
    """Passes values, but no gradient."""

    def call(self, values: Any) -> Any:
        """The values."""
        return keras.ops.stop_gradient(values)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learnt:
    """What learnt from real pages.

    Attributes:
        tops: from features to embedding and logits, by name of the model.
        joint: from all features to all logits; the fusion's last.
        names: of the models in the order of the joint network's outputs.
    """

    tops: dict[str, keras.Model]
    joint: keras.Model
    names: tuple[str, ...]


def top_of(recipe: PageRecipe, shape: tuple[int, ...], source: keras.Model | None) -> keras.Model:
    """The part of a model that learns from real pages, from features to embedding and logits.

    Args:
        recipe: the model.
        shape: of its features.
        source: the model that learnt from drawn pages; None for random weights.
    """
    features = keras.Input(shape, name=FEATURES)
    embedding = pooled(recipe.top(features))
    top = keras.Model(
        features, [embedding, decided(embedding, classes=len(LABELS))], name=recipe.name.replace("-", "_")
    )
    for layer in top.layers:
        if source is not None and layer.weights and layer.name != LOGITS:
            layer.set_weights(source.get_layer(layer.name).get_weights())
    return top


def joint_network(tops: dict[str, keras.Model]) -> Learnt:
    """All tops side by side, and the fusion when its three are among them."""
    inputs, embeddings, outputs = {}, {}, []
    for name, top in tops.items():
        inputs[name] = keras.Input(top.input_shape[1:], name=f"features_of_{name.replace('-', '_')}")
        embeddings[name], logits = top(inputs[name])
        outputs.append(logits)
    names = tuple(tops)
    if set(JOINED) <= set(tops):
        joined = keras.layers.Concatenate(name="joined")([Apart()(embeddings[name]) for name in JOINED])
        x = keras.layers.Dropout(0.5, name="fusion_dropout")(joined)
        outputs.append(keras.layers.Dense(len(LABELS), name="fusion_logits")(x))
        names = (*names, FUSION)
    return Learnt(tops=tops, joint=keras.Model(list(inputs.values()), outputs), names=names)


class _Batches(keras.utils.PyDataset):
    """Shuffled batches, each page in one of its variants, anew every epoch."""

    def __init__(
        self, features: list[NDArray[np.float16]], classes: NDArray[np.int64], outputs: int, seed: int
    ) -> None:
        super().__init__()
        self._features, self._classes, self._outputs = features, classes, outputs
        self._weights = class_weights(classes)
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(classes))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / BATCH)

    def __getitem__(self, index: int) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        rows = self._order[index * BATCH : (index + 1) * BATCH]
        variant = self._rng.integers(0, 2**16, len(rows))
        truth = np.eye(len(LABELS), dtype=np.float32)[self._classes[rows]]
        weights = self._weights[self._classes[rows]].astype(np.float32)
        given = tuple(part[rows, variant % part.shape[1]].astype(np.float32) for part in self._features)
        return given, (truth,) * self._outputs, (weights,) * self._outputs

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._order))


def class_weights(classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Square root of the balanced weight of each class, shape (4,)."""
    present = np.unique(classes)
    weights = np.ones(len(LABELS))
    weights[present] = np.sqrt(compute_class_weight("balanced", classes=present, y=classes))
    return weights


def fit_joint(
    learnt: Learnt,
    features: dict[str, NDArray[np.float16]],
    classes: NDArray[np.int64],
    *,
    epochs: int = EPOCHS,
    seed: int,
) -> None:
    """Fit all tops and the fusion, in place.

    Args:
        learnt: as `joint_network` gives it.
        features: by model, shape (n, variants, h, w, d); models may have seen different numbers of variants.
        classes: shape (n,).
        epochs: how often every page is shown; the learning rate reaches 0 at their end.
        seed: seed of order and variants.
    """
    batches = _Batches([features[name] for name in learnt.tops], classes, len(learnt.names), seed)
    rate = keras.optimizers.schedules.CosineDecay(RATE, epochs * len(batches))
    learnt.joint.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3),
        [keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05) for _ in learnt.names],
        weighted_metrics=[],
        jit_compile=False,
    )
    learnt.joint.fit(batches, epochs=epochs, verbose=0)


def joint_logits(learnt: Learnt, features: dict[str, NDArray[np.float16]]) -> dict[str, NDArray[np.float64]]:
    """Logits of pages as they are, by model, shape (n, 4) each."""
    count = len(next(iter(features.values())))
    parts = []
    for start in range(0, count, 64):
        given = [features[name][start : start + 64, 0].astype(np.float32) for name in learnt.tops]
        outputs = learnt.joint(given, training=False)
        parts.append([out.numpy() for out in (outputs if isinstance(outputs, list) else [outputs])])
    return {
        name: np.concatenate([part[i] for part in parts]).astype(np.float64)
        for i, name in enumerate(learnt.names)
    }


def filled(model: keras.Model, top: keras.Model, recipe: PageRecipe, build: Any) -> keras.Model:
    """The whole model of a fitted top: from pages to logits.

    Args:
        model: the one that learnt from drawn pages, for what comes before the top.
        top: fitted.
        recipe: the model.
        build: makes the whole network with random weights, see `ml.models.page_pictures.pretraining.network`.
    """
    whole = build(recipe, classes=len(LABELS))
    mine = {layer.name for layer in top.layers}
    for layer in whole.layers:
        if layer.weights:
            source = top if layer.name in mine else model
            layer.set_weights(source.get_layer(layer.name).get_weights())
    return whole


__all__ = ["EMBEDDING", "FUSION", "JOINED", "Learnt", "fit_joint", "joint_logits", "joint_network", "top_of"]
