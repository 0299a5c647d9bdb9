"""From twelve leads to the diagnostic superclasses that they show: a second opinion beside the beats' answer."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ml.contract import ModelResult, Outcome, as_percent
from ml.preprocessing.twelve_lead import LEAST_SECONDS, SECONDS, PreparedLeads, prepare_leads
from ml.recordings.leads import TWELVE
from ml.recordings.quality import Flaw, Quality, runs
from ml.recordings.recording import Recording
from ml.registry import ModelContract
from ml.serving.gate import Refusal
from ml.serving.signals import SignalMember, signal_member
from ml.serving.unanswered import unanswered

MODEL = "ecg-signals"
NORMAL = "NORM"
NOT_READABLE = "leads_not_analysable"
WORDS = {
    "NORM": "a normal ECG",
    "MI": "myocardial infarction",
    "STTC": "ST/T changes",
    "CD": "a conduction disturbance",
    "HYP": "hypertrophy",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeadsAnswer:
    """The answer for one stretch of twelve leads.

    Attributes:
        labels: names of the classes, in order; several may hold at once.
        probabilities: calibrated, each a yes or no of its own, shape (c,).
        label: the most probable class; None where the model abstains.
        suspected: classes at or above their own threshold, most probable first; without the normal one.
        prediction_set: conformal set, most probable first; the most probable is always in it.
        starts_s: where each lead's piece begins, shape (12,), seconds from the beginning of what was given.
        seconds: length of what was read.
        at_once: whether all leads are of the same moment.
        heat: where in time the model looked for its most probable class, shape (steps,), 0 to 255 with 255 at the peak.
        model: name of the model.
        version: its version.
        weights_sha256: hash of the served weights.
        threshold: probability of the most probable class below which the model abstains, 0 to 1.
        duration_ms: preparation and model, milliseconds.
        device: ``cpu`` or ``cuda``.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    label: str | None
    suspected: tuple[str, ...]
    prediction_set: tuple[str, ...]
    starts_s: NDArray[np.float64]
    seconds: float
    at_once: bool
    heat: NDArray[np.uint8]
    model: str
    version: str
    weights_sha256: str
    threshold: float
    duration_ms: float
    device: str


def calibrated(contract: ModelContract, logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Calibrated probability of each class of ``ecg-signals``, shape (n, c): Platt scaling, a line for each class."""
    slope, offset = (
        np.array([contract.conformal[name][label] for label in contract.labels])
        for name in ("platt_slope", "platt_offset")
    )
    shares: NDArray[np.float64] = expit(np.asarray(logits, dtype=np.float64) * slope + offset)
    return shares


def classify_leads(
    signals: NDArray[np.floating], fs: float, *, opened: SignalMember | None = None
) -> LeadsAnswer:
    """Superclasses of one stretch of twelve leads.

    Args:
        signals: shape (12, n), millivolt, I, II, III, aVR, aVL, aVF, V1 to V6; NaN where samples are missing. The first 10 s that
            all leads share are read, or, where they share none, each lead's own piece (a page of 3 rows and 4 columns).
        fs: sampling rate, Hz, at least 100.
        opened: the model to ask; the installed one if None.

    Raises:
        ValueError: when the shape does not fit, the rate is too low, or a lead has no 2.5 s without a gap.
        TamperedArtefactError: when the model's files are not the ones that were measured.
    """
    opened = opened or signal_member(MODEL)
    started = time.perf_counter()
    made = prepare_leads(signals, fs)
    logits, heat = opened.session.run(["logits", "heat"], {"window": made.window[None]})
    return _decided(opened, made, calibrated(opened.contract, logits)[0], heat[0], started)


def _decided(
    opened: SignalMember,
    made: PreparedLeads,
    shares: NDArray[np.float64],
    heat: NDArray[np.float32],
    started: float,
) -> LeadsAnswer:
    contract = opened.contract
    order = np.argsort(-shares, kind="stable")
    ranked = [(contract.labels[i], float(shares[i])) for i in order]
    top, share = ranked[0]
    along = heat[order[0]]
    return LeadsAnswer(
        labels=contract.labels,
        probabilities=shares,
        label=top if share >= contract.abstention_threshold else None,
        suspected=tuple(
            name for name, p in ranked if name != NORMAL and p >= contract.conformal["suspected_from"][name]
        ),
        prediction_set=tuple(
            name for name, p in ranked if name == top or p >= contract.conformal["min_probability"][name]
        ),
        starts_s=made.starts_s,
        seconds=made.seconds,
        at_once=made.at_once,
        heat=np.rint(255.0 * along / max(float(along.max()), 1e-9)).astype(np.uint8),
        model=contract.name,
        version=contract.version,
        weights_sha256=contract.weights_sha256,
        threshold=contract.abstention_threshold,
        duration_ms=(time.perf_counter() - started) * 1000.0,
        device=opened.device["name"],
    )


def rows_of_twelve(leads: tuple[str, ...]) -> list[int] | None:
    """Positions of the twelve standard leads, in standard order, whatever their order in the recording; None if one is missing."""
    return [leads.index(name) for name in TWELVE] if set(TWELVE) <= set(leads) else None


def best_stretch(quality: Quality, rows: list[int], samples: int) -> tuple[int, int]:
    """The stretch to read: the first 10 s in which all twelve leads can be analysed, else the longest such one.

    Where there is none of 2.5 s, the 10 s with the most that can be analysed: its leads may complement each other.

    Args:
        quality: the judgement of the recording.
        rows: the twelve leads.
        samples: length of the recording.

    Returns:
        First sample and the one after the last.
    """
    most, least = round(SECONDS * quality.fs), LEAST_SECONDS * quality.fs
    windows = quality.flaws.shape[1]
    good = quality.flaws[rows] == 0
    found = [
        (first * quality.window, samples if last == windows else last * quality.window)
        for first, last in runs(good.all(axis=0))
    ]
    whole = [stretch for stretch in found if stretch[1] - stretch[0] >= most]
    longest = max(found, key=lambda one: one[1] - one[0], default=(0, 0))
    if whole or longest[1] - longest[0] >= least:
        first, last = whole[0] if whole else longest
        return first, min(last, first + most)
    at_once = max(1, most // quality.window)
    counts = np.convolve(good.sum(axis=0), np.ones(at_once), mode="full")[at_once - 1 :]
    first = int(counts[: max(1, windows - at_once + 1)].argmax()) * quality.window
    return first, min(samples, first + most)


def _readable(
    recording: Recording, quality: Quality, rows: list[int], first: int, last: int
) -> NDArray[np.float32]:
    """The stretch, shape (12, n), with NaN wherever a lead is more than missing: flat, at its limit or too noisy."""
    part = np.array(recording.signals[rows, first:last], dtype=np.float32)
    window = np.minimum(np.arange(first, last) // quality.window, quality.flaws.shape[1] - 1)
    part[(quality.flaws[rows][:, window] & ~np.uint8(Flaw.MISSING)) != 0] = np.nan
    return part


def second_opinion(
    recording: Recording, quality: Quality, sha256: str, code_version: str
) -> tuple[ModelResult, dict[str, Any] | None] | None:
    """What ``ecg-signals`` says about a recording, and where it looked; None without all twelve standard leads.

    Args:
        recording: the recording.
        quality: its judgement.
        sha256: hash of the file.
        code_version: of the serving code.
    """
    rows = rows_of_twelve(recording.leads)
    if rows is None:
        return None
    first, last = best_stretch(quality, rows, recording.samples)
    readable = _readable(recording, quality, rows, first, last)
    found = opinion_on_leads(
        readable,
        recording.fs,
        start_s=first / recording.fs,
        of_s=recording.seconds,
        sha256=sha256,
        code_version=code_version,
    )
    return found or (_not_readable(sha256, code_version), None)


def opinion_on_leads(
    signals: NDArray[np.floating],
    fs: float,
    *,
    start_s: float,
    of_s: float,
    sha256: str,
    code_version: str,
) -> tuple[ModelResult, dict[str, Any]] | None:
    """What ``ecg-signals`` says about one stretch of twelve leads, and where it looked.

    Args:
        signals: as for ``classify_leads``.
        fs: sampling rate, Hz.
        start_s: where the stretch begins in the recording, seconds.
        of_s: length of the recording, seconds.
        sha256: hash of the file.
        code_version: of the serving code.

    Returns:
        None when a lead has no 2.5 s that can be read.
    """
    try:
        answer = classify_leads(signals, fs)
    except ValueError:
        return None
    starts = start_s + answer.starts_s
    looked = {
        "start_s": round(float(starts.min()), 3),
        "seconds": round(answer.seconds, 3),
        "at_once": answer.at_once,
        "label": answer.labels[int(answer.probabilities.argmax())],
        "heat": answer.heat.tolist(),
    }
    return _result(answer, _told(answer, starts, of_s), sha256, code_version), looked


def _told(answer: LeadsAnswer, starts: NDArray[np.float64], seconds: float) -> str:
    """One or two sentences for the clinician."""
    share = dict(zip(answer.labels, answer.probabilities, strict=True))

    def named(labels: tuple[str, ...]) -> str:
        return ", ".join(f"{WORDS[label]} ({as_percent(float(share[label]))})" for label in labels)

    also = tuple(label for label in answer.suspected if label != answer.label)
    if answer.label is None:
        said = f"Not sure enough to name one finding; not excluded: {named(answer.prediction_set)}. Please read the trace yourself."
    else:
        begin = "Like" if answer.label == NORMAL else "Compatible with"
        said = f"{begin} {named((answer.label,))}" + (f"; also suspected: {named(also)}." if also else ".")
    if not answer.at_once:
        said += f" The leads were read at different moments, {answer.seconds:.1f} s of each."
    elif answer.seconds < seconds - 0.1:
        start = float(starts.min())
        said += f" Seconds {start:,.1f} to {start + answer.seconds:,.1f} of {seconds:,.0f} were read."
    return said


def _result(answer: LeadsAnswer, message: str, sha256: str, code_version: str) -> ModelResult:
    sure = answer.label is not None
    return ModelResult(
        model=answer.model,
        version=answer.version,
        weights_sha256=answer.weights_sha256,
        outcome=Outcome.PREDICTED if sure else Outcome.ABSTAINED,
        label=answer.label,
        confidence=float(answer.probabilities.max()) if sure else None,
        probabilities={
            name: float(share) for name, share in zip(answer.labels, answer.probabilities, strict=True)
        },
        prediction_set=answer.prediction_set,
        suspected=answer.suspected,
        threshold=answer.threshold,
        reason_code=None if sure else "low_confidence",
        message=message,
        heatmap_png=None,
        duration_ms=answer.duration_ms,
        input_sha256=sha256,
        code_version=code_version,
        device=answer.device,
    )


def _not_readable(sha256: str, code_version: str) -> ModelResult:
    """The result of a recording of which not every lead can be read."""
    message = (
        f"Not every one of the twelve leads could be read for {LEAST_SECONDS:g} s, so the twelve-lead model did not answer. "
        "Check the electrodes and record again."
    )
    why = Refusal(Outcome.NOT_ELIGIBLE, NOT_READABLE, message)
    return unanswered(signal_member(MODEL).contract, why, input_sha256=sha256, code_version=code_version)
