"""MIT-BIH Arrhythmia Database (Moody and Mark 2001, PhysioNet, ODC-BY 1.0): beats with two cardiologists' labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import wfdb

from ml.datasets.beats import Beats, DataNotFoundError, cut, joined, record_names

PACED = ("102", "104", "107", "217")
SAME_PATIENT = {"202": "201"}  # records 201 and 202 come from one person
LABEL_OF_SYMBOL = {"N": "Normal", "L": "LBBB", "R": "RBBB", "A": "PAC", "a": "PAC", "V": "PVC", "!": "VF"}
_LEAD = "MLII"


def load_record(folder: Path, name: str) -> Beats:
    """Labelled beats of one recording, lead MLII.

    Args:
        folder: folder of the database (``100.hea``, ``100.dat``, ``100.atr`` ...).
        name: record, for example ``"100"``.

    Returns:
        Beats of the six classes; other annotations (fusion, junctional, unclassifiable beats) are left out. Waves of
        ventricular flutter (record 207) count as VF.

    Raises:
        DataNotFoundError: when the recording is missing.
    """
    path = folder / name
    if not path.with_suffix(".hea").exists():
        raise DataNotFoundError(f"record {name} is not in {folder}")
    header = wfdb.rdheader(str(path))
    lead = header.sig_name.index(_LEAD) if _LEAD in header.sig_name else 0
    signals, _ = wfdb.rdsamp(str(path), channels=[lead])
    marks = wfdb.rdann(str(path), "atr")
    known = [
        (int(at), LABEL_OF_SYMBOL[kind])
        for at, kind in zip(marks.sample, marks.symbol, strict=True)
        if kind in LABEL_OF_SYMBOL
    ]
    samples = np.array([at for at, _ in known], dtype=np.int64)
    return Beats(
        windows=cut(signals[:, 0], float(header.fs), samples),
        labels=np.array([label for _, label in known], dtype=np.str_),
        records=np.full(len(known), f"mitdb/{name}"),
        samples=samples,
    )


def load(folder: Path, records: Iterable[str] | None = None) -> Beats:
    """Labelled beats of the database without its four paced records.

    Args:
        folder: folder of the database.
        records: names to read; all but the paced ones if None.

    Raises:
        DataNotFoundError: when the folder or a named recording is missing.
    """
    names = [name for name in record_names(folder) if name not in PACED] if records is None else list(records)
    return joined([load_record(folder, name) for name in names])
