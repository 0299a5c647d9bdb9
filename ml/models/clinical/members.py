"""The parts that a clinical model is made of: a random forest, a logistic regression with bends, and 1-D networks.

Each is fitted to complete rows and answers with log odds of death, not calibrated.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from ml.clinical.features import NAMES

# Chicco and Jurman 2020 found these to carry nearly all there is in the same 299 patients.
TELLING = ("ejection_fraction", "serum_creatinine", "age")
TELLING_COLUMNS = tuple(NAMES.index(name) for name in TELLING)
# Skewed values are learnt as logarithms.
LOGARITHMIC = tuple(
    NAMES.index(name) for name in ("creatinine_phosphokinase", "platelets", "serum_creatinine")
)
TREES = 200
LEAST_LEAF = 3
# A forest of pure leaves says 0 or 1; no patient is that certain.
LEAST_SHARE = 0.02
BENDS = (1.0 / 3.0, 2.0 / 3.0)
STRENGTH = 1.0


EPOCHS = 40


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How members are fitted.

    Attributes:
        seed: seed of everything random.
        epochs: passes over all rows that a network is trained for.
    """

    seed: int
    epochs: int = EPOCHS


class Member(Protocol):
    """A fitted part."""

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log odds of death, shape (n,), of complete rows (n, 11)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scaling:
    """Logarithms of skewed columns, then mean 0 and spread 1, as fitted in training.

    Attributes:
        mean: shape (k,).
        spread: shape (k,), above 0.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]

    @classmethod
    def fit(cls, columns: NDArray[np.float32]) -> Scaling:
        """Of columns (n, k)."""
        spread = columns.std(axis=0)
        return cls(columns.mean(axis=0), np.where(spread > 0, spread, 1.0).astype(np.float32))

    def __call__(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scaled columns."""
        return (columns - self.mean) / self.spread


def with_logarithms(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (n, 11) with natural logarithms in the skewed columns."""
    changed = values.copy()
    changed[:, LOGARITHMIC] = np.log(changed[:, LOGARITHMIC])
    return changed


@dataclasses.dataclass(frozen=True, slots=True)
class Forest:
    """A random forest of scikit-learn on chosen columns.

    Attributes:
        trees: the fitted forest.
        columns: which columns it reads.
    """

    trees: RandomForestClassifier
    columns: tuple[int, ...]

    @classmethod
    def fit(
        cls,
        values: NDArray[np.float32],
        died: NDArray[np.int64],
        settings: Settings,
        columns: tuple[int, ...] = TELLING_COLUMNS,
    ) -> Forest:
        """Fit to complete rows (n, 11) and outcomes (n,)."""
        trees = RandomForestClassifier(
            TREES, min_samples_leaf=LEAST_LEAF, random_state=settings.seed, n_jobs=1
        )
        return cls(trees.fit(values[:, columns], died), columns)

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """See ``Member``."""
        share = self.trees.predict_proba(values[:, self.columns])[:, 1]
        share = np.clip(share, LEAST_SHARE, 1.0 - LEAST_SHARE)
        odds: NDArray[np.float64] = np.log(share / (1.0 - share))
        return odds


@dataclasses.dataclass(frozen=True, slots=True)
class Bent:
    """Logistic regression on columns that may bend at thirds of the training patients.

    Attributes:
        columns: which columns it reads.
        bends: where each column bends, shape (2, k), after logarithms.
        scaling: of the columns and what exceeds each bend, 3 k figures.
        weights: shape (3 k,).
        bias: constant.
    """

    columns: tuple[int, ...]
    bends: NDArray[np.float32]
    scaling: Scaling
    weights: NDArray[np.float64]
    bias: float

    @classmethod
    def fit(
        cls,
        values: NDArray[np.float32],
        died: NDArray[np.int64],
        settings: Settings,
        columns: tuple[int, ...] = TELLING_COLUMNS,
    ) -> Bent:
        """Fit to complete rows (n, 11) and outcomes (n,)."""
        chosen = with_logarithms(values)[:, columns]
        bends = np.quantile(chosen, BENDS, axis=0).astype(np.float32)
        basis = _with_bends(chosen, bends)
        scaling = Scaling.fit(basis)
        fitted = LogisticRegression(C=STRENGTH, random_state=settings.seed).fit(scaling(basis), died)
        return cls(columns, bends, scaling, fitted.coef_[0], float(fitted.intercept_[0]))

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """See ``Member``."""
        basis = _with_bends(with_logarithms(values)[:, self.columns], self.bends)
        odds: NDArray[np.float64] = self.scaling(basis).astype(np.float64) @ self.weights + self.bias
        return odds


def _with_bends(columns: NDArray[np.float32], bends: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns (n, k) beside what exceeds each bend, shape (n, 3 k)."""
    return np.concatenate([columns, *(np.maximum(columns - bend, 0.0) for bend in bends)], axis=1)
