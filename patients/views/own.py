"""The page on which patients read their own values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.policy import Permission
from accounts.views.access import page
from patients.clinical.own import MOST, own_courses, own_patient

if TYPE_CHECKING:
    from django.http import HttpResponse

    from accounts.views.access import PageRequest


@require_safe
@page(Permission.READ_OWN_VALUES)
def values(request: PageRequest) -> HttpResponse:
    """Every number of the own record over time."""
    patient = own_patient(request.user)
    courses = own_courses(request.user, patient) if patient else []
    if patient:
        audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk, detail={"values": "own"})
    total = sum(len(course.points) for course in courses if not course.points[0].source)
    once = [course for course in courses if len(course.points) == 1]
    context = {
        "patient": patient,
        "courses": [course for course in courses if course not in once],
        "once": [
            {"label": course.of.name, "value": f"{course.sentence} {course.of.plain}."} for course in once
        ],
        "most": MOST if total >= MOST else 0,
    }
    return render(request, "patients/own_values.html", context)
