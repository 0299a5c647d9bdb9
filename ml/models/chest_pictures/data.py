"""The films that the chest models learn from and are measured on, prepared once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.chest.ratio import heart_size
from ml.datasets.chest_xray import chest_xrays
from ml.preprocessing.chest_image import prepare_chest, prepare_mask

LIMIT = 0.50  # above it the heart of an adult on a PA film counts as enlarged (Danzer 1919)
SOURCES = {
    "jsrt": "JSRT (Shiraishi 2000), contours of van Ginneken 2006: adults, PA, films scanned in Japan",
    "wingspan": "Wingspan, MIT licence: adults, digital, contours of lungs and heart",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Films:
    """Prepared films with what was drawn on them.

    Attributes:
        names: of the films, one per patient, shape (n,).
        sites: where each was taken, shape (n,).
        pictures: 0 to 255, shape (n, 256, 256, 1).
        masks: classes of `ml.chest.ratio` at that size, shape (n, 256, 256).
        ratios: cardiothoracic ratio of the drawn contours at full size, shape (n,).
        mended: how many published masks had two numbers exchanged.
    """

    names: NDArray[np.str_]
    sites: NDArray[np.str_]
    pictures: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    ratios: NDArray[np.float64]
    mended: int

    def __len__(self) -> int:
        return len(self.names)

    @property
    def enlarged(self) -> NDArray[np.bool_]:
        """Whether the drawn heart is wider than half the drawn chest, shape (n,): the only label that there is."""
        return self.ratios > LIMIT


def load(folder: Path) -> Films:
    """All films below a folder.

    Args:
        folder: holds ``chest_xray_ctr/``.

    Raises:
        FileNotFoundError: when the data are missing.
    """
    found = list(tqdm(chest_xrays(folder), desc="films"))
    return Films(
        names=np.array([one.name for one in found]),
        sites=np.array([one.site for one in found]),
        pictures=np.stack([prepare_chest(one.grey).pixels for one in found]),
        masks=np.stack([prepare_mask(one.classes) for one in found]),
        ratios=np.array([heart_size(one.classes).ratio for one in found]),
        mended=sum(one.mended for one in found),
    )
