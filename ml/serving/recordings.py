"""From a recording's file to the answers of every model that reads recordings, and to what was measured in it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.contract import Analysis, ModelResult, Outcome, RecordingFindings, as_percent
from ml.preprocessing.beat_signal import MIN_FS
from ml.recordings import tiles
from ml.recordings.analysis import CLASSIFYING, Progress, RecordingResult, analyse_recording, silent
from ml.recordings.analysis import CODE_VERSION as METHODS
from ml.recordings.formats import read
from ml.recordings.reasons import RecordingReason, UnusableRecording
from ml.recordings.recording import Recording
from ml.registry import ModelContract
from ml.serving.beat_pictures import PictureClassifier
from ml.serving.beats import (
    HEAT_AFTER_S,
    HEAT_BEFORE_S,
    HEAT_STEPS,
    MODEL,
    BeatAnswers,
    classify_beats,
)
from ml.serving.fibrillation import Fibrillation, find_fibrillation
from ml.serving.gate import Refusal
from ml.serving.session import member
from ml.serving.signals import signal_member
from ml.serving.twelve_lead import second_opinion
from ml.serving.unanswered import unanswered

CODE_VERSION = f"recordings-{METHODS}+serving-1"
UNSURE = "unsure"
# The leads that the model learnt from, under their names in recordings; the first one that is there is taken.
_FIRST_CHOICE = ("II", "MLII", "ML2", "D2", "I", "MLI", "V5")
_SECOND_CHOICE = ("V1", "MV1", "V2", "V5", "MV5", "MLIII", "III")
# A day is classified in pieces: the model looks five minutes around a beat, and all of it at once would need gigabytes.
_PIECE_S, _MARGIN_S = 1200.0, 300.0


_NAMED = {name: name for name in ("Normal", "LBBB", "RBBB", "PAC", "PVC", "VF")} | {"Fusion": "PVC"}
_URGENCY = ("VF", "PVC", "LBBB", "RBBB", "PAC", "Normal")
_LEAST_BEATS, _SHORT_S = 3, 60.0
_LONGEST_TEXT = 500

Store = Callable[[str, bytes], None]


def analyse_file(
    path: Path,
    *,
    fs: float | None,
    unit: str | None,
    progress: Progress,
    store: Store | None,
    model: str = MODEL,
) -> Analysis:
    """Read, measure and classify a recording.

    Args:
        path: a file of any format of ``ml.recordings.formats``. Damaged and strange ones give an answer with a reason.
        fs: sampling rate, Hz, if the file does not say it and a person did.
        unit: unit of its values (``uV``, ``mV``, ``V``), likewise.
        progress: told the part done, 0 to 1, and in words what is being done.
        store: given name and bytes of the signal's tiles for a viewer; None keeps no signal.
        model: the model that names the beats; one of pictures is shown a picture of each.

    Raises:
        ModelNotFoundError: when no model has that name.
        TamperedArtefactError: when the model's files are not the ones that were measured.
        OSError: when the file cannot be read or the disk is full.
    """
    started = time.perf_counter()
    contract = signal_member(model).contract if model == MODEL else member(model).contract
    sha256 = _file_sha256(path)
    rhythm: Fibrillation | None = None
    try:
        progress(0.0, "Reading the file")
        recording = read(path, fs=fs, unit=unit)
        if recording.fs < MIN_FS:
            detail = f"the beat model needs at least {MIN_FS:g} samples a second"
            raise UnusableRecording(RecordingReason.RATE_DOUBTFUL, fs=recording.fs, detail=detail)
        leads = chosen_leads(recording.leads)
        progress(0.0, "Looking for ventricular fibrillation")
        rhythm = find_fibrillation(recording, leads[0])
        overall = _within(progress, (0.0, 0.9))
        classified = (
            Classifier(leads, progress=_within(overall, CLASSIFYING))
            if model == MODEL
            else PictureClassifier(model, leads[0])
        )
        result = analyse_recording(recording, classify=classified, progress=overall)
    except UnusableRecording as unusable:
        # Fibrillation has no heartbeats to be found: it must not be refused as a poor signal.
        alarm = [_alarm(rhythm, sha256)] if rhythm and rhythm.episodes else []
        return Analysis(results=(*alarm, _unusable(contract, unusable, sha256, started)))
    progress(0.9, "Storing the signal")
    signal = tiles.keep(recording, store) if store else {}
    answers = classified.answers()
    # Fibrillation has no superclass; whatever that model called it would distract.
    alarmed = rhythm is not None and bool(rhythm.episodes)
    second = None if alarmed else second_opinion(recording, result.quality, sha256, CODE_VERSION)
    findings = RecordingFindings(
        leads=recording.leads,
        fs=recording.fs,
        samples=recording.samples,
        summary=_summary(recording, result, rhythm) | {"twelve_leads": second[1] if second else None},
        classes=answers.labels,
        beat_samples=result.samples.astype("<i4").tobytes(),
        beat_classes=answers.classes.astype(np.int8).tobytes(),
        beat_confidences=np.rint(answers.probabilities.max(axis=1) * 100).astype(np.uint8).tobytes(),
        beat_heat=answers.heat.tobytes() if answers.heat is not None else b"",
        heat=None
        if answers.heat is None
        else {"before_s": HEAT_BEFORE_S, "after_s": HEAT_AFTER_S, "steps": HEAT_STEPS},
        signal=signal,
    )
    alarm = [_alarm(rhythm, sha256)] if rhythm and rhythm.episodes else []
    answered = _answered(contract, answers, result, sha256, started)
    return Analysis(results=(*alarm, answered, *([second[0]] if second else [])), findings=findings)


class Classifier:
    """The beat model on a whole recording, a piece at a time; keeps what it answered."""

    def __init__(self, leads: list[int], *, progress: Progress = silent) -> None:
        """Read these leads; ``progress`` is told the part of the beats' time that is done, 0 to 1, and the hour in words."""
        self._leads = leads
        self._progress = progress
        self._parts: list[BeatAnswers] = []

    def __call__(
        self, signals: NDArray[np.float32], fs: float, r_samples: NDArray[np.int64]
    ) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """Names and confidences of every beat; see ``ml.recordings.analysis.Classify``."""
        piece, margin = round(_PIECE_S * fs), round(_MARGIN_S * fs)
        length = max(1, signals.shape[1])
        for start in range(0, length, piece):
            self._progress(start / length, classifying(start / fs, length / fs))
            inside = (r_samples >= start) & (r_samples < start + piece)
            low, high = max(0, start - margin), min(signals.shape[1], start + piece + margin)
            near = r_samples[(r_samples >= low) & (r_samples < high)]
            if inside.any():
                part = np.nan_to_num(signals[self._leads, low:high])
                self._parts.append(
                    _of(classify_beats(part, fs, near - low, with_heat=True), near, r_samples[inside])
                )
        answers = self.answers()
        names = np.array([*answers.labels, UNSURE])
        return names[answers.classes], answers.probabilities.max(axis=1)

    def answers(self) -> BeatAnswers:
        """What the model answered for every beat."""
        first = self._parts[0]
        return BeatAnswers(
            labels=first.labels,
            probabilities=np.concatenate([part.probabilities for part in self._parts]),
            classes=np.concatenate([part.classes for part in self._parts]),
            model=first.model,
            version=first.version,
            weights_sha256=first.weights_sha256,
            threshold=first.threshold,
            duration_ms=sum(part.duration_ms for part in self._parts),
            device=first.device,
            heat=np.concatenate([part.heat for part in self._parts if part.heat is not None]),
        )


def classifying(at_s: float, seconds: float) -> str:
    """What is being done, in words, with the hour where there are several.

    Args:
        at_s: how far the classification is, seconds from the beginning.
        seconds: length of the recording.
    """
    hours = math.ceil(seconds / 3600.0)
    return "Classifying heartbeats" + (f", hour {int(at_s // 3600) + 1} of {hours}" if hours > 1 else "")


def _within(progress: Progress, span: tuple[float, float]) -> Progress:
    """Progress of a step that is a part of the whole."""
    return lambda part, step: progress(span[0] + part * (span[1] - span[0]), step)


def _of(answers: BeatAnswers, near: NDArray[np.int64], wanted: NDArray[np.int64]) -> BeatAnswers:
    """The answers for some of the beats that were asked for."""
    rows = np.isin(near, wanted)
    return dataclasses.replace(
        answers,
        probabilities=answers.probabilities[rows],
        classes=answers.classes[rows],
        heat=answers.heat[rows] if answers.heat is not None else None,
    )


def chosen_leads(names: tuple[str, ...]) -> list[int]:
    """Positions of the one or two leads that the beat model reads, the better one first."""
    first = next((names.index(name) for name in _FIRST_CHOICE if name in names), 0)
    second = next((names.index(n) for n in _SECOND_CHOICE if n in names and names.index(n) != first), None)
    if second is None:
        second = next((position for position in range(len(names)) if position != first), None)
    return [first] if second is None else [first, second]


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(value: Any) -> Any:
    """JSON types whose texts can be stored and shown: a file may name a channel with control characters, or at any length."""
    if isinstance(value, str):
        return "".join(c for c in value if c.isprintable())[:_LONGEST_TEXT]
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return {_shown(key): _shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def _summary(recording: Recording, result: RecordingResult, rhythm: Fibrillation | None) -> dict[str, Any]:
    started_at = recording.started_at
    summary = result.as_json(beats=False) | {
        "format": recording.source_format,
        "started_at": started_at.isoformat() if started_at else None,
        "rhythm": rhythm.facts if rhythm else None,
    }
    if rhythm:
        episodes = [*summary["measures"]["episodes"], *(episode.as_json() for episode in rhythm.episodes)]
        summary["measures"]["episodes"] = sorted(episodes, key=lambda episode: episode["start_s"])
    shown: dict[str, Any] = _shown(summary)
    return shown


def _alarm(rhythm: Fibrillation, sha256: str) -> ModelResult:
    """The rhythm model's answer, given only when it sees something: a quiet one stands in the summary."""
    seconds = sum(episode.end_s - episode.start_s for episode in rhythm.episodes)
    share = rhythm.probability or 0.0
    return ModelResult(
        model=rhythm.facts["model"],
        version=rhythm.facts["version"],
        weights_sha256=rhythm.facts["weights_sha256"],
        outcome=Outcome.PREDICTED,
        label="VF",
        confidence=share,
        probabilities={"VF": share, "other": 1.0 - share},
        prediction_set=("VF",),
        threshold=rhythm.threshold,
        reason_code=None,
        message=f"{seconds:.0f} s look like ventricular fibrillation, flutter or tachycardia. Look at the trace now.",
        heatmap_png=None,
        duration_ms=rhythm.duration_ms,
        input_sha256=sha256,
        code_version=CODE_VERSION,
        device=rhythm.device,
    )


def _answered(
    contract: ModelContract, answers: BeatAnswers, result: RecordingResult, sha256: str, started: float
) -> ModelResult:
    """The beat model's answer for the recording as a whole: its most urgent class, and the mean probabilities."""
    counts = {label: int((answers.classes == i).sum()) for i, label in enumerate(answers.labels)}
    found = sorted((label for label in counts if counts[label]), key=lambda label: -counts[label])
    label = named(counts, result.seconds)
    mean = answers.probabilities.astype(np.float64).mean(axis=0)
    chosen = np.isin(
        answers.classes, [i for i, name in enumerate(answers.labels) if _NAMED.get(name) == label]
    )
    return _result(
        contract,
        sha256,
        started,
        outcome=Outcome.PREDICTED if label else Outcome.ABSTAINED,
        label=label,
        confidence=float(answers.probabilities[chosen].max(axis=1).mean()) if label else None,
        probabilities={
            name: float(share) for name, share in zip(answers.labels, mean / mean.sum(), strict=True)
        },
        prediction_set=tuple(found) or tuple(answers.labels),
        reason_code=None if label else "low_confidence",
        message=_told(len(answers.classes), counts, found, result),
        device=answers.device,
    )


def named(counts: dict[str, int], seconds: float) -> str | None:
    """The most urgent class with at least three beats, or one in less than a minute; None if no beat was sure.

    A fusion beat is half a premature ventricular one and counts as that.
    """
    least = 1 if seconds < _SHORT_S else _LEAST_BEATS
    merged: dict[str, int] = {}
    for name, count in counts.items():
        merged[_NAMED[name]] = merged.get(_NAMED[name], 0) + count
    there = [label for label in _URGENCY if merged.get(label, 0) >= least]
    return there[0] if there else None


def _told(beats: int, counts: dict[str, int], found: list[str], result: RecordingResult) -> str:
    """One sentence about a recording."""
    unsure = beats - sum(counts.values())
    parts = [f"{counts[label]:,} {label}" for label in found] + ([f"{unsure:,} unsure"] if unsure else [])
    part = result.analysable_s / result.seconds if result.seconds else 0.0
    analysed = "All" if part == 1 else as_percent(part)
    return f"{beats:,} heartbeats: {', '.join(parts)}. {analysed} of the recording could be analysed."


def _unusable(
    contract: ModelContract, unusable: UnusableRecording, sha256: str, started: float
) -> ModelResult:
    why = Refusal(Outcome.POOR_INPUT, unusable.reason_code, _shown(unusable.message))
    return unanswered(contract, why, input_sha256=sha256, code_version=CODE_VERSION, started=started)


def _result(contract: ModelContract, sha256: str, started: float, **fields: Any) -> ModelResult:
    return ModelResult(
        **fields,
        model=contract.name,
        version=contract.version,
        weights_sha256=contract.weights_sha256,
        threshold=contract.abstention_threshold,
        heatmap_png=None,
        duration_ms=(time.perf_counter() - started) * 1000.0,
        input_sha256=sha256,
        code_version=CODE_VERSION,
    )
