"""Splits by record: no recording, and no patient, is ever on two sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from ml.datasets.mitdb import SAME_PATIENT


def patients_of(records: NDArray[np.str_]) -> NDArray[np.str_]:
    """The patient of each beat: its record, except where two records come from one person.

    Args:
        records: ``database/record`` of each beat, shape (n,).
    """
    same = {f"mitdb/{name}": f"mitdb/{other}" for name, other in SAME_PATIENT.items()}
    return np.array([same.get(str(record), str(record)) for record in records], dtype=np.str_)


def folds(
    labels: NDArray[np.str_], records: NDArray[np.str_], *, count: int, seed: int
) -> Iterator[tuple[set[str], set[str]]]:
    """Cross-validation folds grouped by patient, with classes spread as evenly as the few records of some allow.

    Args:
        labels: class of each beat, shape (n,).
        records: ``database/record`` of each beat, shape (n,).
        count: number of folds.
        seed: seed of the shuffle.

    Yields:
        Names of the records on the training side and on the held-out side.
    """
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    for inside, outside in splitter.split(np.zeros(len(labels)), labels, patients_of(records)):
        yield set(records[inside].tolist()), set(records[outside].tolist())
