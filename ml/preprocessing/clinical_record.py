"""The numbers of a clinical record as models take them: one function for training, evaluation and serving.

Imputation, logarithms and scaling are fitted in training and lie inside the exported graph; a value that is not known is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.clinical.features import NAMES

VERSION = "clinical-record-1"


def as_rows(records: Sequence[Mapping[str, float | str | None]]) -> NDArray[np.float32]:
    """Records as rows.

    Args:
        records: values by name, in the units of ``ml.clinical.features``; numbers or None. What is absent is not known, other names
            are left out.

    Returns:
        Shape (n, 11), in the order of ``NAMES``, NaN where not known.
    """
    cells = [[_known(record.get(name)) for name in NAMES] for record in records]
    return np.array(cells, dtype=np.float32).reshape(len(records), len(NAMES))


def _known(value: float | str | None) -> float:
    return float("nan") if value is None else float(value)
