"""How the served model agrees with the cardiologists who annotated MIT-BIH, beat by beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from tqdm import tqdm

from ml import registry
from ml.contract import Outcome
from ml.datasets import mitdb
from ml.datasets.beats import DataNotFoundError, record_names
from ml.preprocessing.beat_image import examine_beat_image
from ml.preprocessing.render import render_traces
from ml.serving.analysis import answer_prepared
from ml.serving.session import Member, member
from ml.training.augment import crop

Side = Literal["test", "calibration", "training", "unused"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordAgreement:
    """Agreement on one record.

    Attributes:
        record: for example ``"119"``.
        side: whether the shipped weights were trained on it, calibrated on it, or never saw it (``test``).
        beats: beats shown to the model.
        answered: beats for which it named a class.
        abstained: beats for which it was not sure enough.
        refused: beats that its gate took for no heartbeat.
        agreed: beats for which it named the cardiologists' class.
        classes: per annotated class: ``beats``, ``answered``, ``agreed``, and ``called``, counts by named class.
    """

    record: str
    side: Side
    beats: int
    answered: int
    abstained: int
    refused: int
    agreed: int
    classes: dict[str, dict[str, Any]]

    @property
    def unseen(self) -> bool:
        """Whether the shipped weights have learnt nothing at all from this record."""
        return self.side == "test"


def side_of(record: str, contract: registry.ModelContract) -> Side:
    """Which side of the shipped weights' split a MIT-BIH record is on."""
    sides: tuple[Side, ...] = ("test", "calibration", "training")
    for side in sides:
        if f"mitdb/{record}" in contract.training["records"][side]:
            return side
    return "unused"


def preferred_records(folder: Path, *, model: str = "beat-cnn") -> tuple[str, ...]:
    """Records of a folder that the shipped weights never saw; if there are none, those they were calibrated on.

    Raises:
        DataNotFoundError: when the folder holds no record that was held out of training.
    """
    contract = registry.load(model)
    present = [name for name in record_names(folder) if name not in mitdb.PACED]
    for side in ("test", "calibration"):
        chosen = tuple(name for name in present if side_of(name, contract) == side)
        if chosen:
            return chosen
    raise DataNotFoundError(
        f"{folder} holds no record that was kept out of training; agreement would be flattering"
    )


def agreement(
    folder: Path,
    records: Iterable[str] | None = None,
    *,
    model: str = "beat-cnn",
    most_per_record: int | None = None,
    quiet: bool = False,
) -> tuple[RecordAgreement, ...]:
    """Draw the annotated beats of records, let the served model answer, and compare.

    Args:
        folder: folder of MIT-BIH in WFDB form.
        records: names; those of ``preferred_records`` if None.
        model: name of the served model.
        most_per_record: take at most so many beats of a record, evenly spaced; all if None.
        quiet: whether to hide the progress bar.

    Returns:
        One entry per record. ``side`` says whether the weights had seen it.

    Raises:
        DataNotFoundError: when the folder or a record is missing.
    """
    names = preferred_records(folder, model=model) if records is None else tuple(records)
    opened = member(model)
    return tuple(
        _one_record(folder, name, opened, most_per_record)
        for name in tqdm(names, desc="records", disable=quiet)
    )


def _one_record(folder: Path, name: str, opened: Member, most: int | None) -> RecordAgreement:
    """Agreement on one record."""
    contract = opened.contract
    beats = mitdb.load_record(folder, name)
    if most is not None and len(beats) > most:
        beats = beats.take(np.linspace(0, len(beats) - 1, most).astype(np.int64))
    shape = contract.input
    drawn = render_traces(crop(beats.windows, before_s=shape["before_s"], after_s=shape["after_s"]))
    classes: dict[str, dict[str, Any]] = {}
    outcomes = dict.fromkeys(Outcome, 0)
    agreed = 0
    for truth, picture in zip(beats.labels.tolist(), drawn, strict=True):
        answer = answer_prepared(opened, examine_beat_image(Image.fromarray(picture)))
        outcomes[answer["outcome"]] += 1
        row = classes.setdefault(truth, {"beats": 0, "answered": 0, "agreed": 0, "called": {}})
        row["beats"] += 1
        if answer["outcome"] is Outcome.PREDICTED:
            row["answered"] += 1
            row["agreed"] += answer["label"] == truth
            row["called"][answer["label"]] = row["called"].get(answer["label"], 0) + 1
            agreed += answer["label"] == truth
    return RecordAgreement(
        record=name,
        side=side_of(name, contract),
        beats=len(beats),
        answered=outcomes[Outcome.PREDICTED],
        abstained=outcomes[Outcome.ABSTAINED],
        refused=outcomes[Outcome.NOT_ELIGIBLE] + outcomes[Outcome.POOR_INPUT],
        agreed=agreed,
        classes=classes,
    )
