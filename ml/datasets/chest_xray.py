"""Chest X-rays with the lungs and the heart drawn: JSRT (Shiraishi 2000, masks of van Ginneken 2006) and Wingspan.

Layout: ``DIR/chest_xray_ctr/{manifest.csv,images/NAME.webp,masks/NAME.png}``; the manifest names picture, site and ratio.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.chest.ratio import HEART, LEFT_LUNG

FOLDER = "chest_xray_ctr"
SITES = ("jsrt", "wingspan")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChestXray:
    """One frontal film.

    Attributes:
        name: of the file, one per patient.
        site: where it was taken.
        grey: 0 to 255, bone is bright, shape (rows, columns).
        classes: as `ml.chest.ratio` names them, same shape.
        mended: whether the heart and the left lung were exchanged in the published mask.
    """

    name: str
    site: str
    grey: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    mended: bool


def chest_xrays(data: Path) -> Iterator[ChestXray]:
    """All films, in the order of the manifest.

    Args:
        data: folder that holds ``chest_xray_ctr``.

    Raises:
        FileNotFoundError: when the folder or a file that the manifest names is missing.
        ValueError: when a mask is not of its picture's size.
    """
    folder = data / FOLDER
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        with Image.open(folder / "images" / f"{row['name']}.webp") as opened:
            grey = np.asarray(opened.convert("L"))
        with Image.open(folder / "masks" / f"{row['name']}.png") as opened:
            published = np.asarray(opened)
        if published.shape != grey.shape:
            raise ValueError(f"the mask of {row['name']} is not of its picture's size")
        classes, mended = mend(published)
        yield ChestXray(name=row["name"], site=row["site"], grey=grey, classes=classes, mended=mended)


def mend(published: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """Exchange heart and left lung where the "heart" lies further to the patient's left than the "left lung".

    The lung reaches higher and further out than the heart in every chest with the heart on its left; one mask of Wingspan has the two
    numbers exchanged, and the ratio published with it is that of a lung.
    """
    heart, lung = (np.flatnonzero((published == part).any(axis=0)) for part in (HEART, LEFT_LUNG))
    if not heart.size or not lung.size or heart.mean() <= lung.mean():
        return published, False
    classes = published.copy()
    classes[published == HEART], classes[published == LEFT_LUNG] = LEFT_LUNG, HEART
    return classes, True
