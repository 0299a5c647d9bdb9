"""The dashboards' pages and their files: people by probability, the cohort, the trends of one patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import page
from diagnostics.dashboards import figures, selectors
from diagnostics.dashboards.export import as_csv
from diagnostics.dashboards.forms import PeopleForm, TrendsForm
from diagnostics.views.shown import percent
from patients import selectors as patient_selectors

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from accounts.views.access import PageRequest

    Cell = dict[str, Any]


@require_safe
@page(Permission.SEE_DASHBOARDS)
def people(request: PageRequest) -> HttpResponse:
    """Everybody's newest answer as a bar, narrowed to a class."""
    form = PeopleForm(request.GET, labels=selectors.labels(request.user))
    found = selectors.people(request.user, form.choice())
    total = found.count()
    rows = list(found[: selectors.MOST_PEOPLE])
    audit.record(audit.Action.SEARCH, detail={"list": "dashboard-people", "found": total})
    context = {
        "form": form,
        "total": total,
        "shown": len(rows),
        "chart": _chart(
            "people", "People by probability", figures.people(rows), PEOPLE, [_person(row) for row in rows]
        ),
        "query": request.GET.urlencode(),
    }
    return render(request, "diagnostics/dashboards/people.html", context)


@require_safe
@page(Permission.SEE_DASHBOARDS)
def people_csv(request: PageRequest) -> HttpResponse:
    """The same as a file, with more rows than a page can draw."""
    form = PeopleForm(request.GET, labels=selectors.labels(request.user))
    found = selectors.people(request.user, form.choice())
    rows = [
        (
            str(row.patient), row.patient.mrn, row.label, round(row.probability, 4), row.risk_level, row.status,
            row.created_at.isoformat(),
        )
        for row in found[: selectors.MOST_EXPORTED]
    ]  # fmt: skip
    headings = ("patient", "mrn", "finding", "probability", "risk_level", "status", "created_at")
    return _file("people", headings, rows)


@require_safe
@page(Permission.SEE_DASHBOARDS)
def cohort(request: PageRequest) -> HttpResponse:
    """Risk levels, findings over time and reviews that are overdue, of all the doctor's patients."""
    tiers, reviews = selectors.tiers(request.user), selectors.reviews(request.user)
    months = selectors.labels_by_month(request.user)
    late = list(selectors.overdue(request.user)[: selectors.MOST_OVERDUE])
    audit.record(audit.Action.SEARCH, detail={"list": "dashboard-cohort", "found": sum(tiers.values())})
    levels = [[_cell(figures.level_words(level)), _cell(count, "Patients")] for level, count in tiers.items()]
    waiting = [
        [_cell(figures.level_words(level)), _cell(in_time, "In time"), _cell(too_late, "Overdue")]
        for level, (in_time, too_late) in reviews.items()
    ]
    monthly = [
        [_cell(f"{month:%b %Y}"), _cell(label, "Finding"), _cell(count, "Results")]
        for month, label, count in reversed(months)
    ]
    context = {
        "total": sum(tiers.values()),
        "overdue_total": sum(too_late for _, too_late in reviews.values()),
        "charts": [
            _chart("tiers", "Patients by risk level", figures.tiers(tiers), ("Risk level", "Patients"), levels),
            _chart("months", "Findings by month", figures.labels_by_month(months), ("Month", "Finding", "Results"), monthly),
            _chart("reviews", "Reviews that are waited for", figures.reviews(reviews), ("Risk level", "In time", "Overdue"), waiting),
        ],
        "months": selectors.MOST_MONTHS,
        "within": [(figures.level_words(level), days) for level, days in selectors.REVIEW_WITHIN.items()],
        "overdue": _table("Results whose review is overdue", LATE, [_late(row) for row in late]) if late else None,
        "most": selectors.MOST_OVERDUE,
    }  # fmt: skip
    return render(request, "diagnostics/dashboards/cohort.html", context)


@require_safe
@page(Permission.SEE_DASHBOARDS)
def cohort_csv(request: PageRequest) -> HttpResponse:
    """Findings by month, as drawn."""
    rows = [
        (f"{month:%Y-%m}", label, count) for month, label, count in selectors.labels_by_month(request.user)
    ]
    return _file("cohort", ("month", "finding", "results"), rows)


@require_safe
@page(Permission.SEE_DASHBOARDS)
def trends(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Several quantities of one patient over time."""
    patient = patient_selectors.get_patient(request.user, patient_id)
    form = TrendsForm(request.GET, counts=selectors.measured(request.user, patient))
    chosen = form.quantities()
    values = selectors.trend_values(request.user, patient, chosen, most=selectors.MOST_VALUES)
    audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk)
    rows = [
        [
            _cell(row.quantity.name, url=reverse("patients:course", args=[patient.pk, row.code])),
            _cell(row.words, "Value"),
            {"label": "Measured (UTC)", "value": f"{row.measured_at:%-d %b %Y, %H:%M}"},
        ]
        for row in reversed(values)
    ]
    context = {
        "patient": patient,
        "form": form,
        "chosen": chosen,
        "chart": _chart("trends", "Values over time", figures.trends(chosen, values), VALUES, rows),
        "shown": len(values),
        "total": sum(form.counts[of.code] for of in chosen),
        "query": request.GET.urlencode(),
    }
    return render(request, "diagnostics/dashboards/trends.html", context)


@require_safe
@page(Permission.SEE_DASHBOARDS)
def trends_csv(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The values that the trends draw, of the chosen quantities."""
    patient = patient_selectors.get_patient(request.user, patient_id)
    form = TrendsForm(request.GET, counts=selectors.measured(request.user, patient))
    values = selectors.trend_values(request.user, patient, form.quantities(), most=selectors.MOST_EXPORTED)
    rows = [
        (
            row.code,
            row.quantity.name,
            f"{row.value.normalize():f}",
            row.quantity.unit,
            row.measured_at.isoformat(),
        )
        for row in values
        if row.value is not None
    ]
    return _file("trends", ("code", "quantity", "value", "unit", "measured_at"), rows, patient_id=patient.pk)


PEOPLE = ("Person", "MRN", "Finding", "Probability", "Risk", "State")
VALUES = ("Quantity", "Value", "Measured (UTC)")
LATE = ("Person", "MRN", "Finding", "Risk", "Result since")


def _person(row: Any) -> list[Cell]:
    return [*_who(row), {"label": "Probability", "value": percent(row.probability), "numeric": True}, _risk(row),
            {"label": "State", "value": row.get_status_display(), "badge": row.status}]  # fmt: skip


def _late(row: Any) -> list[Cell]:
    since = f"{row.finished_at:%-d %b %Y}"
    return [*_who(row), _risk(row), {"label": "Result since", "value": since}]


def _who(row: Any) -> list[Cell]:
    """The person with the way to the history, and the finding with the way to the diagnosis."""
    finding = {
        "label": "Finding",
        "value": row.label or "none",
        "url": reverse("diagnostics:detail", args=[row.pk]),
    }
    history = reverse("diagnostics:history", args=[row.patient_id])
    return [_cell(str(row.patient), url=history), {"label": "MRN", "value": row.patient.mrn}, finding]


def _risk(row: Any) -> Cell:
    words = figures.level_words(row.risk_level)
    return {"label": "Risk", "value": words} | ({"badge": row.risk_level} if row.risk_level else {})


def _cell(value: object, label: str = "", *, url: str = "") -> Cell:
    return {"label": label, "value": value, "url": url, "numeric": isinstance(value, int)}


def _table(caption: str, headings: Sequence[str], rows: list[list[Cell]]) -> dict[str, Any]:
    """The context of components/table.html."""
    numeric = [cell.get("numeric", False) for cell in rows[0]] if rows else [False] * len(headings)
    columns = [{"label": label, "numeric": is_} for label, is_ in zip(headings, numeric, strict=True)]
    return {"caption": caption, "columns": columns, "rows": rows}


def _chart(
    key: str, title: str, figure: figures.Figure, headings: Sequence[str], rows: list[list[Cell]]
) -> Cell:
    """The context of diagnostics/dashboards/_chart.html."""
    table = _table(title, headings, rows)
    return {"key": key, "figure_id": f"figure-{key}", "title": title, "figure": figure, "table": table}


def _file(
    name: str, headings: Sequence[str], rows: Sequence[Sequence[Any]], *, patient_id: uuid.UUID | None = None
) -> HttpResponse:
    detail = {"dashboard": name, "rows": len(rows), "format": "csv"}
    audit.record(audit.Action.EXPORT, patient_id=patient_id, detail=detail)
    headers = {"Content-Disposition": f'attachment; filename="cardiocare-{name}.csv"'}
    return HttpResponse(as_csv(headings, rows), content_type="text/csv; charset=utf-8", headers=headers)
