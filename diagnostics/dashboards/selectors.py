"""Reads of the dashboards: counted and sorted by PostgreSQL, as many statements for one row as for thousands."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, TruncMonth
from django.utils import timezone

from accounts.policy import Permission, require
from diagnostics.models import Diagnosis, PatientRisk, Prediction
from diagnostics.opinions import BESIDE, CLINICAL, PAGE, PRIMARY, SCORES
from diagnostics.patient_risk import PatientLevel
from diagnostics.risk import RiskLevel
from diagnostics.risk_categories import GUIDELINES
from diagnostics.risk_clinical import LABEL_OF
from diagnostics.states import Status
from ml.contract import Outcome
from patients.clinical.catalogue import CATALOGUE
from patients.clinical.quantities import Kind
from patients.clinical.selectors import clinical_values

if TYPE_CHECKING:
    from accounts.actor import Actor
    from patients.clinical.quantities import Quantity
    from patients.models import ClinicalValue, Patient

# A queryset of Diagnosis with `label` and `probability`, which the type checker cannot know.
Answered: TypeAlias = Any
ANSWERED = (Status.COMPLETED, Status.REVIEWED, Status.SIGNED, Status.AMENDED)
# What one page draws, and what one file holds.
MOST_PEOPLE, MOST_MONTHS, MOST_OVERDUE, MOST_VALUES, MOST_EXPORTED = 100, 24, 50, 500, 10_000
# Days after which a result without a review is overdue. A rule of the house, not of any guideline.
REVIEW_WITHIN = {RiskLevel.HIGH: 1, RiskLevel.MODERATE: 7, RiskLevel.LOW: 30}


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """What the page of people is narrowed to; empty for everything."""

    level: str = ""
    label: str = ""


def _answered(actor: Actor) -> Answered:
    """Diagnoses with a result, each with the finding and the probability that decide (diagnostics.opinions.deciding, in SQL).

    Of clinical values the finding is the level, and the probability that of death during follow-up; where the model does not apply, that
    of the event within ten years by the score that decides.
    """
    require(actor, Permission.SEE_DASHBOARDS)
    level, risk = KeyTextTransform("level", "explanation"), KeyTextTransform("risk", "explanation")
    of_scores = [KeyTextTransform(of.outcome, "probabilities") for of in GUIDELINES.values()]
    figures: list[Any] = [risk, "confidence", *of_scores]
    judged = Q(level__isnull=False) | Q(model_version__name__in=sorted(GUIDELINES), outcome=Outcome.PREDICTED)
    levels = [
        When(judged, diagnosis__risk_level=level, then=Value(label)) for level, label in LABEL_OF.items()
    ]
    named = Q(model_version__name=CLINICAL) & (~Q(label="") | Q(level__isnull=False))
    rank = Case(
        When(Q(model_version__name__in=(PRIMARY, PAGE)) | named, then=Value(0)),
        When(model_version__name__in=sorted(SCORES), outcome=Outcome.PREDICTED, then=Value(1)),
        When(model_version__name=CLINICAL, then=Value(2)),
        When(model_version__name__in=sorted({*BESIDE, *SCORES}), then=Value(4)),
        When(model_version__name__startswith="clinical-", then=Value(4)),
        default=Value(3),
        output_field=IntegerField(),
    )
    answers = (
        Prediction.objects.visible_to(actor)
        .filter(diagnosis=OuterRef("pk"), attempt=OuterRef("attempt"))
        .annotate(
            level=level,
            finding=Case(*levels, default=F("label"), output_field=CharField()),
            shown=Coalesce(*(Cast(figure, FloatField()) for figure in figures)),
        )
        .order_by(rank, F("shown").desc(nulls_last=True), "pk")
    )
    return (
        Diagnosis.objects.visible_to(actor)
        .filter(status__in=ANSWERED)
        .annotate(
            label=Subquery(answers.values("finding")[:1]),
            probability=Subquery(answers.values("shown")[:1]),
        )
    )


def _newest(actor: Actor) -> Answered:
    """Each patient's newest diagnosis with a result."""
    newest = (
        Diagnosis.objects.visible_to(actor)
        .filter(status__in=ANSWERED)
        .order_by("patient_id", "-created_at", "pk")
        .distinct("patient_id")
    )
    return _answered(actor).filter(pk__in=newest.values("pk"))


def people(actor: Actor, choice: Choice) -> Answered:
    """Each patient's newest answer with `label` and `probability`, the most probable first, with the patient."""
    rows = _newest(actor).exclude(label="").filter(probability__isnull=False)
    if choice.level:
        rows = rows.filter(risk_level=choice.level)
    if choice.label:
        rows = rows.filter(label=choice.label)
    return rows.select_related("patient").order_by("-probability", "patient__family_name", "patient__mrn")


def labels(actor: Actor) -> dict[str, int]:
    """How many patients' newest answer has each label, by label."""
    rows = _newest(actor).exclude(label="").filter(probability__isnull=False)
    return dict(rows.order_by("label").values_list("label").annotate(count=Count("pk")))


def tiers(actor: Actor) -> dict[str, int]:
    """How many patients have each risk level, the one that is in force (diagnostics.patient_risk); the highest first."""
    require(actor, Permission.SEE_DASHBOARDS)
    levels: Any = PatientRisk.objects.visible_to(actor).latest_of_each().order_by()
    rows = dict(levels.values_list("level").annotate(count=Count("pk")))
    return {level: rows.get(level, 0) for level in reversed(PatientLevel.values)}


def labels_by_month(actor: Actor, *, now: dt.datetime | None = None) -> list[tuple[dt.date, str, int]]:
    """Results by the month (UTC) in which the file came and by label, the oldest first; of the last `MOST_MONTHS` months."""
    now = now or timezone.now()
    months = now.year * 12 + now.month - MOST_MONTHS
    since = dt.datetime(months // 12, months % 12 + 1, 1, tzinfo=dt.UTC)
    rows = (
        _answered(actor)
        .exclude(label="")
        .filter(created_at__gte=since)
        .annotate(month=TruncMonth("created_at", tzinfo=dt.UTC))
        .order_by("month", "label")
        .values_list("month", "label")
        .annotate(count=Count("pk"))
    )
    return [(month.date(), label, count) for month, label, count in rows if label]


def _unreviewed(actor: Actor, now: dt.datetime) -> tuple[Answered, Q]:
    """Results that nobody has judged, and which of them should have been by now."""
    late = Q(pk__isnull=True)
    for level, days in REVIEW_WITHIN.items():
        late |= Q(risk_level=level, finished_at__lt=now - dt.timedelta(days=days))
    return _answered(actor).filter(status=Status.COMPLETED), late


def reviews(actor: Actor, *, now: dt.datetime | None = None) -> dict[str, tuple[int, int]]:
    """For each risk level how many results wait for a review in time, and how many are overdue."""
    rows, late = _unreviewed(actor, now or timezone.now())
    counted = (
        rows.order_by().values("risk_level").annotate(count=Count("pk"), overdue=Count("pk", filter=late))
    )
    found = {row["risk_level"]: (row["count"] - row["overdue"], row["overdue"]) for row in counted}
    return {level: found.get(level, (0, 0)) for level in reversed(RiskLevel.values)}


def overdue(actor: Actor, *, now: dt.datetime | None = None) -> Answered:
    """Results whose review is overdue, high risk first and then the oldest, with the patient."""
    rows, late = _unreviewed(actor, now or timezone.now())
    urgency = Case(
        *(When(risk_level=level, then=Value(place)) for place, level in enumerate(REVIEW_WITHIN)),
        output_field=IntegerField(),
    )
    return rows.filter(late).select_related("patient").order_by(urgency, "finished_at", "pk")


def measured(actor: Actor, patient: Patient) -> dict[str, int]:
    """How many current values there are of each quantity that can be drawn, by code, in the order of the catalogue."""
    require(actor, Permission.SEE_DASHBOARDS)
    rows: Any = clinical_values(actor, patient, current=True).order_by()
    found = dict(rows.values_list("code").annotate(count=Count("pk")))
    return {code: found[code] for code, of in CATALOGUE.items() if code in found and of.kind is Kind.NUMBER}


def trend_values(
    actor: Actor, patient: Patient, quantities: list[Quantity], *, most: int
) -> list[ClinicalValue]:
    """The newest current values of some quantities, at most `most` of all together, the oldest first."""
    require(actor, Permission.SEE_DASHBOARDS)
    rows = clinical_values(actor, patient, current=True).filter(code__in=[of.code for of in quantities])
    return list(reversed(rows.order_by("-measured_at", "-pk")[:most]))
