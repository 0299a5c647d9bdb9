"""PTB-XL (Wagner and others 2020, PhysioNet, CC BY 4.0): ten-second recordings with derived beat labels, for training.

Statements of PTB-XL stand for whole recordings. A beat gets a symbol only where the statement leaves little doubt: a beat
of the recording's usual form has the recording's bundle branch block; an early beat of unusual form is ventricular in a
recording said to hold ventricular premature beats, and an early one of usual form is atrial in a recording said to hold
atrial ones; in fibrillation of the atria every beat of usual form counts as normal however early. All others get none.
These labels train; they are never called a cardiologist's.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from ml.datasets.annotated import AnnotatedRecording
from ml.datasets.beats import DataNotFoundError
from ml.datasets.ptbxl import FS, TRAINING_FOLDS, names_of
from ml.preprocessing.beat_signal import QRS, likeness, prepare_beats
from ml.recordings.qrs import detect

UNKNOWN = "Q"
# Lead II and V1 as most recordings of MIT-BIH have them; every fourth has V5, as some there.
_LEADS, _OTHER_LEADS = ("II", "V1"), ("II", "V5")
_OTHER_EVERY = 4
_PACKED = (
    "I",
    "II",
    "V1",
    "V2",
    "V3",
    "V4",
    "V5",
    "V6",
)  # of signals.npy; the other four follow from I and II
_PUBLIC = ("I", "II", "III", "AVR", "AVL", "AVF", *_PACKED[2:])
_MILLIVOLT = 0.005
_LEFT, _RIGHT = frozenset({"CLBBB"}), frozenset({"CRBBB"})
_OTHER_FORMS = frozenset({"ILBBB", "IRBBB", "IVCD", "PACE"})
_OTHER_RHYTHMS = frozenset({"BIGU", "TRIGU", "PRC(S)", "SVTAC", "PSVT", "2AVB", "3AVB"})
_FIBRILLATION = frozenset({"AFIB", "AFLT"})
_IRREGULAR = frozenset({"SARRH", "SVARR"})
_MOST = {"ordinary": 400, "diseased": 800}
_EARLY, _ON_TIME, _LIKE, _UNLIKE = 0.86, 0.92, 0.90, 0.75
_FEWEST = 5
_FLAT_MV = 0.1


def kind_of(codes: set[str]) -> str | None:
    """What the statements of a recording make of it; None when its beats would be in doubt.

    Returns:
        ``LBBB``, ``RBBB``, ``AF``, ``PVC``, ``PAC``, ``irregular``, ``ordinary``, or ``diseased``: hearts with wide or strange
        complexes (hypertrophy, infarction, pre-excitation) that are no bundle branch block.
    """
    if codes & (_OTHER_FORMS | _OTHER_RHYTHMS) or codes >= _LEFT | _RIGHT or codes >= {"PVC", "PAC"}:
        return None
    kinds = {"LBBB": _LEFT, "RBBB": _RIGHT, "AF": _FIBRILLATION, "PVC": {"PVC"}, "PAC": {"PAC"}}
    found = next((kind for kind, named in kinds.items() if codes & named), None)
    if found is None and codes & _IRREGULAR:
        return "irregular" if "SARRH" in codes else None
    return found or ("ordinary" if "NORM" in codes else "diseased")


def symbols_of(
    kind: str, before: NDArray[np.float64], after: NDArray[np.float64], alike: NDArray[np.float64]
) -> NDArray[np.str_]:
    """Annotation symbols of the beats of a recording.

    Args:
        kind: see ``kind_of``.
        before: interval that ends in each beat, in usual intervals, shape (m,).
        after: interval that begins with it, likewise.
        alike: likeness of its QRS complex to the recording's usual one, -1 to 1, shape (m,).

    Returns:
        ``N``, ``L``, ``R``, ``A``, ``V``, or ``Q`` for no class, shape (m,).
    """
    symbols = np.full(len(before), UNKNOWN)
    usual = alike >= _LIKE
    if kind in {"LBBB", "RBBB"}:
        symbols[usual] = kind[0]
    elif kind in {"AF", "irregular"}:
        symbols[usual] = "N"
    else:
        symbols[usual & (before >= _ON_TIME)] = "N"
    if kind == "PVC":
        symbols[(before < _EARLY) & (alike < _UNLIKE)] = "V"
    if kind == "PAC":
        symbols[(before < _EARLY) & (after >= before) & usual] = "A"
    symbols[[0, -1]] = UNKNOWN
    return symbols


def _catalogue(folder: Path, folds: frozenset[int]) -> Iterator[tuple[str, str, int | str]]:
    """Recording, kind and place of the signal (row of ``signals.npy``, or a WFDB path) of each that is of use."""
    listing = next(
        (folder / name for name in ("labels.csv", "ptbxl_database.csv") if (folder / name).exists()), None
    )
    if listing is None:
        raise DataNotFoundError(f"no ptbxl_database.csv in {folder}; download PTB-XL from physionet.org")
    counts: Counter[str] = Counter()
    with listing.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if int(float(row["strat_fold"])) not in folds:
                continue
            columns = ("scp_codes", "sub_class", "form", "rhythm")
            kind = kind_of(set().union(*(names_of(row.get(name)) for name in columns)))
            if kind is None or counts[kind] >= _MOST.get(kind, counts[kind] + 1):
                continue
            counts[kind] += 1
            where: int | str = int(row["row"]) if "row" in row else row["filename_lr"]
            yield f"ptbxl/{row['ecg_id']}", kind, where


def annotated(
    name: str, kind: str, signal: NDArray[np.float32], leads: tuple[str, ...]
) -> AnnotatedRecording | None:
    """A ten-second recording with the beats that were found in it.

    Args:
        name: ``ptbxl/record``.
        kind: see ``kind_of``.
        signal: lead II and another, shape (2, 1000), millivolt, 100 Hz.
        leads: their names.

    Returns:
        None when lead II is flat or too few beats are found to know the usual one.
    """
    if np.ptp(signal[0]) < _FLAT_MV:
        return None
    peaks = detect(signal[0], FS)
    if len(peaks) < _FEWEST:
        return None
    complexes = prepare_beats(signal[:1], FS, peaks).windows[:, 0, QRS, 0]
    alike = likeness(complexes, np.median(complexes, axis=0))
    gaps = np.diff(peaks) / np.median(np.diff(peaks))
    symbols = symbols_of(kind, np.r_[1.0, gaps], np.r_[gaps, 1.0], alike)
    return AnnotatedRecording(name=name, signal=signal, fs=FS, leads=leads, samples=peaks, symbols=symbols)


def load(folder: Path, folds: frozenset[int] = TRAINING_FOLDS) -> Iterator[tuple[str, AnnotatedRecording]]:
    """Recordings of some folds with their kinds; see ``kind_of``.

    Args:
        folder: folder of the database at 100 Hz.
        folds: PTB-XL folds; people do not cross folds.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    packed = np.load(folder / "signals.npy", mmap_mode="r") if (folder / "signals.npy").exists() else None
    for place, (name, kind, where) in enumerate(_catalogue(folder, folds), 1):
        leads = _OTHER_LEADS if place % _OTHER_EVERY == 0 else _LEADS
        if packed is not None:
            rows = [_PACKED.index(lead) for lead in leads]
            signal = packed[where, rows].astype(np.float32) * np.float32(_MILLIVOLT)
        else:
            rows = [_PUBLIC.index(lead) for lead in leads]
            signal = wfdb.rdsamp(str(folder / str(where)), channels=rows)[0].T.astype(np.float32)
        recording = annotated(name, kind, signal, leads)
        if recording is not None:
            yield kind, recording
