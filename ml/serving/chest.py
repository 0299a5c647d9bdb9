"""From a DICOM object to the answers about a frontal chest X-ray: the heart's outline and size, and the classifier's opinion."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ml.chest.eligible import Said, judge_attributes, judge_picture, shape_of
from ml.chest.measuring import (
    LIMIT,
    Reading,
    error_model,
    labels_between,
    read,
    shares_of_labels,
)
from ml.chest.ratio import NotMeasurable
from ml.chest.reasons import SENTENCES, ChestReason, NotEligible
from ml.contract import ModelResult, Outcome, as_percent
from ml.dicom.display import in_units, shown
from ml.dicom.frames import decode
from ml.dicom.image import DicomImage, image_of
from ml.dicom.opening import open_dicom
from ml.preprocessing.chest_image import PreparedChest, prepare_chest
from ml.serving.chest_classifier import classified
from ml.serving.chest_measurement import Frame, Measurement, measured
from ml.serving.gate import Refusal, distance
from ml.serving.signals import SignalMember, signal_member
from ml.serving.unanswered import unanswered

HEART_MODEL, CLASSIFIER = "cxr-heart", "dicom-cardiac"
CODE_VERSION = "chest-1"
_MOST_CUT = (
    0.5  # part of the pixels that a window may turn black or white before the values themselves are looked at
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChestAnalysis:
    """What the suite says about one image of a study.

    Attributes:
        results: of ``cxr-heart`` and ``dicom-cardiac``, in this order; a refusal stands in both.
        measurement: the ratio, its error and the diameters; None where nothing was measured.
        mask_png: 8-bit grey PNG over the whole image as it is stored: 0 background, 1 right lung, 2 left lung, 3 heart; None with
            ``measurement``.
        warnings: what a person must check, by reason code.
    """

    results: tuple[ModelResult, ...]
    measurement: Measurement | None
    mask_png: bytes | None
    warnings: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types, without pictures."""
        return {
            "results": [result.as_json() for result in self.results],
            "measurement": self.measurement.as_json() if self.measurement else None,
            "warnings": self.warnings,
        }


def analyse_chest(
    path: Path, *, dataset: Dataset | None = None, image: DicomImage | None = None
) -> ChestAnalysis:
    """Judge, measure and classify one image.

    Args:
        path: a DICOM file.
        dataset: as `ml.dicom.opening.open_dicom` gave it; opened here if None.
        image: as `ml.dicom.image.image_of` gave it; read here if None.

    Raises:
        UnusableDicom: when the object or its pixels cannot be read.
        TamperedArtefactError: when a model's files are not the ones that were measured.
    """
    started = time.perf_counter()
    dataset = open_dicom(path) if dataset is None else dataset
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    image = image_of(dataset) if image is None else image
    opened = signal_member(HEART_MODEL)
    warnings: dict[str, str] = {}
    try:
        said = judge_attributes(dataset, image)
        warnings = {reason.value: SENTENCES[reason] for reason in said.warnings}
        prepared = prepare_chest(film_of(path, dataset, image, said))
        reading = read_film(opened, prepared)
    except NotEligible as refusal:
        results = tuple(_refused(name, refusal, sha256, started) for name in (HEART_MODEL, CLASSIFIER))
        return ChestAnalysis(results=results, measurement=None, mask_png=None, warnings=warnings)
    frame = Frame(prepared=prepared, mirrored=said.mirrored, upside_down=said.upside_down, image=image)
    measurement = measured(reading, frame, error_model(opened.contract.conformal))
    heart = _decided(opened, measurement, sha256, started)
    other = classified(signal_member(CLASSIFIER), frame, sha256=sha256, code_version=CODE_VERSION)
    return ChestAnalysis(
        results=(heart, other),
        measurement=measurement,
        mask_png=frame.png(frame.cut(reading.classes)),
        warnings=warnings,
    )


def film_of(path: Path, dataset: Dataset, image: DicomImage, said: Said) -> NDArray[Any]:
    """The film as it is shown, bone bright, the patient upright and facing the reader, shape (rows, columns).

    A window of the object that cuts most of the picture away is not used.

    Raises:
        UnusableDicom: when the pixels cannot be read.
    """
    frame = decode(path, dataset, image)
    film: NDArray[Any] = shown(frame, dataset, image)
    if float(((film == 0) | (film == 255)).mean()) > _MOST_CUT:
        film = in_units(frame, dataset) * (-1.0 if image.photometric == "MONOCHROME1" else 1.0)
    return film[:: -1 if said.upside_down else 1, :: -1 if said.mirrored else 1]


def read_film(opened: SignalMember, prepared: PreparedChest) -> Reading:
    """Measure a film and judge whether it is one.

    Raises:
        NotEligible: when it does not look like a frontal chest film.
    """
    near: list[float] = []

    def shares_of(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        shares, embeddings = opened.session.run(["shares", "embedding"], {"image": pictures})
        near.append(
            distance(embeddings[0], _reference(opened.contract.folder), neighbours=int(gate["neighbours"]))
        )
        found: NDArray[np.float32] = shares
        return found

    gate = opened.contract.gate
    try:
        reading = read(prepared.pixels, shares_of)
    except NotMeasurable as missing:
        judge_picture(None, near[0], gate)
        raise NotEligible(ChestReason.NOT_FRONTAL, detail=str(missing)) from missing
    shape = shape_of(reading.shares.argmax(axis=-1), reading.shares.max(axis=-1))
    judge_picture(shape, near[0], gate)
    return reading


@functools.cache
def _reference(folder: Path) -> NDArray[np.float32]:
    """Embeddings of known films, of length one, shape (m, d)."""
    known: NDArray[np.float32] = np.load(folder / "embeddings.npy").astype(np.float32)
    return known


def _decided(opened: SignalMember, found: Measurement, sha256: str, started: float) -> ModelResult:
    """The label of a measurement, or none where the error is too large."""
    contract = opened.contract
    shares = shares_of_labels(found.ratio, found.error)
    label = max(shares, key=lambda name: shares[name])
    sure = found.error <= error_model(contract.conformal).most
    if sure:
        message = (
            f"The heart takes {found.ratio:.2f} of the width of the chest (90 % interval {found.low:.2f} to {found.high:.2f}): "
            f"{label.lower()}. Probability of more than {LIMIT:.2f}: {as_percent(found.probability_enlarged)}."
        )
    else:
        message = SENTENCES[ChestReason.UNSURE]
    return ModelResult(
        model=contract.name,
        version=contract.version,
        weights_sha256=contract.weights_sha256,
        outcome=Outcome.PREDICTED if sure else Outcome.ABSTAINED,
        label=label if sure else None,
        confidence=shares[label] if sure else None,
        probabilities=shares,
        prediction_set=labels_between(found.low, found.high),
        threshold=contract.abstention_threshold,
        reason_code=None if sure else ChestReason.UNSURE.value,
        message=message,
        heatmap_png=None,
        duration_ms=(time.perf_counter() - started) * 1000.0,
        input_sha256=sha256,
        code_version=CODE_VERSION,
        device=opened.device["name"],
        explanation={"measurement": found.as_json()},
    )


def _refused(name: str, refusal: NotEligible, sha256: str, started: float) -> ModelResult:
    """The result of an object that must not be measured."""
    opened, why = signal_member(name), Refusal(Outcome.NOT_ELIGIBLE, refusal.reason_code, refusal.message)
    return unanswered(
        opened.contract,
        why,
        input_sha256=sha256,
        code_version=CODE_VERSION,
        started=started,
        device=opened.device["name"],
    )
