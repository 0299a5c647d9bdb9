"""The three sides of the weights that are shipped: records to learn from, to calibrate on, and to test on."""

from __future__ import annotations

import numpy as np

from ml.datasets.beats import Beats, joined
from ml.models.beat_pictures.data import TRAINING_CAPS, Sources

# Held out of training; every class is on each side, so far as its few records allow.
CALIBRATION_RECORDS = (
    "mitdb/101",
    "mitdb/105",
    "mitdb/111",
    "mitdb/112",
    "mitdb/117",
    "mitdb/200",
    "mitdb/212",
    "mitdb/222",
    "mitdb/223",
    "vfdb/419",
    "vfdb/421",
    "vfdb/429",
)
TEST_RECORDS = (
    "mitdb/100",
    "mitdb/103",
    "mitdb/119",
    "mitdb/209",
    "mitdb/214",
    "mitdb/220",
    "mitdb/231",
    "mitdb/234",
    "vfdb/423",
    "vfdb/424",
    "vfdb/610",
)


def sides(
    sources: Sources,
    *,
    seed: int,
    caps: dict[str, int] = TRAINING_CAPS,
    people_caps: dict[str, int] | None = None,
) -> tuple[Beats, Beats, Beats]:
    """Beats to train on, to calibrate on, and to test on; no record and no person is on two sides.

    Args:
        sources: the data.
        seed: seed of the choice of beats where a record has more than the caps allow.
        caps: at most so many beats per class and record are learnt from, and calibrated on.
        people_caps: the same for PTB-XL, per class and person.
    """
    few = people_caps or {}
    held = set(CALIBRATION_RECORDS) | set(TEST_RECORDS)
    rng = np.random.default_rng(seed)
    inside = sources.annotated.of_records(set(sources.annotated.records.tolist()) - held)
    calibration_side = sources.annotated.of_records(CALIBRATION_RECORDS)
    return (
        joined([inside.capped(caps, rng), sources.people_training.capped(few, rng)]),
        joined([calibration_side.capped(caps, rng), sources.people_validation.capped(few, rng)]),
        joined([sources.annotated.of_records(TEST_RECORDS), sources.people_test]),
    )
