"""The risk level of a patient: the card of the history page, and how it came about."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import other_parameters, page, paginate
from diagnostics import selectors
from diagnostics.patient_risk import EVENT_WORDS, FLAG_WORDS, PatientLevel, RedFlag, missing, stored_tiers
from diagnostics.views.shown import percent
from ml.contract import share_as_percent
from patients import selectors as patient_selectors

if TYPE_CHECKING:
    import datetime as dt
    import uuid

    from django.http import HttpResponse

    from accounts.views.access import PageRequest
    from diagnostics.models import PatientRisk

FIRST_REASONS = 5


@dataclasses.dataclass(frozen=True, slots=True)
class ShownLevel:
    """A level as pages show it; `row` is None for a patient of whom nothing was read yet."""

    row: PatientRisk | None
    missing: list[str]

    @property
    def level(self) -> str:
        """A value of PatientLevel."""
        return self.row.level if self.row else PatientLevel.UNKNOWN.value

    @property
    def flags(self) -> list[str]:
        """Red flags in words."""
        return [FLAG_WORDS[RedFlag(flag)] for flag in self.row.red_flags] if self.row else []

    @property
    def probability(self) -> str:
        """The calibrated probability in words; "" if there is none."""
        told = self.row.probability if self.row else None
        return "" if told is None else f"{percent(told)} probability of {EVENT_WORDS}"

    @property
    def tier(self) -> str:
        """What was observed of people in the same tier of the clinical model; "" without a probability."""
        told = self.row.probability if self.row else None
        if told is None:
            return ""
        tier = stored_tiers().of(told)
        seen = stored_tiers().observed[tier]
        return (
            f"Tier {tier.label} of the clinical model: of the people of this tier, {share_as_percent(seen.rate)} died during follow-up"
            f" (95 % interval {share_as_percent(seen.low)} to {share_as_percent(seen.high)}, cross-validation)."
        )

    @property
    def _read(self) -> list[dict[str, Any]]:
        """Evidence that a model could read, or a doctor has judged, the weightiest first."""
        kept = self.row.evidence if self.row else []
        return [one for one in kept if one["level"] != PatientLevel.UNKNOWN]

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The weightiest pieces of evidence."""
        return self._read[:FIRST_REASONS]

    @property
    def further(self) -> list[dict[str, Any]]:
        """The rest of what was kept with the level."""
        return self._read[FIRST_REASONS:]

    @property
    def unread(self) -> int:
        """How many files no model could read."""
        return len(self.row.evidence) - len(self._read) if self.row else 0


def shown_level(row: PatientRisk | None, *, now: dt.datetime) -> ShownLevel:
    """The level with what is missing today, which time alone may change."""
    return ShownLevel(row, missing(row.newest if row else {}, now=now))


@require_safe
@page(Permission.READ_HISTORY)
def levels(request: PageRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Every level that the patient had, what made it and what changed."""
    patient = patient_selectors.get_patient(request.user, patient_id)
    page_obj = paginate(request, selectors.patient_risks(request.user, patient))
    detail = {"levels": page_obj.paginator.count}
    audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk, detail=detail)
    tiers = stored_tiers()
    rows = [
        {
            "level": tier.value,
            "rate": share_as_percent(seen.rate),
            "interval": f"{share_as_percent(seen.low)} to {share_as_percent(seen.high)}",
            "bounds": _bounds(tier, tiers.low_below, tiers.high_from),
        }
        for tier, seen in tiers.observed.items()
    ]
    context = {
        "patient": patient,
        "page_obj": page_obj,
        "query": other_parameters(request),
        "rows": [shown_level(row, now=timezone.now()) for row in page_obj],
        "tiers": rows,
    }
    return render(request, "diagnostics/patient_levels.html", context)


def _bounds(tier: PatientLevel, low_below: float, high_from: float) -> str:
    if tier is PatientLevel.LOW:
        return f"below {share_as_percent(low_below)}"
    if tier is PatientLevel.HIGH:
        return f"{share_as_percent(high_from)} and above"
    return f"{share_as_percent(low_below)} to below {share_as_percent(high_from)}"
