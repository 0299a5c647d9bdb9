"""Measures ``beat-resnet``: cross-validation by record over five classes, and the served weights under hard conditions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.datasets.annotated import AnnotatedRecording, load_recording
from ml.evaluation.ec57 import DS2, ec57_report
from ml.evaluation.metrics import report
from ml.models.beat_resnet import data
from ml.models.beat_resnet.classes import LABELS, NO_CLASS, classes_of
from ml.models.beat_resnet.train import ARTEFACT, EPOCHS, FOLDS, SEED, cross_validated
from ml.recordings.ec57 import classes_of as ec57_classes
from ml.recordings.ec57 import to_ec57
from ml.registry import read_contract, verify
from ml.serving.beats import classify_beats, heat_of, sure_classes
from ml.serving.signals import SignalMember, opened_from
from ml.training.augment_signal import noise_bank
from ml.training.calibration import fit_temperature, probabilities
from ml.training.card import write_contract
from ml.training.splits import folds, patients_of

FIVE = LABELS[:5]
PROTOCOL = (
    "Record-grouped 5-fold cross-validation, pooled out-of-fold, over Normal, LBBB, RBBB, PAC and PVC of all 44 records that "
    "are not paced (201 and 202 kept together), two leads; fusion beats are trained on but not counted, and their probability "
    "is left out. Beats of PTB-XL, and beats of the training side laid in other rhythms, are on the training side of every fold. "
    "One pair of networks per fold, where the shipped model is five together. Epochs and settings were chosen inside DS1; the "
    "logits of premature beats are not shifted. One temperature over all folds, fitted on them."
)
STRIP_S = 10.0
NEAR_S = 0.15
_STRIPS_PER_RECORD = 25
_JITTER = 5


def _five_classes(folder: Path, *, epochs: int) -> dict[str, Any]:
    """The headline cross-validation."""
    everything = data.load(folder / "mitdb")
    bank = noise_bank(folder / "nstdb")
    splits = folds(np.array(LABELS)[everything.classes], everything.records, count=FOLDS, seed=SEED)
    strips = data.strips(folder / "ptbxl")
    logits, _ = cross_validated(everything, splits, bank, strips=strips, epochs=epochs)
    counted = everything.classes < len(FIVE)
    kept, classes = logits[counted][:, : len(FIVE)], everything.classes[counted]
    shares = probabilities(kept, fit_temperature(kept, classes))
    who = patients_of(everything.records[counted])
    return {"protocol": PROTOCOL, "epochs": epochs, **report(shares, classes, who, labels=FIVE)}


def _leads(places: list[int]) -> Callable[[AnnotatedRecording], AnnotatedRecording]:
    def changed(recording: AnnotatedRecording) -> AnnotatedRecording:
        return recording.changed(signal=recording.signal[places])

    return changed


def _jittered(recording: AnnotatedRecording) -> AnnotatedRecording:
    """Positions as a detector might give them: some samples off."""
    rng = np.random.default_rng(SEED)
    off = rng.integers(-_JITTER, _JITTER + 1, len(recording.samples))
    moved = np.clip(recording.samples + off, 0, recording.signal.shape[1] - 1)
    return recording.changed(samples=np.maximum.accumulate(moved))


def _slow(recording: AnnotatedRecording) -> AnnotatedRecording:
    """The recording at 100 Hz in another gain."""
    rate = 100.0
    count = int(recording.signal.shape[1] * rate / recording.fs)
    at = np.arange(count) / rate * recording.fs
    grid = np.arange(recording.signal.shape[1])
    signal = np.stack([np.interp(at, grid, lead) for lead in recording.signal])
    samples = np.minimum(np.rint(recording.samples * rate / recording.fs).astype(np.int64), count - 1)
    return recording.changed(signal=(3.0 * signal).astype(np.float32), fs=rate, samples=samples)


CONDITIONS: dict[str, Callable[[AnnotatedRecording], AnnotatedRecording]] = {
    "as recorded": lambda recording: recording,
    "first lead only": _leads([0]),
    "second lead only": _leads([1]),
    "positions up to 5 samples (14 ms) off": _jittered,
    "100 Hz, three times the gain": _slow,
}


def _served(
    recordings: list[AnnotatedRecording], opened: SignalMember
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.str_], float]:
    """Probabilities, classes and records of every beat that has a class, and beats per second with preparation."""
    shares, truth, names, spent, count = [], [], [], 0.0, 0
    for recording in recordings:
        answers = classify_beats(recording.signal, recording.fs, recording.samples, opened=opened)
        classes = classes_of(recording.symbols)
        known = classes != NO_CLASS
        shares.append(answers.probabilities[known])
        truth.append(classes[known])
        names.append(np.full(int(known.sum()), recording.name))
        spent, count = spent + answers.duration_ms / 1000.0, count + len(classes)
    return np.concatenate(shares), np.concatenate(truth), np.concatenate(names), count / spent


def _conditions(recordings: list[AnnotatedRecording], opened: SignalMember) -> dict[str, Any]:
    """DS2 as served, under each condition."""
    rows = {}
    for name, change in CONDITIONS.items():
        shares, truth, records, _ = _served([change(recording) for recording in recordings], opened)
        found = ec57_report(shares, truth, records, labels=LABELS)
        rows[name] = {
            **{figure: found[figure]["value"] for figure in ("accuracy", "macro_f1", "macro_f1_nsv")},
            **{f"f1_{label}": found["classes"][label]["f1"]["value"] for label in "SV"},
        }
    return {"protocol": "DS2 through the served model (ONNX Runtime), EC57 gross.", **rows}


def _selective(recordings: list[AnnotatedRecording], opened: SignalMember) -> dict[str, Any]:
    """Abstention, prediction sets and speed on DS2."""
    shares, truth, _, rate = _served(recordings, opened)
    given = sure_classes(shares, LABELS, opened.contract.abstention_threshold)
    sure, right = given >= 0, given == truth
    four = to_ec57(shares, LABELS).argmax(axis=1) == ec57_classes(truth, LABELS)
    least = np.array([opened.contract.conformal["min_probability"][label] for label in LABELS])
    sets = (shares >= least) | (shares == shares.max(axis=1, keepdims=True))
    covered = sets[np.arange(len(truth)), truth]
    return {
        "protocol": "DS2, six classes; sure where the classes of N, S, V or F together reach the threshold; thresholds from "
        "cross-validation inside DS1; the aim of the sets is 0.90 per class.",
        "answered": round(float(sure.mean()), 4),
        "accuracy_of_answered": round(float(right[sure].mean()), 4),
        "accuracy_of_answered_as_n_s_v_f": round(float(four[sure].mean()), 4),
        "mean_set_size": round(float(sets.sum(axis=1).mean()), 3),
        "coverage": {label: round(float(covered[truth == i].mean()), 4) for i, label in enumerate(LABELS)},
        "beats_per_second_with_preparation": round(rate),
    }


def strips_with_one(
    recording: AnnotatedRecording, *, label: str, seconds: float, most: int
) -> list[tuple[slice, NDArray[np.int64], int]]:
    """Strips with one beat of a class among normal ones only.

    Args:
        recording: the recording.
        label: the class.
        seconds: length of a strip; the beat stands in its middle third.
        most: at most so many strips, spread over the recording.

    Returns:
        For each strip its samples, the positions of its beats within it, and which of them is the one.
    """
    classes = classes_of(recording.symbols)
    wanted, length = LABELS.index(label), round(seconds * recording.fs)
    rng = np.random.default_rng(SEED)
    found = []
    for at in recording.samples[classes == wanted]:
        start = int(at - rng.uniform(1 / 3, 2 / 3) * length)
        if start < 0 or start + length > recording.signal.shape[1]:
            continue
        inside = (recording.samples >= start) & (recording.samples < start + length)
        kinds = classes[inside]
        if (kinds == wanted).sum() == 1 and np.isin(kinds, (0, 1, 2, wanted)).all():
            found.append(
                (
                    slice(start, start + length),
                    recording.samples[inside] - start,
                    int((kinds == wanted).argmax()),
                )
            )
    return [found[i] for i in np.unique(np.linspace(0, len(found) - 1, most).astype(int))] if found else []


def _heat_of_one(recordings: list[AnnotatedRecording], opened: SignalMember) -> dict[str, Any]:
    """Where the peak of the heat for PVC lies on strips with one PVC."""
    near, own = [], []
    for recording in recordings:
        for part, at, one in strips_with_one(
            recording, label="PVC", seconds=STRIP_S, most=_STRIPS_PER_RECORD
        ):
            along = heat_of(recording.signal[:, part], recording.fs, at, label="PVC", opened=opened)
            peak = int(along.argmax())
            near.append(along.max() > 0 and abs(peak - int(at[one])) / recording.fs <= NEAR_S)
            own.append(along.max() > 0 and int(np.abs(at - peak).argmin()) == one)
    return {
        "protocol": "10-s strips of DS2 with one PVC among normal beats, at most 25 per record, the strip alone given to the model: "
        "part of strips where the heat for PVC along the strip peaks within 150 ms of the PVC's R peak, and where the PVC "
        "is the beat nearest to the peak.",
        "strips": len(near),
        "peak_within_150_ms": round(float(np.mean(near)), 4) if near else 0.0,
        "pvc_is_nearest_beat": round(float(np.mean(own)), 4) if own else 0.0,
    }


def as_served(folder: Path, opened: SignalMember) -> dict[str, Any]:
    """Figures of an artefact on DS2 through serving: ``conditions``, ``abstention_and_sets``, ``heat_on_one_pvc``."""
    recordings = [load_recording(folder / "mitdb", name.split("/")[1]) for name in DS2]
    return {
        "conditions": _conditions(recordings, opened),
        "abstention_and_sets": _selective(recordings, opened),
        "heat_on_one_pvc": _heat_of_one(recordings, opened),
    }


def evaluate(folder: Path, *, epochs: int = EPOCHS, target: Path | None = ARTEFACT) -> dict[str, Any]:
    """Measure the recipe by cross-validation, and the artefact as it is served; put the figures into the contract.

    Args:
        folder: holds ``mitdb/``, ``nstdb/`` and ``ptbxl/``.
        epochs: epochs per fold.
        target: folder of the artefact to measure and to update; None leaves the installed one alone.

    Returns:
        JSON types: ``cross_validation``, ``conditions``, ``abstention_and_sets``, ``heat_on_one_pvc``.

    Raises:
        DataNotFoundError: when a database is missing.
        TamperedArtefactError: when the artefact is not the one that was measured.
    """
    contract = read_contract(target or ARTEFACT)
    verify(contract)
    measured = {
        "cross_validation": _five_classes(folder, epochs=epochs),
        **as_served(folder, opened_from(contract)),
    }
    if target is not None:
        (target / "evaluation.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        fields = json.loads((target / "model.json").read_text(encoding="utf-8"))
        kept = {name: value for name, value in fields["metrics"].items() if name not in measured}
        fields["metrics"] = kept | measured
        write_contract(target, fields)
    return measured
