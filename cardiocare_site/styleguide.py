"""Invented data that show every state of every component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.paginator import Paginator

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
        "styleguide_page": Paginator(list(range(83)), 20).page(3),
    }
