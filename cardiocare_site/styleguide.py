"""Invented data that show every state of every component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.paginator import Paginator

from diagnostics.forms import UploadOptionsForm
from patients import charts

if TYPE_CHECKING:
    from django.http import HttpRequest


class StyleguideForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Name", help_text="As in the passport.")
    born = forms.DateField(label="Date of birth", widget=forms.DateInput(attrs={"type": "date"}))
    sex = forms.ChoiceField(label="Sex", choices=[("f", "Female"), ("m", "Male"), ("x", "Other")])
    history = forms.CharField(label="History", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    smoker = forms.ChoiceField(
        label="Smoking",
        widget=forms.RadioSelect,
        choices=[("no", "Never"), ("ex", "Stopped"), ("yes", "Smokes")],
        help_text="Counts for the risk.",
    )
    consent = forms.BooleanField(label="Consents to the analysis", help_text="May be withdrawn at any time.")


def cells(name: str, kind: str, status: str, risk: str, minutes: int) -> list[dict[str, Any]]:
    """A row of the table."""
    return [
        {"label": "Patient", "value": name, "url": "#records"},
        {"label": "Kind", "value": kind},
        {"label": "Status", "value": status.capitalize(), "badge": status},
        {"label": "Risk", "value": f"{risk.capitalize()} risk" if risk else "none", "badge": risk},
        {"label": "Waited", "value": f"{minutes} min", "numeric": True},
    ]


def line_chart() -> dict[str, Any]:
    """A chart of lines with every style, and its table."""
    series = [
        charts.Series(
            f"Invented {style}",
            style,
            [(0.1, style / 10), (0.6, style / 9), (0.9, style / 8.5)],
            [(style / 10 - 0.05, style / 10 + 0.05)],
            dots=True,
        )
        for style in range(1, charts.STYLES + 1)
    ]
    heads = [{"label": "Model"}, {"label": "Last"}]
    rows = [
        [{"label": "Model", "value": one.name}, {"label": "Last", "value": f"{one.points[-1][1]:.2f}"}]
        for one in series
    ]
    return charts.line_chart(
        key="lines",
        title="Invented curves",
        x=charts.quarters("Across"),
        y=charts.quarters("Up"),
        series=series,
        table={"caption": "Invented curves in figures", "columns": heads, "rows": rows},
        diagonal=True,
    )


def interval_chart() -> dict[str, Any]:
    """A chart of three figures with their intervals."""
    rows = [charts.Interval(f"Invented {n}", n, n / 5, n / 5 - 0.1, n / 5 + 0.15) for n in (1, 2, 3)]
    return charts.interval_chart(
        key="intervals", title="Invented figures", axis=charts.quarters("F1"), rows=rows
    )


def matrix() -> dict[str, Any]:
    """A confusion matrix with every shade."""
    rows = [(f"Class {n}", [(str(count), count) for count in range(n, n + 6)]) for n in range(6)]
    return {"name": "Invented", "labels": [f"Class {n}" for n in range(6)], "rows": rows}


def styleguide_context(request: HttpRequest | None = None) -> dict[str, Any]:
    """The context that templates/styleguide.html names at its top; also a context processor."""
    wrong = {"name": "", "born": "tomorrow", "sex": "q", "history": "Palpitations since May."}
    places = ("Dashboard", "Patients", "Diagnoses", "Upload", "Models")
    return {
        "nav_items": [{"label": place, "url": "#main", "current": place == "Patients"} for place in places],
        "styleguide_rows": [
            {"label": "Atrial fibrillation", "percent": 91.4, "chosen": True, "threshold": 50},
            {
                "label": "First-degree atrioventricular block",
                "percent": 34.2,
                "chosen": False,
                "threshold": 45.5,
            },
            {"label": "Left bundle branch block", "percent": 6, "chosen": False},
            {"label": "Sinus rhythm", "percent": 0, "chosen": False},
        ],
        "styleguide_facts": [
            {"label": "Name", "value": "Anna Example"},
            {"label": "MRN", "value": "100482"},
            {"label": "Born", "value": "3 May 1954 (72 years)"},
            {"label": "Allergies", "value": "Penicillin"},
        ],
        "styleguide_columns": [
            {"label": "Patient"},
            {"label": "Kind"},
            {"label": "Status"},
            {"label": "Risk"},
            {"label": "Waited", "numeric": True},
        ],
        "styleguide_table": [
            cells("Anna Example", "ECG, 12 leads", "completed", "high", 1),
            cells("Bogdan Example-Longfellow", "DICOM, angiogram", "running", "", 3),
            cells("Cem Example", "ECG image", "signed", "low", 12),
            cells("Dora Example", "ECG, 12 leads", "failed", "", 240),
        ],
        "styleguide_form": StyleguideForm(prefix="new", initial={"name": "Anna Example"}),
        "styleguide_form_errors": StyleguideForm(wrong),
        "styleguide_lines": line_chart(),
        "styleguide_intervals": interval_chart(),
        "styleguide_matrix": matrix(),
        "styleguide_options": UploadOptionsForm(auto_id="guide_%s"),
        "styleguide_page": Paginator(list(range(83)), 20).page(3),
    }
