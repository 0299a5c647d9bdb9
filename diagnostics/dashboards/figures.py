"""Figures of the dashboards as Plotly reads them: data and layout, without a browser.

Colours are names of the design's tokens ("--danger"), which static/js/dashboards.js turns into what the theme makes of them. Whatever a
colour says, a text beside it says too.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from diagnostics.patient_risk import PatientLevel
from diagnostics.risk import RiskLevel
from ml.contract import as_percent

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from patients.clinical.quantities import Quantity
    from patients.models import ClinicalValue, Patient

Figure = dict[str, Any]
TONES = {
    RiskLevel.HIGH.value: "--danger",
    RiskLevel.MODERATE.value: "--warning",
    RiskLevel.LOW.value: "--success",
}
NO_TONE = "--text-muted"
SERIES = tuple(f"--series-{number}" for number in range(1, 9))
PATTERNS = ("", "/", "x", "-", "|", "+", ".", "\\")
BAR, AROUND, LONGEST_NAME = 26, 90, 18  # pixels, pixels, letters


def level_words(level: str) -> str:
    """A risk level of a result or of a patient, for people."""
    return f"{PatientLevel(level).label} risk" if level else "No risk level"


def shortened(patient: Patient) -> str:
    """A name that leaves room for the bar on a phone."""
    name = f"{patient.family_name}, {patient.given_name[:1]}."
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def people(rows: Sequence[Any]) -> Figure:
    """Bars of each person's probability, from `selectors.people`; a click opens the diagnosis."""
    places = list(range(len(rows)))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [round(row.probability, 4) for row in rows],
        "y": places,
        "text": [f"{row.label} {as_percent(row.probability)}" for row in rows],
        "textposition": "auto",
        "customdata": [reverse("diagnostics:detail", args=[row.pk]) for row in rows],
        "hovertext": [f"{row.patient}, MRN {row.patient.mrn}: {level_words(row.risk_level)}" for row in rows],
        "hoverinfo": "text",
        "marker": {"color": [TONES.get(row.risk_level, NO_TONE) for row in rows]},
    }
    names = [shortened(row.patient) for row in rows]
    layout = {
        "height": AROUND + BAR * max(len(rows), 3),
        "xaxis": {"title": {"text": "Probability"}, "range": [0, 1], "tickformat": ".0%"},
        "yaxis": {"tickvals": places, "ticktext": names, "autorange": "reversed", "automargin": True},
    }
    return {"data": [bars], "layout": layout}


def _whole(title: str, most: int) -> Figure:
    """An axis of counts from 0 to `most` with some five ticks, none between two whole numbers."""
    return {"title": {"text": title}, "rangemode": "tozero", "tick0": 0, "dtick": max(1, math.ceil(most / 5))}


def tiers(counts: Mapping[str, int]) -> Figure:
    """Bars of how many patients have each risk level."""
    bars = {
        "type": "bar",
        "x": [level_words(level) for level in counts],
        "y": list(counts.values()),
        "text": [str(count) for count in counts.values()],
        "marker": {"color": [TONES.get(level, NO_TONE) for level in counts]},
        "hoverinfo": "x+y",
    }
    return {
        "data": [bars],
        "layout": {"height": 300, "yaxis": _whole("Patients", max(counts.values(), default=0))},
    }


def labels_by_month(rows: Sequence[tuple[dt.date, str, int]]) -> Figure:
    """Stacked bars of the results of each month by label."""
    months = sorted({month for month, _, _ in rows})
    counts = {(month, label): count for month, label, count in rows}
    totals: Counter[dt.date] = Counter()
    for month, _, count in rows:
        totals[month] += count
    data = [
        {
            "type": "bar",
            "name": label,
            "x": [f"{month:%b %Y}" for month in months],
            "y": [counts.get((month, label), 0) for month in months],
            "marker": {
                "color": SERIES[place % len(SERIES)],
                "pattern": {"shape": PATTERNS[place % len(PATTERNS)]},
            },
            "hoverinfo": "x+y+name",
        }
        for place, label in enumerate(sorted({label for _, label, _ in rows}))
    ]
    layout = {
        "height": 360,
        "barmode": "stack",
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.25},
        "xaxis": {"type": "category"},
        "yaxis": _whole("Results", max(totals.values(), default=0)),
    }
    return {"data": data, "layout": layout}


def reviews(counts: Mapping[str, tuple[int, int]]) -> Figure:
    """Bars of the results that wait for a review, in time and overdue, by risk level."""
    parts = (("In time", 0, "--accent", ""), ("Overdue", 1, "--danger", "/"))
    data = [
        {
            "type": "bar",
            "name": name,
            "x": [level_words(level) for level in counts],
            "y": [both[part] for both in counts.values()],
            "text": [str(both[part]) for both in counts.values()],
            "marker": {"color": tone, "pattern": {"shape": shape}},
            "hoverinfo": "x+y+name",
        }
        for name, part, tone, shape in parts
    ]
    layout = {
        "height": 300,
        "barmode": "group",
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.2},
        "yaxis": _whole("Results", max((max(both) for both in counts.values()), default=0)),
    }
    return {"data": data, "layout": layout}


def trends(quantities: Sequence[Quantity], values: Sequence[ClinicalValue]) -> Figure:
    """One panel below the other for each quantity, over one axis of time; a click opens the course of the quantity."""
    data: list[Figure] = []
    layout: Figure = {
        "height": AROUND + 170 * len(quantities),
        "xaxis": {"type": "date", "nticks": 5, "tickformat": "%-d %b %Y"},
    }
    share = 1 / max(len(quantities), 1)
    for place, of in enumerate(quantities):
        points = [row for row in values if row.code == of.code and row.value is not None]
        number = "" if place == 0 else str(place + 1)
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": of.name,
                "x": [row.measured_at.isoformat() for row in points],
                "y": [float(row.value) for row in points if row.value is not None],
                "yaxis": f"y{number}",
                "customdata": [reverse("patients:course", args=[row.patient_id, of.code]) for row in points],
                "hovertext": [f"{of.name} {row.words}, {row.measured_at:%-d %b %Y}" for row in points],
                "hoverinfo": "text",
                "line": {"color": SERIES[place % len(SERIES)]},
                "marker": {"size": 8, "symbol": place},
            }
        )
        top = 1 - place * share
        layout[f"yaxis{number}"] = {
            "title": {"text": f"{of.name}<br>{of.unit}", "font": {"size": 11}},
            "domain": [round(top - share * 0.85, 4), round(top, 4)],
            "automargin": True,
        }
    lowest = "" if len(quantities) < 2 else str(len(quantities))
    layout["xaxis"] |= {"anchor": f"y{lowest}"}
    return {"data": data, "layout": layout}
