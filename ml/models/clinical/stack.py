"""From members to a calibrated model: stacking with weights fitted on answers to patients that the members had not seen.

Every step, the typical values that stand in for missing ones, scaling, members, weights and calibration, is fitted to the rows given
and to nothing else, so that a cross-validation need only call ``fit_stacks`` with the training side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.model_selection import StratifiedKFold

from ml.clinical.features import FEATURES
from ml.models.clinical.members import Bent, Forest, Member, Settings

INNER_FOLDS = 5
# How strongly weights are held to the plain mean of the members, per patient.
HELD = 0.02

Fit = Callable[[NDArray[np.float32], NDArray[np.int64], Settings], Member]


def _residual(values: NDArray[np.float32], died: NDArray[np.int64], settings: Settings) -> Member:
    # TensorFlow is loaded by those who train networks only.
    from ml.models.clinical.networks import Network, residual_network

    return Network.fit(values, died, settings, residual_network)


def _normalised(values: NDArray[np.float32], died: NDArray[np.int64], settings: Settings) -> Member:
    from ml.models.clinical.networks import Network, normalised_network

    return Network.fit(values, died, settings, normalised_network)


MEMBERS: dict[str, Fit] = {
    "forest": Forest.fit,
    "bent": Bent.fit,
    "residual": _residual,
    "normalised": _normalised,
}
MODELS: dict[str, tuple[str, ...]] = {
    "clinical-rf": ("forest",),
    "clinical-logistic": ("bent",),
    "clinical-cnn-residual": ("residual",),
    "clinical-cnn-bn": ("normalised",),
    "clinical-hybrid": ("forest", "bent", "residual", "normalised"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Stack:
    """A calibrated model.

    Attributes:
        members: fitted to complete rows.
        weights: of each member's log odds, 0 and above, shape (k,).
        bias: constant.
        typical: what stands in for a missing value, shape (11,).
    """

    members: tuple[Member, ...]
    weights: NDArray[np.float64]
    bias: float
    typical: NDArray[np.float32]

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated log odds of death, shape (n,), of rows (n, 11) with NaN where not known."""
        rows = complete(values, self.typical)
        parts = np.stack([member.log_odds(rows) for member in self.members], axis=1)
        odds: NDArray[np.float64] = parts @ self.weights + self.bias
        return odds


@dataclasses.dataclass(frozen=True, slots=True)
class Fitted:
    """A model with its answers to patients that its members had not seen.

    Attributes:
        stack: the model, its members fitted to all rows.
        unseen: calibrated log odds of each row by members that had not seen it, shape (n,).
    """

    stack: Stack
    unseen: NDArray[np.float64]


def typical_values(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each number and the more frequent answer of each flag, shape (11,), of rows (n, 11) with NaN where not known."""
    middle = np.nanmedian(values, axis=0)
    flags = np.array([feature.kind == "flag" for feature in FEATURES])
    return np.where(flags, np.round(middle), middle).astype(np.float32)


def complete(values: NDArray[np.float32], typical: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows with typical values where not known."""
    return np.where(np.isnan(values), typical, values)


def probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of log odds."""
    shares: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-log_odds))
    return shares


def fit_weights(parts: NDArray[np.float64], died: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """Weights and constant of a logistic regression on the members' log odds.

    Args:
        parts: log odds of patients whom the members had not seen, shape (n, k).
        died: shape (n,).

    Returns:
        Weights, 0 and above and held to the plain mean, shape (k,), and the constant.
    """
    count = parts.shape[1]
    start = np.append(np.full(count, 1.0 / count), 0.0)

    def loss(guess: NDArray[np.float64]) -> float:
        odds = parts @ guess[:-1] + guess[-1]
        fit = np.mean(np.logaddexp(0.0, odds) - died * odds)
        return float(fit + HELD * np.sum((guess[:-1] - start[:-1]) ** 2))

    found = minimize(loss, start, bounds=[(0.0, None)] * count + [(None, None)], method="L-BFGS-B").x
    return found[:-1], float(found[-1])


def fit_stacks(
    values: NDArray[np.float32],
    died: NDArray[np.int64],
    names: Iterable[str] = tuple(MODELS),
    *,
    settings: Settings,
) -> dict[str, Fitted]:
    """Fit models to rows; members that several models share are fitted once.

    Args:
        values: shape (n, 11), NaN where not known.
        died: shape (n,), 0 or 1.
        names: models, keys of ``MODELS``.
        settings: how members are fitted; its seed is that of the inner folds too.
    """
    names = tuple(names)
    wanted = sorted({member for name in names for member in MODELS[name]})
    typical = typical_values(values)
    rows = complete(values, typical)
    unseen = {name: _unseen(MEMBERS[name], rows, died, settings) for name in wanted}
    fitted = {name: MEMBERS[name](rows, died, settings) for name in wanted}
    made = {}
    for name in names:
        parts = np.stack([unseen[member] for member in MODELS[name]], axis=1)
        weights, bias = fit_weights(parts, died)
        stack = Stack(tuple(fitted[member] for member in MODELS[name]), weights, bias, typical)
        made[name] = Fitted(stack, parts @ weights + bias)
    return made


def _unseen(
    fit: Fit, rows: NDArray[np.float32], died: NDArray[np.int64], settings: Settings
) -> NDArray[np.float64]:
    """Log odds of each row by a member that was fitted without it, shape (n,)."""
    odds = np.zeros(len(rows))
    for inside, outside in folds(died, settings.seed):
        odds[outside] = fit(rows[inside], died[inside], settings).log_odds(rows[outside])
    return odds


def folds(died: NDArray[np.int64], seed: int) -> Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Training and held-out positions of stratified folds; each row is one patient."""
    splitter = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(died)), died))
