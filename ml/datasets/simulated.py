"""Simulated heartbeats of the six classes, and pictures that are no heartbeat, for tests and demonstration cases.

Each beat is a sum of Gaussian waves, after McSharry and others, "A dynamical model for generating synthetic
electrocardiogram signals", IEEE Trans Biomed Eng 50 (2003); forms are those that textbooks describe for lead II. Nothing
is copied from a recording, and no model is trained on them. The same seed gives the same picture.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.datasets.beats import LABELS
from ml.preprocessing.beat_image import render_beat

FS = 500.0
BAD_KINDS = ("blank", "flat", "noise", "text", "photo", "shapes", "page", "truncated", "no_image")
_SECONDS = 5.0
_AT_S = 3.0

Wave = tuple[float, float, float]  # amplitude in millivolt, centre and width (standard deviation) in seconds

_P: Wave = (0.13, -0.165, 0.022)
_WAVES: dict[str, tuple[Wave, ...]] = {
    "Normal": (_P, (-0.08, -0.030, 0.008), (1.20, 0.0, 0.012), (-0.18, 0.030, 0.010), (0.28, 0.27, 0.050)),
    "LBBB": (
        (0.12, -0.20, 0.024),
        (0.75, -0.015, 0.022),
        (0.80, 0.050, 0.026),
        (-0.12, 0.14, 0.040),
        (-0.38, 0.30, 0.060),
    ),
    "RBBB": (_P, (-0.06, -0.032, 0.008), (0.95, 0.0, 0.013), (-0.42, 0.055, 0.030), (0.26, 0.29, 0.055)),
    "PAC": (
        (0.10, -0.125, 0.016),
        (-0.08, -0.030, 0.008),
        (1.12, 0.0, 0.012),
        (-0.18, 0.030, 0.010),
        (0.26, 0.26, 0.048),
    ),
    "PVC": ((1.70, 0.0, 0.042), (-0.45, 0.110, 0.040), (-0.65, 0.29, 0.075)),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedEcg:
    """A short simulated recording of lead II.

    Attributes:
        signal: shape (n,), millivolt.
        fs: sampling rate, Hz.
        r_index: R peak of the beat of interest, samples.
        label: class of that beat.
    """

    signal: NDArray[np.float64]
    fs: float
    r_index: int
    label: str


def _add_beat(
    signal: NDArray[np.float64], at_s: float, kind: str, rng: np.random.Generator, *, gain: float
) -> None:
    """Add the waves of one beat, each a little different from the last, to a signal in place."""
    seconds = np.arange(len(signal)) / FS
    for amplitude, centre, width in _WAVES[kind]:
        size = gain * amplitude * rng.uniform(0.95, 1.05)
        signal += size * np.exp(-0.5 * ((seconds - at_s - centre) / (width * rng.uniform(0.97, 1.03))) ** 2)


def _fibrillation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Ventricular fibrillation: a few waves of 3.5 to 6 Hz whose height and pace wander."""
    seconds = np.arange(round(_SECONDS * FS)) / FS
    signal = np.zeros_like(seconds)
    for share in (1.0, 0.6, 0.35):
        pace = rng.uniform(3.5, 6.0) + 0.5 * np.sin(
            2 * np.pi * rng.uniform(0.2, 0.5) * seconds + rng.uniform(0, 6.3)
        )
        height = 1.0 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.3, 0.9) * seconds + rng.uniform(0, 6.3))
        signal += share * height * np.sin(2 * np.pi * np.cumsum(pace) / FS + rng.uniform(0, 6.3))
    return signal * rng.uniform(0.25, 0.5)


def simulate(label: str, *, seed: int) -> SimulatedEcg:
    """Simulate lead II around one beat of a class.

    Args:
        label: one of the six classes.
        seed: the same seed gives the same signal.

    Raises:
        ValueError: when the class is unknown.
    """
    if label not in LABELS:
        raise ValueError(f"unknown class {label!r}; the classes are {', '.join(LABELS)}")
    rng = np.random.default_rng([seed, LABELS.index(label)])
    r_index = round(_AT_S * FS)
    if label == "VF":
        signal = _fibrillation(rng)
    else:
        signal = np.zeros(round(_SECONDS * FS))
        gap, gain = rng.uniform(0.74, 0.86), rng.uniform(0.8, 1.2)
        early = {"PAC": rng.uniform(0.58, 0.66), "PVC": rng.uniform(0.60, 0.68)}.get(label, 1.0)
        pause = {"PAC": 1.15, "PVC": 1.40}.get(label, 1.0)
        usual = label if label in {"LBBB", "RBBB"} else "Normal"
        times = [_AT_S - gap * (early + step) for step in range(4)] + [
            _AT_S + gap * (pause + step) for step in range(3)
        ]
        for at_s in times:
            _add_beat(signal, at_s, usual, rng, gain=gain)
        _add_beat(signal, _AT_S, label, rng, gain=gain)
    seconds = np.arange(len(signal)) / FS
    signal += 0.03 * np.sin(2 * np.pi * rng.uniform(0.15, 0.35) * seconds + rng.uniform(0, 6.3))
    signal += rng.normal(0.0, 0.006, len(signal))
    return SimulatedEcg(signal=signal, fs=FS, r_index=r_index, label=label)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRecording:
    """A simulated recording of two leads.

    Attributes:
        signal: shape (2, n), millivolt: lead II, and a lead in which the complexes point down.
        fs: sampling rate, Hz.
        r_samples: R peak of each beat, shape (m,), samples.
        labels: class of each beat.
    """

    signal: NDArray[np.float64]
    fs: float
    r_samples: NDArray[np.int64]
    labels: tuple[str, ...]


def simulate_recording(labels: Sequence[str], *, seed: int) -> SimulatedRecording:
    """Simulate a recording beat by beat: premature beats come early, and a pause follows them.

    Args:
        labels: class of each beat: Normal, LBBB, RBBB, PAC or PVC.
        seed: the same seed gives the same signal.

    Raises:
        ValueError: when a class is none of these.
    """
    unknown = set(labels) - set(_WAVES)
    if unknown:
        raise ValueError(f"no single beat can be simulated of {', '.join(sorted(unknown))}")
    rng = np.random.default_rng([seed, len(labels)])
    gap, gain = rng.uniform(0.74, 0.86), rng.uniform(0.8, 1.2)
    early, pause = {"PAC": 0.62, "PVC": 0.64}, {"PAC": 1.15, "PVC": 1.40}
    at_s, times = 1.0, []
    for place, label in enumerate(labels):
        before = labels[place - 1] if place else "Normal"
        share = early.get(label, pause.get(before, 1.0))
        at_s += gap * share * rng.uniform(0.98, 1.02)
        times.append(at_s)
    count = round((at_s + 1.0) * FS)
    signal = np.zeros((2, count))
    reach = round(FS)
    for label, time_s in zip(labels, times, strict=True):
        first = max(0, round(time_s * FS) - reach)
        part = signal[0, first : first + 2 * reach]
        _add_beat(part, time_s - first / FS, label, rng, gain=gain)
    second = np.roll(signal[0], round(0.01 * FS))  # seen from elsewhere: turned, smaller and a little later
    signal[1] = -0.6 * second
    seconds = np.arange(count) / FS
    signal += 0.03 * np.sin(2 * np.pi * rng.uniform(0.15, 0.35) * seconds + rng.uniform(0, 6.3))
    signal += rng.normal(0.0, 0.006, signal.shape)
    return SimulatedRecording(
        signal=signal,
        fs=FS,
        r_samples=np.array([round(time_s * FS) for time_s in times]),
        labels=tuple(labels),
    )


def beat_picture(label: str, *, seed: int, size: int = 320, style: str = "paper") -> Image.Image:
    """Picture of a simulated beat.

    Args:
        label: one of the six classes.
        seed: the same seed gives the same picture.
        size: edge, pixels.
        style: ``paper`` (dark on a pink grid) or ``plain`` (light on black).

    Raises:
        ValueError: when the class is unknown.
    """
    ecg = simulate(label, seed=seed)
    return Image.fromarray(
        render_beat(
            ecg.signal, ecg.fs, ecg.r_index, size=size, style="plain" if style == "plain" else "paper"
        )
    )


def as_png(image: Image.Image) -> bytes:
    """A picture as PNG; the same pixels give the same bytes."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def beat_png(label: str, *, seed: int, size: int = 320, style: str = "paper") -> bytes:
    """``beat_picture`` as the bytes of a PNG file."""
    return as_png(beat_picture(label, seed=seed, size=size, style=style))


def _photo(rng: np.random.Generator, edge: int) -> Image.Image:
    """Something like a photograph: sky, ground, and soft texture of all scales."""
    y, x = np.mgrid[0:edge, 0:edge] / edge
    field = np.zeros((edge, edge))
    for octave in (2, 4, 8, 16, 32, 64):
        coarse = Image.fromarray(rng.normal(0.0, 1.0, (octave, octave)).astype(np.float32))
        field += np.asarray(coarse.resize((edge, edge), Image.Resampling.BICUBIC)) / octave**0.7
    colour = np.stack(
        [90 + 90 * y + 40 * field, 110 + 60 * x + 35 * field, 180 - 100 * y + 30 * field], axis=2
    )
    return Image.fromarray(np.clip(colour, 0, 255).astype(np.uint8))


def _text(rng: np.random.Generator, edge: int) -> Image.Image:
    """A page of printed letters."""
    image = Image.new("RGB", (edge, edge), "white")
    pen = ImageDraw.Draw(image)
    for line in range(8, edge - 12, 14):
        words = [
            "".join(chr(97 + int(c)) for c in rng.integers(0, 26, rng.integers(2, 9)))
            for _ in range(edge // 40)
        ]
        pen.text((8, line), " ".join(words), fill=(15, 15, 15))
    return image


def _shapes(rng: np.random.Generator, edge: int) -> Image.Image:
    """A drawing of filled shapes."""
    image = Image.new("RGB", (edge, edge), tuple(int(c) for c in rng.integers(150, 255, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = (int(v) for v in rng.integers(0, edge - 40, 2))
        w, h = (int(v) for v in rng.integers(20, edge // 2, 2))
        pen.ellipse((x, y, x + w, y + h), fill=tuple(int(c) for c in rng.integers(0, 255, 3)))
        pen.rectangle(
            (y, x, y + h // 2, x + w // 2), outline=tuple(int(c) for c in rng.integers(0, 150, 3)), width=3
        )
    return image


def _page(rng: np.random.Generator, edge: int) -> Image.Image:
    """A page with several leads below each other."""
    rows = []
    for _ in range(3):
        ecg = simulate("Normal", seed=int(rng.integers(0, 2**31)))
        strip = render_beat(
            ecg.signal, ecg.fs, ecg.r_index, size=edge, style="paper", before_s=2.5, after_s=1.5
        )
        rows.append(
            np.asarray(Image.fromarray(strip).resize((edge * 2, edge // 2), Image.Resampling.BILINEAR))
        )
    return Image.fromarray(np.vstack(rows))


def bad_input(kind: str, *, seed: int, edge: int = 320) -> bytes:
    """A file that is no picture of one heartbeat.

    Args:
        kind: ``blank`` white paper; ``flat`` a straight line; ``noise`` random pixels; ``text`` letters; ``photo`` a made
            landscape; ``shapes`` a drawing; ``page`` several leads; ``truncated`` a damaged PNG; ``no_image`` plain bytes.
        seed: the same seed gives the same bytes.
        edge: size, pixels.

    Raises:
        ValueError: when the kind is unknown.
    """
    rng = np.random.default_rng([seed, 77])
    if kind == "no_image":
        return b"This is a letter, not a picture.\n" * 20
    if kind == "truncated":
        return beat_png("Normal", seed=seed)[:600]
    if kind == "blank":
        return as_png(Image.new("RGB", (edge, edge), (252, 250, 248)))
    if kind == "flat":
        return as_png(Image.fromarray(render_beat(np.zeros(100), 50.0, 50.0, size=edge, style="paper")))
    if kind == "noise":
        return as_png(Image.fromarray(rng.integers(0, 256, (edge, edge, 3), dtype=np.uint8)))
    makers = {"text": _text, "photo": _photo, "shapes": _shapes, "page": _page}
    if kind not in makers:
        raise ValueError(f"unknown kind {kind!r}; the kinds are {', '.join(BAD_KINDS)}")
    return as_png(makers[kind](rng, edge))
