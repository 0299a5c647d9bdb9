"""Classes of ``beat-resnet`` and how annotations of MIT-BIH map to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LABELS = ("Normal", "LBBB", "RBBB", "PAC", "PVC", "Fusion")
# Nodal and atrial escape beats count as Normal, every premature beat from above the ventricles as PAC, as in AAMI EC57.
LABEL_OF_SYMBOL = {
    **dict.fromkeys("Nej", "Normal"),
    "L": "LBBB",
    "R": "RBBB",
    **dict.fromkeys("AaJS", "PAC"),
    **dict.fromkeys("VE", "PVC"),
    "F": "Fusion",
}
NO_CLASS = -1


def classes_of(symbols: NDArray[np.str_]) -> NDArray[np.int64]:
    """Position in ``LABELS`` of each annotation symbol, -1 for what is no class (paced, unclassifiable), shape (n,)."""
    known = {symbol: LABELS.index(label) for symbol, label in LABEL_OF_SYMBOL.items()}
    return np.array([known.get(str(symbol), NO_CLASS) for symbol in symbols], dtype=np.int64)
