"""The contract of a model of pictures of one heartbeat, as its training fills it in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import LABELS, Beats
from ml.evaluation.metrics import report
from ml.models.beat_pictures.calibrate import ALPHA
from ml.models.beat_pictures.data import TRAINING_CAPS, positions
from ml.models.beat_pictures.split import CALIBRATION_RECORDS, TEST_RECORDS
from ml.preprocessing.beat_image import AFTER_S, BEFORE_S, VERSION
from ml.registry import file_sha256
from ml.training.calibration import Calibration

DATA = {
    "mitdb": "MIT-BIH Arrhythmia Database, ODC-BY 1.0, lead MLII, without the paced records 102 104 107 217",
    "vfdb": "MIT-BIH Malignant Ventricular Ectopy Database, ODC-BY 1.0: VF, VFIB, VFL, and normal beats found by XQRS",
    "ptbxl": "PTB-XL 1.0.3, CC BY 4.0, lead II: beat labels derived from statements (folds to 8 train, 9 calibrates, 10 tests)",
}
_TESTED = "Shipped weights on the test records of MIT-BIH and vfdb and on fold 10 of PTB-XL (derived labels)."


def training_facts(inside: Beats, calibration_side: Beats, settings: dict[str, Any]) -> dict[str, Any]:
    """What the contract says about data and settings.

    Args:
        inside: beats that were learnt from.
        calibration_side: beats that were calibrated on.
        settings: epochs, seed, layers and the like.
    """
    named = ("mitdb/", "vfdb/")
    return {
        "data": DATA,
        "records": {
            "training": sorted({str(r) for r in inside.records if r.startswith(named)}),
            "calibration": list(CALIBRATION_RECORDS),
            "test": list(TEST_RECORDS),
        },
        "beats": {label: int((inside.labels == label).sum()) for label in LABELS},
        "calibration_beats": {label: int((calibration_side.labels == label).sum()) for label in LABELS},
        "caps_per_record": TRAINING_CAPS,
        **settings,
    }


def fields(
    folder: Path, files: tuple[str, ...], settled: Calibration, *, role: str | None = None, **others: Any
) -> dict[str, Any]:
    """The contract of freshly trained weights, without figures.

    Args:
        folder: folder of the artefact.
        files: names of its files that are hashed.
        settled: what calibration decided.
        role: ``second_opinion`` for a model that is asked beside another, else None.
        **others: ``name``, ``version``, ``task``, ``gate``, ``training``, ``sanity`` and ``limits``.
    """
    roles = {} if role is None else {"kind": "picture", "role": role}
    order = ("name", "version", "task")
    return {
        **{name: others[name] for name in order},
        "labels": list(LABELS),
        "input": {
            **roles,
            "shape": [64, 64, 1],
            "range": [0, 255],
            "before_s": BEFORE_S,
            "after_s": AFTER_S,
            "description": (
                "A picture of one lead (lead II) from 0.9 s before to 0.5 s after the R peak, any size, polarity or grid; "
                "prepare_beat_image makes the model's input from it. Scaling to 0..1 is inside the model."
            ),
        },
        "preprocessing_version": VERSION,
        **settled.as_contract(LABELS, ALPHA),
        **{name: others[name] for name in ("gate", "training")},
        "metrics": {},
        **{name: others[name] for name in ("sanity", "limits")},
        "sha256": {name: file_sha256(folder / name) for name in files},
    }


def tested(probability: NDArray[np.float64], test_side: Beats) -> dict[str, Any]:
    """Figures of the shipped weights on the test records.

    Args:
        probability: calibrated, shape (n, 6).
        test_side: the beats.
    """
    return {
        "protocol": _TESTED,
        **report(probability, positions(test_side.labels), test_side.records, labels=LABELS),
    }
