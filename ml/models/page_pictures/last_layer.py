"""What learns from real pages: the last layer of every model, and the fusion's over the joined embeddings of its members.

Everything before it learnt from drawn pages alone, and stays as it is: a thousand pages of one hospital teach whole networks their own
noise (measured: `docs/results.md`). The last layer is a logistic regression of all classes at once with an L2 penalty; how strong the
penalty is, is chosen by cross-validation inside the pages that are learnt from.
"""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils.class_weight import compute_class_weight

from ml.models.page_pictures.data import LABELS

FUSION = "page-fusion"
JOINED = ("page-cnn", "page-mobilenet", "page-vgg16", "page-signals")
# Measured beside the fusion, and not shipped.
WIDER = "page-fusion and page-efficientnet"
MEMBERS = {FUSION: JOINED, WIDER: (*JOINED, "page-efficientnet")}
EPOCHS = 60  # most iterations of the solver
STRENGTHS = (1.0, 4.0)  # inverse of the penalty
_INNER = 3
_IMPOSSIBLE = -20.0
_BALANCE = 0.75  # 1 would make all classes weigh the same
_LEAST_SPREAD = 0.1  # of the usual spread: what hardly varies among pages is not blown up


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LastLayer:
    """A dense layer over an embedding.

    Attributes:
        kernel: shape (d, 4).
        bias: shape (4,).
        strength: inverse of the penalty that was chosen.
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    strength: float

    def logits(self, embedding: NDArray[np.floating]) -> NDArray[np.float64]:
        """Logits of embeddings (n, d), shape (n, 4)."""
        values: NDArray[np.float64] = embedding.astype(np.float64) @ self.kernel + self.bias
        return values


def class_weights(classes: NDArray[np.int64], *, power: float = 0.5) -> NDArray[np.float64]:
    """A power of the balanced weight of each class, shape (4,); 1 for a class without pages."""
    present = np.unique(classes)
    weights = np.ones(len(LABELS))
    weights[present] = compute_class_weight("balanced", classes=present, y=classes) ** power
    return weights


def _scales(parts: list[NDArray[np.floating]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of every feature, and what it is divided by: its spread, and the root of how many features its part has.

    So every member of a fusion weighs the same, however many features it gives.
    """
    means, scales = [], []
    for part in parts:
        spread = part.std(axis=0, dtype=np.float64)
        means.append(part.mean(axis=0, dtype=np.float64))
        scales.append((spread + _LEAST_SPREAD * max(float(np.median(spread)), 1e-6)) * part.shape[1] ** 0.5)
    return np.concatenate(means), np.concatenate(scales)


def _solved(
    given: NDArray[np.float64], classes: NDArray[np.int64], strength: float, iterations: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernel (d, 4) and bias (4,) of the regression over at least three classes; one without pages gets no support."""
    weights = class_weights(classes, power=_BALANCE)
    solver = LogisticRegression(
        C=strength, max_iter=iterations, class_weight={int(c): float(weights[c]) for c in np.unique(classes)}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few iterations do for a trial
        solver.fit(given, classes)
    kernel, bias = np.zeros((given.shape[1], len(LABELS))), np.full(len(LABELS), _IMPOSSIBLE)
    kernel[:, solver.classes_] = solver.coef_.T
    bias[solver.classes_] = solver.intercept_
    return kernel, bias


def _chosen_strength(
    given: NDArray[np.float64],
    classes: NDArray[np.int64],
    groups: NDArray[np.str_],
    iterations: int,
    seed: int,
) -> float:
    """The penalty with the smallest weighted log loss on groups that were not learnt from."""
    weights = class_weights(classes, power=_BALANCE)[classes]
    losses = dict.fromkeys(STRENGTHS, 0.0)
    splitter = StratifiedGroupKFold(n_splits=_INNER, shuffle=True, random_state=seed)
    for inside, outside in splitter.split(given, classes, groups):
        for strength in STRENGTHS:
            kernel, bias = _solved(given[inside], classes[inside], strength, iterations)
            said = log_softmax(given[outside] @ kernel + bias, axis=1)
            losses[strength] -= float(
                (weights[outside] * said[np.arange(len(outside)), classes[outside]]).sum()
            )
    return min(losses, key=lambda strength: losses[strength])


def fit_last_layer(
    parts: list[NDArray[np.floating]],
    classes: NDArray[np.int64],
    groups: NDArray[np.str_],
    *,
    iterations: int = EPOCHS,
    seed: int,
) -> LastLayer:
    """Fit the last layer of a model, or of the fusion.

    Args:
        parts: embeddings, one array (n, d) of a model, or those of all members of the fusion in their order.
        classes: position in ``LABELS``, shape (n,).
        groups: device of each page, shape (n,); those of one device stay on one side when the penalty is chosen.
        iterations: most iterations of the solver.
        seed: seed of the sides.

    Returns:
        The layer over the joined embeddings; the scaling is inside it.
    """
    mean, scale = _scales(parts)
    given = (np.concatenate(parts, axis=1).astype(np.float64) - mean) / scale
    # There are more features than pages: in the space that the pages span the answer is the same, and found sooner.
    left, size, right = np.linalg.svd(given, full_matrices=False)
    turned = left * size
    strength = _chosen_strength(turned, classes, groups, iterations, seed)
    kernel, bias = _solved(turned, classes, strength, iterations)
    whole = right.T @ kernel / scale[:, None]
    return LastLayer(
        kernel=whole.astype(np.float32), bias=(bias - mean @ whole).astype(np.float32), strength=strength
    )


def fit_all(
    embeddings: dict[str, NDArray[np.floating]],
    rows: NDArray[np.int64],
    classes: NDArray[np.int64],
    groups: NDArray[np.str_],
    *,
    iterations: int = EPOCHS,
    seed: int,
) -> dict[str, LastLayer]:
    """Fit the last layers of models, and of every fusion whose members are all among them.

    Args:
        embeddings: of all pages, shape (n, d), by model.
        rows: positions of the pages to learn from.
        classes: of all pages.
        groups: of all pages.
        iterations: most iterations of the solver.
        seed: seed.
    """

    def fit(names: tuple[str, ...]) -> LastLayer:
        parts: list[NDArray[np.floating]] = [embeddings[name][rows] for name in names]
        return fit_last_layer(parts, classes[rows], groups[rows], iterations=iterations, seed=seed)

    layers = {name: fit((name,)) for name in embeddings}
    return layers | {name: fit(joined) for name, joined in MEMBERS.items() if set(joined) <= set(embeddings)}


def embedding_of(name: str, embeddings: dict[str, NDArray[np.floating]]) -> NDArray[np.floating]:
    """What the last layer of a model is given, shape (n, d)."""
    return np.concatenate([embeddings[one] for one in MEMBERS.get(name, (name,))], axis=1)
