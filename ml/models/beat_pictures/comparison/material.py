"""The beats of the comparison, drawn once for all models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import Beats, joined
from ml.models.beat_pictures import data
from ml.models.beat_pictures.comparison.noise import noise_tracks, with_noise
from ml.models.beat_pictures.fitting import Examples
from ml.training.splits import folds

FOLDS = 5
SEED = 20
VARIANTS = 2
TESTED_CAPS = {"Normal": 60, "LBBB": 150, "RBBB": 100, "PAC": 80, "PVC": 60, "VF": 150}
# None is as recorded.
SNR_DB = (None, 24.0, 18.0, 12.0, 6.0, 0.0)
_INNER_FOLDS = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One fold.

    Attributes:
        learnt: which of the pool are learnt from.
        stopped: which of the pool decide when to stop, and calibrate.
        held_out: which of the tested beats are of records on neither of these sides.
    """

    learnt: NDArray[np.bool_]
    stopped: NDArray[np.bool_]
    held_out: NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What every model of the comparison is given.

    Attributes:
        pool: beats to learn from: some of each annotated record, and of PTB-XL.
        drawn: their pictures, as recorded and with augmentation.
        tested: some beats of each annotated record.
        shown: their pictures at each of `SNR_DB`, shape (levels, n, 64, 64, 1).
        folds: the folds.
    """

    pool: Beats
    drawn: Examples
    tested: Beats
    shown: NDArray[np.uint8]
    folds: tuple[Fold, ...]


def gather(folder: Path, *, quiet: bool = False) -> Material:
    """Read and draw everything.

    Args:
        folder: holds ``mitdb/``, ``vfdb/``, ``nstdb/`` and ``ptbxl/``.
        quiet: whether to hide the progress bars.

    Raises:
        DataNotFoundError: when a database is missing.
    """
    tracks = noise_tracks(folder / "nstdb")
    sources = data.load(folder)
    rng = np.random.default_rng(SEED)
    core = sources.annotated.capped(data.REDUCED_CAPS, rng)
    tested = sources.annotated.capped(TESTED_CAPS, rng)
    people, others = (
        beats.capped(data.REDUCED_PEOPLE_CAPS, rng)
        for beats in (sources.people_training, sources.people_validation)
    )
    pool = joined([core, people, others])
    noisy = (
        tested if snr is None else dataclasses.replace(tested, windows=with_noise(tested, tracks, snr, rng))
        for snr in SNR_DB
    )
    return Material(
        pool=pool,
        drawn=data.examples(pool, variants=VARIANTS, seed=SEED, quiet=quiet),
        tested=tested,
        shown=np.stack([data.pictures(beats, quiet=quiet) for beats in noisy]),
        folds=tuple(_folds(core, pool, tested, people=people, others=others)),
    )


def _folds(core: Beats, pool: Beats, tested: Beats, *, people: Beats, others: Beats) -> Iterator[Fold]:
    """Folds by person. PTB-XL is never tested: folds to 8 are always learnt from, fold 9 always stops and calibrates."""
    for number, (inside, outside) in enumerate(folds(core.labels, core.records, count=FOLDS, seed=SEED)):
        seen = core.of_records(inside)
        learnt, stopped = next(folds(seen.labels, seen.records, count=_INNER_FOLDS, seed=SEED + number))
        yield Fold(
            learnt=np.isin(pool.records, sorted(learnt | set(people.records.tolist()))),
            stopped=np.isin(pool.records, sorted(stopped | set(others.records.tolist()))),
            held_out=np.isin(tested.records, sorted(outside)),
        )


def dealt_anew(classes: NDArray[np.int64], records: NDArray[np.str_], *, seed: int) -> NDArray[np.int64]:
    """Classes with those of one record and class exchanged for those of another, shape (n,): nothing can be learnt from them."""
    groups, inverse = np.unique(np.stack([records, classes.astype(np.str_)]), axis=1, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(groups[1].astype(np.int64))
    return dealt[inverse]
