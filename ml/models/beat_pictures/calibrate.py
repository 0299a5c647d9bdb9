"""From raw logits of held-out records to the numbers that serving uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import LABELS
from ml.training.calibration import Calibration, settle

ALPHA = 0.10
WANTED_ACCURACY = 0.95
LEAST_COVERAGE = 0.60


def calibrate(
    logits: NDArray[np.float64], classes: NDArray[np.int64], records: NDArray[np.str_]
) -> Calibration:
    """Fit temperature, conformal sets and abstention.

    Args:
        logits: shape (n, 6), of records not trained on.
        classes: shape (n,).
        records: record of each beat, shape (n,).
    """
    return settle(
        logits,
        classes,
        records,
        labels=LABELS,
        alpha=ALPHA,
        accuracy=WANTED_ACCURACY,
        least_coverage=LEAST_COVERAGE,
    )
