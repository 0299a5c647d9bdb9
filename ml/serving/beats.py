"""From a recording and the positions of its QRS complexes to the class of every heartbeat."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray

from ml.preprocessing.beat_signal import CENTRE, LENGTH, RATE_HZ, PreparedBeats, prepare_beats
from ml.recordings.ec57 import classes_of, to_ec57
from ml.serving.signals import SignalMember, signal_member

MODEL = "beat-resnet"
HEAT_STEPS = 32
HEAT_BEFORE_S = CENTRE / RATE_HZ
HEAT_AFTER_S = (LENGTH - CENTRE) / RATE_HZ


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BeatAnswers:
    """Answers for every beat of a recording.

    Attributes:
        labels: names of the classes, in order.
        probabilities: calibrated, shape (m, c), rows summing to 1.
        classes: position in ``labels`` of each beat's class, shape (m,); -1 where the model abstains (see `sure_classes`).
        model: name of the model.
        version: its version.
        weights_sha256: hash of the served weights.
        threshold: confidence below which the model abstains, 0 to 1.
        duration_ms: preparation and model, milliseconds.
        device: ``cpu`` or ``cuda``.
        heat: where the model looked in each beat that it does not call normal, shape (m, 32), 0 to 255 with 255 at the peak, over
            `HEAT_BEFORE_S` before to `HEAT_AFTER_S` after the complex; zeros for the others. None if not asked for.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    classes: NDArray[np.int8]
    model: str
    version: str
    weights_sha256: str
    threshold: float
    duration_ms: float
    device: str
    heat: NDArray[np.uint8] | None = None


def classify_beats(
    signal_mv: NDArray[np.floating],
    fs: float,
    r_samples: NDArray[np.integer],
    *,
    opened: SignalMember | None = None,
    with_heat: bool = False,
) -> BeatAnswers:
    """Class of every heartbeat.

    Args:
        signal_mv: shape (leads, n), millivolt; lead II first and V1 second where there is a choice.
        fs: sampling rate, Hz, at least 100.
        r_samples: every QRS complex of the recording, shape (m,), samples, ascending.
        opened: the model to ask; the installed one if None.
        with_heat: whether to say where it looked, too.

    Raises:
        ValueError: when the shapes do not fit, the rate is too low, or a complex lies outside the signal.
        TamperedArtefactError: when the model's files are not the ones that were measured.
    """
    opened = opened or signal_member(MODEL)
    started = time.perf_counter()
    beats = prepare_beats(signal_mv, fs, r_samples)
    shares = opened.probabilities(window=beats.windows, features=beats.features)
    return BeatAnswers(
        labels=opened.contract.labels,
        probabilities=shares,
        classes=sure_classes(shares, opened.contract.labels, opened.contract.abstention_threshold),
        heat=_heat_rows(opened, beats, shares.argmax(axis=1)) if with_heat else None,
        model=opened.contract.name,
        version=opened.contract.version,
        weights_sha256=opened.contract.weights_sha256,
        threshold=opened.contract.abstention_threshold,
        duration_ms=(time.perf_counter() - started) * 1000.0,
        device=opened.device["name"],
    )


def _heat_rows(opened: SignalMember, beats: PreparedBeats, classes: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Where the model looked for the most probable class of each beat that is not a normal one, shape (m, 32)."""
    rows = np.zeros((len(classes), HEAT_STEPS), dtype=np.uint8)
    chosen = np.flatnonzero(classes != opened.contract.labels.index("Normal"))
    if len(chosen):
        inputs = {"window": beats.windows[chosen], "features": beats.features[chosen]}
        heat = np.maximum(opened.run("heat", **inputs)[np.arange(len(chosen)), classes[chosen]], 0.0)
        peak = heat.max(axis=1, keepdims=True)
        rows[chosen] = np.rint(255.0 * np.divide(heat, peak, out=np.zeros_like(heat), where=peak > 0.0))
    return rows


def sure_classes(shares: NDArray[np.float32], labels: tuple[str, ...], threshold: float) -> NDArray[np.int8]:
    """Class of each beat; -1 where the model abstains.

    What a beat is for (AAMI EC57: N, S, V or F) decides: the model is sure if the classes of one of them together reach the
    threshold, and names the most probable of those. Normal beats and bundle branch block share N, and a doubt between
    them is no doubt that a beat is not premature.

    Args:
        shares: calibrated probabilities, shape (m, c).
        labels: names of the classes.
        threshold: 0 to 1.
    """
    four = to_ec57(shares, labels)
    chosen = four.argmax(axis=1)
    inside = classes_of(np.arange(len(labels)), labels)[None, :] == chosen[:, None]
    best = np.where(inside, shares, -1.0).argmax(axis=1)
    return np.where(four.max(axis=1, initial=0.0) >= threshold, best, -1).astype(np.int8)


def heat_of(
    signal_mv: NDArray[np.floating],
    fs: float,
    r_samples: NDArray[np.integer],
    *,
    label: str,
    opened: SignalMember | None = None,
) -> NDArray[np.float32]:
    """Where evidence for one class lies along a whole recording; the peak belongs to the beat most like that class.

    Args:
        signal_mv: shape (leads, n), millivolt.
        fs: sampling rate, Hz, at least 100.
        r_samples: every QRS complex, shape (m,), samples, ascending.
        label: the class.
        opened: the model to ask; the installed one if None.

    Returns:
        Shape (n,), 0 and above, in units of the class's logit per 32 ms; each beat's activation, weighted with the
        probability of the class. Zero everywhere: no positive evidence.
    """
    opened = opened or signal_member(MODEL)
    beats = prepare_beats(signal_mv, fs, r_samples)
    along = np.zeros(np.shape(signal_mv)[1], dtype=np.float32)
    if not len(beats.r_samples):
        return along
    place = opened.contract.labels.index(label)
    inputs = {"window": beats.windows, "features": beats.features}
    share = opened.probabilities(**inputs)[:, place]
    heat = opened.run("heat", **inputs)[:, place] * share[:, None]
    for at, row in zip(beats.r_samples, heat, strict=True):
        _lay(along, row, fs, float(at))
    return along


def heat_along(
    signal_mv: NDArray[np.floating], fs: float, r_samples: NDArray[np.integer], position: int
) -> NDArray[np.float32]:
    """Where the model looked to call one beat what it calls it most probably (HiResCAM of that class).

    Args:
        signal_mv: shape (leads, n), millivolt.
        fs: sampling rate, Hz, at least 100.
        r_samples: every QRS complex, shape (m,), samples, ascending.
        position: which of the beats, 0 to m - 1.

    Returns:
        Shape (n,), one value per sample of the signal, 0 to 1 with 1 at the peak, 0 outside the beat's window
        (0.45 s before to 0.57 s after). Zero everywhere: no positive evidence in the signal, rhythm alone decided.

    Raises:
        IndexError: when there is no such beat.
    """
    opened = signal_member(MODEL)
    beats = prepare_beats(signal_mv, fs, r_samples)
    chosen = np.arange(len(beats.r_samples))[position]
    inputs = {"window": beats.windows[chosen][None], "features": beats.features[chosen][None]}
    place = int(opened.run("logits", **inputs)[0].argmax())
    along = np.zeros(np.shape(signal_mv)[1], dtype=np.float32)
    _lay(along, opened.run("heat", **inputs)[0, place], fs, float(beats.r_samples[chosen]))
    peak = float(along.max(initial=0.0))
    return along / peak if peak > 0.0 else along


def _lay(along: NDArray[np.float32], heat: NDArray[np.float32], fs: float, at: float) -> None:
    """Put the heat of one beat, shape (steps,), on the samples of the signal, keeping the larger value."""
    step_s = LENGTH / len(heat) / RATE_HZ
    start_s = -CENTRE / RATE_HZ
    first = max(0, int(np.ceil(at + start_s * fs)))
    last = min(len(along), int(at + (start_s + LENGTH / RATE_HZ) * fs))
    seconds = (np.arange(first, last) - at) / fs - start_s
    placed = np.interp(seconds, (np.arange(len(heat)) + 0.5) * step_s, heat)
    along[first:last] = np.maximum(along[first:last], placed)
