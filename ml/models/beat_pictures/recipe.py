"""What distinguishes one model of a picture of a heartbeat from another; everything else is shared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from ml.models.beat_pictures.fitting import LEARNING_RATE, Examples

Family = Literal["CNN", "RNN", "hybrid", "spectral"]
EVIDENCE = "evidence"
EMBEDDING = "embedding"
LOGITS = "logits"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One model of the comparison.

    Attributes:
        name: for example ``beat-spectral``.
        release: version of the weights to be made.
        family: what kind of network it is.
        task: what it decides and how, in one sentence.
        sees: what the network makes of the 64x64 picture, in words.
        build: makes the untrained network from its settings. Except for ``beat-cnn`` it ends in a layer `EVIDENCE` of shape
            (n, h, w, d) or (n, w, d), its mean over places `EMBEDDING`, and one dense layer `LOGITS`.
        settings: the chosen settings of ``build``, and ``rate``.
        trials: the settings that are tried.
        transfer: gives the network weights learnt elsewhere, from the data folder.
        frozen: name of the last layer that does not learn; what comes before is computed once per picture.
        limits: sentences for the clinician.
        data: sources beside the shared ones.
    """

    name: str
    release: str
    family: Family
    task: str
    sees: str
    build: Callable[..., keras.Model]
    settings: dict[str, Any]
    trials: tuple[dict[str, Any], ...] = ()
    transfer: Callable[[keras.Model, Path], None] | None = None
    frozen: str | None = None
    limits: tuple[str, ...] = ()
    data: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Learning rate of the first epoch."""
        return float(self.settings.get("rate", LEARNING_RATE))

    def network(self, folder: Path) -> keras.Model:
        """The network before training.

        Args:
            folder: the data folder, for transferred weights.

        Raises:
            DataNotFoundError: when transferred weights are missing.
        """
        model = self.build(**{name: value for name, value in self.settings.items() if name != "rate"})
        if self.transfer is not None:
            self.transfer(model, folder)
        return model

    def learner(self, model: keras.Model) -> keras.Model:
        """The part of a network that learns; it shares the network's weights."""
        if self.frozen is None:
            return model
        return keras.Model(model.get_layer(self.frozen).output, model.output)

    def seen(self, model: keras.Model, pictures: NDArray[np.uint8]) -> NDArray[Any]:
        """What the learning part is given for pictures (n, 64, 64, 1): themselves, or features, shape (n, ...)."""
        if self.frozen is None:
            return pictures
        front = keras.Model(model.input, model.get_layer(self.frozen).output)
        made = np.empty((len(pictures), *front.output_shape[1:]), dtype=np.float16)
        for start in range(0, len(pictures), 256):
            part = pictures[start : start + 256].astype(np.float32)
            made[start : start + 256] = front.predict_on_batch(part)
        return made

    def seen_examples(self, model: keras.Model, examples: Examples) -> Examples:
        """`seen` of every variant."""
        if self.frozen is None:
            return examples
        count, variants = examples.variants.shape[:2]
        flat = self.seen(model, examples.variants.reshape(count * variants, *examples.variants.shape[2:]))
        return Examples(variants=flat.reshape(count, variants, *flat.shape[1:]), classes=examples.classes)

    def tried(self, settings: dict[str, Any]) -> Recipe:
        """The same with some settings changed."""
        return dataclasses.replace(self, settings=self.settings | settings)


def classified(evidence: keras.KerasTensor, *, dropout: float, classes: int) -> keras.KerasTensor:
    """The head of a network: logits (n, classes) from the mean of its evidence over all places.

    With it the part of a logit that each place gave is known: the class activation map (Zhou and others 2016).

    Args:
        evidence: output of the layer `EVIDENCE`, shape (n, h, w, d) or (n, w, d).
        dropout: part of the embedding dropped in training, 0 to 1.
        classes: number of classes.
    """
    flat = len(evidence.shape) == 3
    pooling = keras.layers.GlobalAveragePooling1D if flat else keras.layers.GlobalAveragePooling2D
    x = pooling(name=EMBEDDING)(evidence)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.layers.Dense(classes, name=LOGITS)(x)


def as_columns(x: keras.KerasTensor) -> keras.KerasTensor:
    """Features (n, h, w, d) as a sequence of the picture's columns, which are its time: (n, w, h * d)."""
    _, height, width, depth = x.shape
    x = keras.layers.Permute((2, 1, 3), name="columns_first")(x)
    return keras.layers.Reshape((width, height * depth), name="columns")(x)
