"""The stored comparison of the models of heartbeats, as the site may read it. Standard library only.

A command of the suite measures and stores it, and names itself in the file. Here is the shape of that file, checked while it is read:
what the fields of `Comparison` call optional may be missing, a figure that could not be measured may be null or NaN.
"""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "evaluation" / "comparison.json"
FIGURES = ("accuracy", "precision", "recall", "f1", "auc", "ece")
OF_CLASS = ("precision", "recall", "f1", "auc")
FAMILIES = ("CNN", "RNN", "hybrid", "spectral", "control")


class MalformedComparisonError(ValueError):
    """The stored comparison does not have the shape that was agreed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OfClass:
    """How well one class is found: ``precision``, ``recall``, ``f1`` and ``auc``, each where it was measured."""

    figures: dict[str, Figure]
    beats: int
    records: int


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """Beats answered with about one confidence: its mean, the share that was right, how many."""

    confidence: float
    accuracy: float
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Noise:
    """Macro F1 at a signal-to-noise ratio in dB; None as recorded, without noise added."""

    snr_db: float | None
    f1: Figure


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One model's measurements.

    Attributes:
        name: for example ``beat-cnn``.
        family: CNN, RNN, hybrid, spectral or control (which should fail).
        input: what it reads, in words.
        figures: macro averages over the classes, and ``accuracy`` and ``ece``; ``accuracy`` and ``f1`` always.
        classes: by label, in the order of the labels; empty if not measured.
        confusion: rows true, columns predicted; empty if not measured.
        roc: (false, true positive rate) by label, each class against the rest; empty if not measured.
        reliability: bins of confidence; empty if not measured.
        noise: the noise curve; empty if not measured.
        parameters, size_bytes, ms_per_beat, ms_protocol: None or "" where not measured.
    """

    name: str
    family: str
    input: str
    figures: dict[str, Figure]
    classes: dict[str, OfClass]
    confusion: tuple[tuple[int, ...], ...]
    roc: dict[str, tuple[tuple[float, float], ...]]
    reliability: tuple[Bin, ...]
    noise: tuple[Noise, ...]
    parameters: int | None
    size_bytes: int | None
    ms_per_beat: float | None
    ms_protocol: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Paired bootstrap of ``a`` minus ``b``, on the same records."""

    a: str
    b: str
    figure: str
    difference: Figure


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """What a report claims, with the protocol that it was obtained by."""

    source: str
    model: str
    figure: str
    value: str
    protocol: str
    note: str


@dataclasses.dataclass(frozen=True, slots=True)
class Clahe:
    """A figure with and without contrast-limited adaptive histogram equalisation of the picture."""

    model: str
    on: Figure
    off: Figure


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All models on the same folds."""

    protocol: str
    command: str
    labels: tuple[str, ...]
    beats: int
    records: int
    folds: int
    models: tuple[Compared, ...]
    differences: tuple[Difference, ...]
    claims: tuple[Claim, ...]
    clahe: tuple[Clahe, ...]


def read(path: Path | None = None) -> Comparison | None:
    """The stored comparison; None if nothing has been measured yet.

    Raises:
        MalformedComparisonError: when the file is there but does not hold what it should.
    """
    path = path or FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise MalformedComparisonError(f"{path} cannot be read: {error}") from error
    try:
        return _comparison(stored)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedComparisonError(f"{path} is no comparison of models: {error!r}") from error


def _comparison(stored: dict[str, Any]) -> Comparison:
    labels = tuple(str(label) for label in stored["labels"])
    models = tuple(_compared(model, labels) for model in stored["models"])
    names = {model.name for model in models}
    if len(names) != len(models):
        raise ValueError("two models have one name")
    return Comparison(
        protocol=str(stored["protocol"]),
        command=str(stored["command"]),
        labels=labels,
        beats=int(stored["beats"]),
        records=int(stored["records"]),
        folds=int(stored["folds"]),
        models=models,
        differences=tuple(_difference(one, names) for one in stored["differences"]),
        claims=tuple(_claim(one) for one in stored["claims"]),
        clahe=tuple(
            Clahe(str(one["model"]), _either(one["on"]), _either(one["off"]))
            for one in stored.get("clahe") or ()
        ),
    )


def _compared(model: dict[str, Any], labels: tuple[str, ...]) -> Compared:
    figures = _figures(model["figures"], FIGURES)
    if not {"accuracy", "f1"} <= set(figures):
        raise ValueError(f"{model['name']} has neither accuracy nor F1, or only one of them")
    if model["family"] not in FAMILIES:
        raise ValueError(f"{model['name']} is of no known family")
    return Compared(
        name=str(model["name"]),
        family=model["family"],
        input=str(model.get("input") or ""),
        figures=figures,
        classes={name: _of_class(one) for name, one in _by_label(model, "classes", labels).items()},
        confusion=_confusion(model.get("confusion") or (), labels),
        roc={
            name: tuple((_share(x), _share(y)) for x, y in points)
            for name, points in _by_label(model, "roc", labels).items()
        },
        reliability=tuple(
            Bin(_share(one["confidence"]), _share(one["accuracy"]), int(one["count"]))
            for one in model.get("reliability") or ()
        ),
        noise=tuple(
            Noise(None if one["snr_db"] is None else float(one["snr_db"]), _figure(one["f1"]))
            for one in model.get("noise") or ()
        ),
        parameters=_optional(int, model.get("parameters")),
        size_bytes=_optional(int, model.get("size_bytes")),
        ms_per_beat=_optional(float, model.get("ms_per_beat")),
        ms_protocol=str(model.get("ms_protocol") or ""),
    )


def _figure(value: dict[str, Any]) -> Figure:
    figure = Figure(float(value["value"]), float(value["low"]), float(value["high"]))
    if not figure.low <= figure.high:
        raise ValueError(f"the interval of {figure.value} is empty")
    return figure


def _figures(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Figure]:
    """Those of the figures that were measured."""
    measured = {name: given[name] for name in names if given.get(name) is not None}
    return {name: _figure(one) for name, one in measured.items() if not math.isnan(float(one["value"]))}


def _either(value: Any) -> Figure:
    """A figure, or a single number whose interval was not measured."""
    return _figure(value) if isinstance(value, dict) else Figure(float(value), float(value), float(value))


def _share(value: Any) -> float:
    share = float(value)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{share} is no share")
    return share


def _optional(kind: Any, value: Any) -> Any:
    """A size or time; None or 0 for a model that could not be weighed or timed."""
    return kind(value) if value else None


def _by_label(model: dict[str, Any], field: str, labels: tuple[str, ...]) -> dict[str, Any]:
    """A field that holds something for each label, in their order; those that were not measured are left out."""
    given = model.get(field) or {}
    if set(given) - set(labels):
        raise ValueError(f"{model['name']}: {field} names a class that is not among the labels")
    return {label: given[label] for label in labels if given.get(label)}


def _of_class(one: dict[str, Any]) -> OfClass:
    return OfClass(figures=_figures(one, OF_CLASS), beats=int(one["beats"]), records=int(one["records"]))


def _confusion(rows: Any, labels: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    counts = tuple(tuple(int(count) for count in row) for row in rows)
    if counts and {len(counts), *map(len, counts)} != {len(labels)}:
        raise ValueError("a confusion matrix is not as wide and high as there are labels")
    return counts


def _claim(one: dict[str, Any]) -> Claim:
    fields = {name: str(one[name]) for name in ("source", "model", "figure", "value", "protocol")}
    return Claim(**fields, note=str(one.get("note") or ""))


def _difference(one: dict[str, Any], names: set[str]) -> Difference:
    if not {one["a"], one["b"]} <= names:
        raise ValueError("a difference names a model that was not compared")
    return Difference(a=one["a"], b=one["b"], figure=str(one["figure"]), difference=_figure(one))
