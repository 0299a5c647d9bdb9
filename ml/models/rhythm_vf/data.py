"""The stretches of four seconds that ``rhythm-vf`` learns from and is measured on."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from ml.datasets import ptbxl
from ml.datasets.annotated import lead_order
from ml.datasets.beats import DataNotFoundError, record_names
from ml.preprocessing.rhythm_segment import LENGTH, SECONDS, figures_of, prepare_segments

SHOCKABLE = frozenset({"VF", "VFIB", "VFL", "VT"})
NOISE = "NOISE"
MIXED = "mixed"
UNLABELLED = ""
# In training a recording is cut at several offsets: more of the rare rhythms, and no fixed place of a beat.
OFFSETS_S = (0.0, 1.0, 2.0, 3.0)
# Statements of PTB-XL whose recordings teach what is no ventricular tachycardia: wide, fast, irregular and usual rhythms.
STATEMENTS = (
    "CLBBB", "CRBBB", "PACE", "WPW", "IVCD", "AFIB", "AFLT", "STACH", "SVTAC", "PSVT", "SVARR", "PVC", "BIGU", "TRIGU", "LVH",
    "LAFB", "SBRAD", "NORM",
)  # fmt: skip
_MOST_OF_STATEMENT = 250
_PTBXL_LEADS = ("II", "V1", "V5")
ALONE = "alone"
_ALONE = 600
_PTBXL_FOLDS = frozenset({5, 6, 7, 8})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Prepared stretches with their rhythm.

    Attributes:
        windows: shape (n, 500, 1), see ``prepare_segments``.
        features: shape (n, 61).
        rhythms: annotated rhythm, shape (n,); ``mixed`` where it changes within the stretch.
        records: ``database/record`` of each stretch, shape (n,).
        leads: which lead of the recording, shape (n,).
        reach_mv: peak to peak, shape (n,), millivolt.
    """

    windows: NDArray[np.float32]
    features: NDArray[np.float32]
    rhythms: NDArray[np.str_]
    records: NDArray[np.str_]
    leads: NDArray[np.int64]
    reach_mv: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def classes(self) -> NDArray[np.int64]:
        """1 for fibrillation, flutter and tachycardia of the ventricles, else 0, shape (n,)."""
        return np.isin(self.rhythms, sorted(SHOCKABLE)).astype(np.int64)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Whether a stretch has one rhythm that is no noise, shape (n,)."""
        return ~np.isin(self.rhythms, (NOISE, MIXED, UNLABELLED))

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Segments:
        """The stretches chosen by a mask or by positions."""
        return Segments(**{f.name: getattr(self, f.name)[chosen] for f in dataclasses.fields(self)})

    def of_records(self, records: Iterable[str]) -> Segments:
        """The stretches of the named records."""
        return self.take(np.isin(self.records, sorted(records)))


def joined(parts: list[Segments]) -> Segments:
    """Several sets of stretches as one."""
    return Segments(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in dataclasses.fields(Segments)
        }
    )


def _stretches(path: Path, length: int) -> list[tuple[int, int, str]]:
    """First sample, last sample (exclusive) and rhythm of each stretch; marks of beats say nothing of the rhythm."""
    marks = wfdb.rdann(str(path), "atr")
    changes = [
        (int(at), note.strip("\x00 ")[1:])
        for at, note in zip(marks.sample, marks.aux_note, strict=True)
        if note.startswith("(")
    ]
    ends = [at for at, _ in changes[1:]] + [length]
    return [(at, end, name) for (at, name), end in zip(changes, ends, strict=True)]


def _rhythm_of(
    stretches: list[tuple[int, int, str]], starts: NDArray[np.int64], length: int
) -> NDArray[np.str_]:
    """Rhythm of each stretch, or ``mixed``; nothing before the first annotation."""
    found = np.full(len(starts), UNLABELLED, dtype="U8")
    for first, last, name in stretches:
        touched = (starts < last) & (starts + length > first)
        inside = (starts >= first) & (starts + length <= last)
        found[touched] = np.where(inside[touched], name, MIXED)
    return found


def load_record(folder: Path, name: str, *, offsets_s: tuple[float, ...] = (0.0,)) -> Segments:
    """Stretches of both leads of one recording.

    Args:
        folder: of vfdb or of MIT-BIH, with rhythm annotations.
        name: record, for example ``"418"``.
        offsets_s: where to begin to cut, seconds; each gives a further set of stretches.

    Raises:
        DataNotFoundError: when the recording is missing.
    """
    if not (folder / name).with_suffix(".hea").exists():
        raise DataNotFoundError(f"record {name} is not in {folder}")
    signals, fields = wfdb.rdsamp(str(folder / name))
    fs = float(fields["fs"])
    stretches = _stretches(folder / name, len(signals))
    parts = []
    for place, lead in enumerate(lead_order(fields["sig_name"])):
        for offset in offsets_s:
            first = round(offset * fs)
            made = prepare_segments(signals[first:, lead], fs)
            starts = first + np.rint(made.starts_s * fs).astype(np.int64)
            parts.append(
                Segments(
                    windows=made.windows,
                    features=made.features,
                    rhythms=_rhythm_of(stretches, starts, round(SECONDS * fs)),
                    records=np.full(len(starts), f"{folder.name}/{name}"),
                    leads=np.full(len(starts), place),
                    reach_mv=made.reach_mv,
                )
            )
    return joined(parts)


def load(
    folder: Path, *, offsets_s: tuple[float, ...] = (0.0,), every: int = 1, most_leads: int = 2
) -> Segments:
    """Stretches of a database.

    Args:
        folder: of vfdb or of MIT-BIH.
        offsets_s: see ``load_record``.
        every: keep every so many-th stretch.
        most_leads: leads to keep of each recording.

    Raises:
        DataNotFoundError: when the folder or a recording is missing.
    """
    parts = []
    for name in record_names(folder):
        made = load_record(folder, name, offsets_s=offsets_s)
        parts.append(made.take((np.arange(len(made)) % every == 0) & (made.leads < most_leads)))
    return joined(parts)


def load_ptbxl(folder: Path) -> Segments:
    """Stretches of leads II, V1 and V5 of recordings of PTB-XL, folds 5 to 8: none shows a ventricular tachycardia.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    counts: Counter[str] = Counter()
    parts = []
    for found in ptbxl.listing(folder, _PTBXL_FOLDS):
        statement = next((name for name in STATEMENTS if name in found.codes), None)
        if statement is None or counts[statement] >= _MOST_OF_STATEMENT:
            continue
        counts[statement] += 1
        for place, signal in enumerate(ptbxl.read_leads(folder, found, _PTBXL_LEADS)):
            made = prepare_segments(signal, ptbxl.FS)
            count = len(made.windows)
            parts.append(
                Segments(
                    windows=made.windows,
                    features=made.features,
                    rhythms=np.full(count, statement, dtype="U8"),
                    records=np.full(count, found.patient),
                    leads=np.full(count, place),
                    reach_mv=made.reach_mv,
                )
            )
    return joined(parts)


def noise_alone(bank: NDArray[np.float32], seed: int) -> Segments:
    """Stretches of nothing but noise, as asystole shows them.

    Args:
        bank: noise at 125 Hz, shape (k, samples), see ``ml.training.augment_signal.noise_bank``.
        seed: which stretches.
    """
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, bank.shape[1] - LENGTH, (_ALONE, 1))
    cut = bank[rng.integers(0, len(bank), (_ALONE, 1)), starts + np.arange(LENGTH)].astype(np.float64)
    cut -= cut.mean(axis=1, keepdims=True)
    cut /= cut.std(axis=1, keepdims=True)
    return Segments(
        windows=cut[:, :, None].astype(np.float32),
        features=figures_of(cut).astype(np.float32),
        rhythms=np.full(_ALONE, ALONE, dtype="U8"),
        records=np.full(_ALONE, "nstdb/all"),
        leads=np.zeros(_ALONE, dtype=np.int64),
        reach_mv=np.ptp(cut, axis=1).astype(np.float32),
    )
