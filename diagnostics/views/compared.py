"""The comparison of the models as its page shows it: tables, charts and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from ml.contract import share_as_percent
from patients import charts
from patients.charts import Axis, Interval, Series, style_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ml.comparison import Claim, Compared, Comparison, Difference, Figure

NOT_MEASURED = "not measured"
NOTHING = "\N{EN DASH}"
WORDS = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "auc": "AUC",
    "ece": "ECE",
}
# Sensitivity is read off a ROC curve where so much of the other classes is called this one.
FALSE_POSITIVE_RATES = (0.01, 0.05, 0.1)
SHADES = 10


def figure_words(figure: Figure | None) -> str:
    """Value and 95 % interval."""
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})" if figure else NOT_MEASURED


def difference_words(one: Difference) -> str:
    """What the paired bootstrap says, in a sentence."""
    value, low, high = one.difference.value, one.difference.low, one.difference.high
    figure = WORDS.get(one.figure, one.figure)
    if low > 0.0:
        return f"{one.a} is better than {one.b} by {value:.3f} ({low:.3f} to {high:.3f}) in {figure}."
    if high < 0.0:
        return f"{one.b} is better than {one.a} by {-value:.3f} ({-high:.3f} to {-low:.3f}) in {figure}."
    return f"No difference shown between {one.a} and {one.b} in {figure}: {value:+.3f} ({low:+.3f} to {high:+.3f})."


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """The context of components/table.html; a cell is text or (text, address)."""
    cells = [
        [
            {"label": head, "value": cell[0], "url": cell[1]}
            if isinstance(cell, tuple)
            else {"label": head, "value": cell}
            for head, cell in zip(heads, row, strict=True)
        ]
        for row in rows
    ]
    return {"caption": caption, "columns": [{"label": head} for head in heads], "rows": cells}


def page(found: Comparison, installed: Collection[str]) -> dict[str, Any]:
    """The context of diagnostics/comparison.html; `installed` are the names of models that have a card."""
    styles = {model.name: style_of(place) for place, model in enumerate(found.models)}
    shown = table(
        "Macro averages over the classes, with 95 % intervals",
        ["Model", "Kind", *WORDS.values()],
        [
            [_name(model, installed), model.family, *(figure_words(model.figures.get(f)) for f in WORDS)]
            for model in found.models
        ],
    )
    return {
        "comparison": found,
        "figures": shown,
        "intervals": [_interval_chart(found, styles, figure) for figure in ("f1", "accuracy")],
        "differences": [difference_words(one) for one in found.differences],
        "claims": _claims(found) if found.claims else None,
        "matrices": [_matrix(model, found.labels) for model in found.models if model.confusion],
        "classes": [_classes(model) for model in found.models if model.classes],
        "roc": [chart for label in found.labels if (chart := _roc(found, styles, label))],
        "reliability": _reliability(found, styles),
        "noise": _noise(found, styles),
        "costs": _costs(found, installed),
        "clahe": _clahe(found) if found.clahe else None,
    }


def _name(model: Compared, installed: Collection[str]) -> Any:
    if model.name not in installed:
        return model.name
    return model.name, reverse("diagnostics:model-card", args=[model.name])


def _interval_chart(found: Comparison, styles: dict[str, int], figure: str) -> dict[str, Any]:
    rows = [
        Interval(model.name, styles[model.name], one.value, one.low, one.high)
        for model in found.models
        if (one := model.figures.get(figure))
    ]
    name = "Macro F1" if figure == "f1" else WORDS[figure]
    return charts.interval_chart(
        key=figure, title=f"{name} with its 95 % interval", axis=charts.quarters(name), rows=rows
    )


def _claims(found: Comparison) -> dict[str, Any]:
    ours = {model.name: model for model in found.models}

    def row(claim: Claim) -> list[str]:
        model = ours.get(claim.model)
        measured = model.figures.get(claim.figure) if model else None
        said = f"{claim.value} ({WORDS.get(claim.figure, claim.figure)})"
        return [
            claim.model,
            claim.source,
            said,
            claim.protocol,
            figure_words(measured) if measured else NOTHING,
            claim.note or NOTHING,
        ]

    heads = ["Model", "Source", "Claimed", "Their protocol", "Ours, on our protocol", "Note"]
    return table("Claims of the reports with their protocols", heads, [row(claim) for claim in found.claims])


def _matrix(model: Compared, labels: Sequence[str]) -> dict[str, Any]:
    """A confusion matrix; each cell with its share of the row's beats as a shade, 0 to 10."""
    rows = []
    for label, counts in zip(labels, model.confusion, strict=True):
        total = sum(counts)
        cells = [(f"{count:,}", round(SHADES * count / total) if total else 0) for count in counts]
        rows.append((label, cells))
    return {"name": model.name, "labels": labels, "rows": rows}


def _classes(model: Compared) -> dict[str, Any]:
    heads = ["Class", "Beats", "Records", "Precision", "Recall", "F1", "AUC"]
    rows = [
        [
            label,
            f"{one.beats:,}",
            f"{one.records:,}",
            *(figure_words(one.figures.get(f)) for f in ("precision", "recall", "f1", "auc")),
        ]
        for label, one in model.classes.items()
    ]
    return {"name": model.name} | table(f"{model.name}, class by class", heads, rows)


def sensitivity_at(points: Sequence[tuple[float, float]], rate: float) -> float:
    """The true positive rate that a ROC curve reaches without a higher false positive rate than `rate`."""
    return max((true for false, true in points if false <= rate), default=0.0)


def _roc(found: Comparison, styles: dict[str, int], label: str) -> dict[str, Any] | None:
    models = [model for model in found.models if model.roc.get(label)]
    if not models:
        return None
    heads = [
        "Model",
        "AUC",
        *(f"Sensitivity at {share_as_percent(1 - rate)} specificity" for rate in FALSE_POSITIVE_RATES),
    ]
    rows = []
    for model in models:
        measured = model.classes[label].figures.get("auc") if label in model.classes else None
        reached = [f"{sensitivity_at(model.roc[label], rate):.3f}" for rate in FALSE_POSITIVE_RATES]
        rows.append([model.name, figure_words(measured), *reached])
    return charts.line_chart(
        key=f"roc-{found.labels.index(label)}",
        title=f"ROC of {label} against the rest",
        x=charts.quarters("False positive rate"),
        y=charts.quarters("True positive rate"),
        series=[Series(model.name, styles[model.name], model.roc[label]) for model in models],
        table=table(f"Points on the ROC curves of {label}", heads, rows),
        diagonal=True,
    )


def _reliability(found: Comparison, styles: dict[str, int]) -> dict[str, Any] | None:
    models = [model for model in found.models if model.reliability]
    if not models:
        return None
    rows = [
        [model.name, f"{one.confidence:.3f}", f"{one.accuracy:.3f}", f"{one.count:,}"]
        for model in models
        for one in model.reliability
    ]
    series = [
        Series(
            model.name,
            styles[model.name],
            [(one.confidence, one.accuracy) for one in model.reliability if one.count],
            dots=True,
        )
        for model in models
    ]
    return charts.line_chart(
        key="reliability",
        title="Reliability: how often an answer given with some confidence is right",
        x=charts.quarters("Confidence"),
        y=charts.quarters("Right"),
        series=series,
        table=table("Bins of the reliability chart", ["Model", "Mean confidence", "Right", "Beats"], rows),
        diagonal=True,
    )


def _noise(found: Comparison, styles: dict[str, int]) -> dict[str, Any] | None:
    """F1 against the signal-to-noise ratio; recordings without added noise stand at the right end, one step further."""
    models = [model for model in found.models if model.noise]
    levels = sorted({one.snr_db for model in models for one in model.noise if one.snr_db is not None})
    if not levels:
        return None
    clean = (
        levels[-1] + (levels[-1] - levels[0]) / max(1, len(levels) - 1) if len(levels) > 1 else levels[0] + 6
    )
    ticks = [*((level, f"{level:g}") for level in levels), (clean, "none")]
    series = []
    for model in models:
        ordered = sorted(model.noise, key=lambda one: clean if one.snr_db is None else one.snr_db)
        series.append(
            Series(
                model.name,
                styles[model.name],
                [(clean if one.snr_db is None else one.snr_db, one.f1.value) for one in ordered],
                [(one.f1.low, one.f1.high) for one in ordered],
                dots=True,
            )
        )
    heads = ["Model", "As recorded", *(f"{level:g} dB" for level in reversed(levels))]
    rows = []
    for model in models:
        at = {one.snr_db: one.f1 for one in model.noise}
        rows.append([model.name, *(figure_words(at.get(level)) for level in (None, *reversed(levels)))])
    return charts.line_chart(
        key="noise",
        title="Macro F1 under noise, with 95 % intervals",
        x=Axis("Signal to noise, dB (none: as recorded)", levels[0], clean, ticks),
        y=charts.quarters("Macro F1"),
        series=series,
        table=table("Macro F1 by signal-to-noise ratio", heads, rows),
    )


def _costs(found: Comparison, installed: Collection[str]) -> dict[str, Any]:
    rows = [
        [
            _name(model, installed),
            model.input or NOTHING,
            f"{model.parameters:,}" if model.parameters is not None else NOT_MEASURED,
            filesizeformat(model.size_bytes) if model.size_bytes is not None else NOT_MEASURED,
            f"{model.ms_per_beat:.2f} ms" if model.ms_per_beat is not None else NOT_MEASURED,
            model.ms_protocol or NOTHING,
        ]
        for model in found.models
    ]
    heads = ["Model", "Reads", "Parameters", "Size", "Time per beat", "How timed"]
    return table("What each model costs", heads, rows)


def _clahe(found: Comparison) -> dict[str, Any]:
    rows = [[one.model, _plain(one.on), _plain(one.off)] for one in found.clahe]
    return table("Contrast equalisation (CLAHE) on and off", ["Model", "On", "Off"], rows)


def _plain(figure: Figure) -> str:
    """A figure; without an interval where none was measured."""
    return f"{figure.value:.3f}" if figure.low == figure.high else figure_words(figure)
