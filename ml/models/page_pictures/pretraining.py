"""What page models learn before they see a real page: the statements of PTB-XL about recordings drawn as pages."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from ml.datasets.ptbxl import TRAINING_FOLDS, VALIDATION_FOLDS
from ml.models.page_pictures.data import TARGETS, DrawnPages, drawn_pages, keep, work_folder
from ml.models.page_pictures.head import EMBEDDING, PageRecipe, decided, pooled
from ml.preprocessing.page_image import SHAPE, VERSION

BATCH = 32
RATE = 2e-3
SEED = 40
_DRAWN, _DRAWN_TO_VALIDATE, _VALIDATED = 4000, 600, 300
_KEPT_AT_ONCE = 128


def network(recipe: PageRecipe, *, classes: int) -> keras.Model:
    """A page model from pages (n, 256, 512, 1), 0 to 255, or from leads, to logits; what learns from pages has random weights.

    Raises:
        ValueError: when the recipe has neither a whole network nor adapter and top.
    """
    if recipe.whole is not None:
        return recipe.whole(classes)
    if recipe.adapter is None or recipe.top is None:
        raise ValueError(f"the recipe of {recipe.name} builds no network")
    image = keras.Input(SHAPE, name="image")
    x = recipe.trunk(image) if recipe.trunk is not None else image
    evidence = recipe.top(recipe.adapter(x))
    return keras.Model(image, decided(pooled(evidence), classes=classes), name=recipe.name.replace("-", "_"))


def frozen_part(model: keras.Model, recipe: PageRecipe) -> keras.Model | None:
    """The part with weights of ImageNet, which never learns."""
    if recipe.trunk is None:
        return None
    last = next(i for i, layer in enumerate(model.layers) if layer.name == "adapter_narrow")
    return keras.Model(model.input, model.layers[last].input)


def run(
    model: keras.Model, pictures: NDArray[np.generic], *, what: str = "", quiet: bool = True
) -> NDArray[np.float16]:
    """Outputs of a network for many pictures, in half precision."""
    made = np.empty((len(pictures), *model.output_shape[1:]), dtype=np.float16)
    for start in tqdm(range(0, len(pictures), BATCH), desc=what, disable=quiet):
        made[start : start + BATCH] = model.predict_on_batch(
            pictures[start : start + BATCH].astype(np.float32)
        )
    return made


class _Batches(keras.utils.PyDataset):
    """Shuffled batches of what the learning part is given."""

    def __init__(self, given: NDArray[np.generic], targets: NDArray[np.float32], seed: int) -> None:
        super().__init__()
        self._given, self._targets = given, targets
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(targets))

    def __len__(self) -> int:
        return len(self._order) // BATCH

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = np.sort(self._order[index * BATCH : (index + 1) * BATCH])
        return np.asarray(self._given[rows], dtype=np.float32), self._targets[rows]

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._order))


def _aucs(logits: NDArray[np.floating], targets: NDArray[np.float32]) -> dict[str, float]:
    """Area under the curve of each target that occurs."""
    return {
        name: round(float(roc_auc_score(targets[:, i], logits[:, i])), 4)
        for i, name in enumerate(TARGETS)
        if 0 < targets[:, i].sum() < len(targets)
    }


def pretrained(recipe: PageRecipe, folder: Path, *, verbose: int = 2) -> tuple[keras.Model, dict[str, float]]:
    """A page model that has learnt from drawn pages, or from recordings; kept between runs.

    Args:
        recipe: the model.
        folder: holds ``ptbxl/`` and transferred weights.
        verbose: 0 silent, 2 one line per epoch.

    Returns:
        The model, with one output per target, and the area under the curve of each on fold 9.

    Raises:
        DataNotFoundError: when data or transferred weights are missing.
    """
    keras.utils.set_random_seed(SEED)
    model = network(recipe, classes=len(TARGETS))
    if recipe.whole is not None:
        return model, {}
    if recipe.transfer is not None:
        recipe.transfer(model, folder)
    kept = work_folder() / f"{recipe.name}-{recipe.pretrained}-{VERSION}.weights.h5"
    noted = kept.with_suffix(".json")
    if not noted.exists():
        training = drawn_pages(folder, TRAINING_FOLDS, drawn=_DRAWN, most=recipe.drawn, seed=SEED)
        _learn(model, recipe, training, verbose)
        model.save_weights(kept)
        validation = drawn_pages(
            folder, VALIDATION_FOLDS, drawn=_DRAWN_TO_VALIDATE, most=_VALIDATED, seed=SEED
        )
        aucs = _aucs(run(model, validation.pictures).astype(np.float64), validation.targets)
        noted.write_text(json.dumps(aucs), encoding="utf-8")
    model.load_weights(kept)
    return model, json.loads(noted.read_text(encoding="utf-8"))


def _learn(model: keras.Model, recipe: PageRecipe, training: DrawnPages, verbose: int) -> None:
    """Fit all of a model that is not frozen."""
    front = frozen_part(model, recipe)
    given: NDArray[np.generic] = training.pictures
    learner = model
    if front is not None:
        given = run(
            front, training.pictures, what=f"{recipe.name}: features of drawn pages", quiet=not verbose
        )
        learner = keras.Model(front.output, model.output)
    steps = recipe.epochs * (len(given) // BATCH)
    warm = steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        RATE / 20, steps - warm, warmup_target=RATE, warmup_steps=warm
    )
    learner.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4, clipnorm=1.0),
        keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.02),
        jit_compile=False,
    )
    learner.fit(_Batches(given, training.targets, SEED), epochs=recipe.epochs, verbose=verbose)


def embeddings_of(
    model: keras.Model, name: str, pictures: NDArray[np.uint8] | NDArray[np.float32]
) -> NDArray[np.float32]:
    """What the last layer is given for prepared pages; kept by the content of each page and of the weights, so that a stopped run goes on.

    Args:
        model: as `pretrained` gives it.
        name: of what is kept.
        pictures: shape (n, 256, 512, 1), 0 to 255; for a model that reads the leads these, shape (n, 250, 12).

    Returns:
        Shape (n, d).
    """
    network = keras.Model(model.input, model.get_layer(EMBEDDING).output)
    weights = hashlib.sha256(b"".join(part.tobytes() for part in network.get_weights())).hexdigest()[:16]
    place = work_folder() / f"{name}-{weights}-embeddings.npz"
    known: dict[str, NDArray[np.float32]] = {}
    if place.exists():
        with np.load(place, allow_pickle=False) as kept:
            known = dict(zip(kept["pages"].tolist(), kept["embeddings"], strict=True))
    names = [hashlib.sha256(one.tobytes()).hexdigest() for one in pictures]
    missing = [i for i, name in enumerate(names) if name not in known]
    for start in tqdm(range(0, len(missing), _KEPT_AT_ONCE), desc=f"{name}: embeddings"):
        part = missing[start : start + _KEPT_AT_ONCE]
        made = run(network, pictures[part])
        known |= {names[i]: one.astype(np.float32) for i, one in zip(part, made, strict=True)}
        keep(place, pages=np.array(list(known)), embeddings=np.stack(list(known.values())))
    return np.stack([known[name] for name in names])
