"""The classes of ANSI/AAMI EC57 and how labels of heartbeats belong to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLASSES = ("N", "S", "V", "F")
# EC57: bundle branch block is a normal beat in the sense of its origin; escape beats too. Q (paced, unclassifiable) has
# no class here: the four paced records are left out, and the 15 others are not counted.
CLASS_OF_LABEL = {"Normal": "N", "LBBB": "N", "RBBB": "N", "PAC": "S", "PVC": "V", "Fusion": "F"}


def to_ec57(shares: NDArray[np.floating], labels: tuple[str, ...]) -> NDArray[np.float64]:
    """Probabilities of N, S, V and F: those of a model's labels summed, shape (n, 4).

    Args:
        shares: shape (n, c), rows summing to 1.
        labels: the model's classes, each in ``CLASS_OF_LABEL``.
    """
    mapping = np.array([[CLASS_OF_LABEL[label] == name for name in CLASSES] for label in labels], dtype=float)
    return np.asarray(shares, dtype=np.float64) @ mapping


def classes_of(positions: NDArray[np.int64], labels: tuple[str, ...]) -> NDArray[np.int64]:
    """Positions in ``CLASSES`` of positions in a model's labels, shape (n,)."""
    table = np.array([CLASSES.index(CLASS_OF_LABEL[label]) for label in labels], dtype=np.int64)
    return table[positions]
