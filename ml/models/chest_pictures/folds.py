"""Who learns from whom: every film answered by a network that has not seen it, within both sites and across them."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from ml.datasets.chest_xray import SITES
from ml.models.chest_pictures.data import Films

SEED = 23
FOLDS = tuple(f"fold-{number}" for number in range(1, 6))
WHOLE = "whole"
MEMBERS = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """One training.

    Attributes:
        name: ``jsrt`` and ``wingspan`` (learns from that site, is asked about the other), one of `FOLDS` (learns from four fifths of each
            site, is asked about the others), ``whole`` (learns from everything: the shipped weights).
        learn: positions of the films to learn from.
        asked: positions of the films to answer; none for ``whole``.
        members: networks of ``cxr-heart`` that answer together; one in a fold, for want of processor time, so that figures within the
            sites are of half of what is served.
    """

    name: str
    learn: NDArray[np.int64]
    asked: NDArray[np.int64]
    members: int = MEMBERS


def runs(films: Films) -> tuple[Run, ...]:
    """All trainings of the evaluation. Films of one patient would be grouped; both sources hold one film of each."""
    across = [
        Run(name=site, learn=np.flatnonzero(films.sites == site), asked=np.flatnonzero(films.sites != site))
        for site in SITES
    ]
    strata = np.char.add(films.sites, films.enlarged.astype(str))
    splits = StratifiedKFold(n_splits=len(FOLDS), shuffle=True, random_state=SEED).split(films.names, strata)
    within = [
        Run(name=name, learn=learn, asked=asked, members=1)
        for name, (learn, asked) in zip(FOLDS, splits, strict=True)
    ]
    return (*across, *within)


def whole(films: Films) -> Run:
    """The training of the shipped weights."""
    return Run(name=WHOLE, learn=np.arange(len(films)), asked=np.empty(0, dtype=np.int64))


def work_folder() -> Path:
    """Where finished trainings are kept between runs: ``CARDIOCARE_CHEST_CACHE``, or a folder for temporary files."""
    place = os.environ.get("CARDIOCARE_CHEST_CACHE")
    folder = Path(place) if place else Path(tempfile.gettempdir()) / "cardiocare-chest"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
