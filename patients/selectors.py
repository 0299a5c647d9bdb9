"""Reads of patients and their history."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import F, FloatField, Q, Value
from django.db.models.functions import Greatest

from accounts.policy import Permission, require
from patients.models import Allergy, CareTeamMember, Condition, Medication, Note, Patient

if TYPE_CHECKING:
    import uuid

    from django.db.models import QuerySet

    from accounts.actor import Actor
    from patients.models import HistoryEntry

# Word similarity of pg_trgm, 0 to 1: one wrong letter in a name of five gives about 0.4.
SIMILAR_ENOUGH = 0.35
MOST_WORDS = 5
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%Y%m%d")


def read_date(text: str) -> dt.date | None:
    """A date written the ISO, German or British way; None if it is none."""
    for written in DATE_FORMATS:
        try:
            return dt.datetime.strptime(text.strip(), written).date()  # noqa: DTZ007  # a birth date has no zone
        except ValueError:
            continue
    return None


def find_patients(actor: Actor, query: str = "") -> QuerySet[Patient]:
    """The actor's patients, by name, MRN or birth date, best match first; typos are forgiven. All of them for no query.

    Several words must each fit some part of the name or the MRN.
    """
    require(actor, Permission.FIND_PATIENTS)
    patients = Patient.objects.visible_to(actor)
    query = " ".join(query.replace("\x00", "").split())[:100]
    if not query:
        return patients
    if born := read_date(query):
        # An MRN of eight digits may read as a date.
        return patients.filter(Q(birth_date=born) | Q(mrn__iexact=query))
    score: Any = Value(0.0, output_field=FloatField())
    for number, word in enumerate(re.findall(r"[^\s,]+", query)[:MOST_WORDS]):
        name = f"alike_{number}"
        alike = Greatest(
            *(TrigramWordSimilarity(word, field) for field in ("family_name", "given_name", "mrn"))
        )
        contained = Q(family_name__icontains=word) | Q(given_name__icontains=word) | Q(mrn__icontains=word)
        patients = patients.annotate(**{name: alike}).filter(
            Q(**{f"{name}__gte": SIMILAR_ENOUGH}) | contained
        )
        score = score + F(name)
    return patients.annotate(score=score).order_by("-score", "family_name", "given_name", "mrn")


def get_patient(actor: Actor, patient_id: uuid.UUID) -> Patient:
    """One patient. Raises Patient.DoesNotExist for a foreign, deleted or unknown one alike."""
    return Patient.objects.visible_to(actor).get(pk=patient_id)


def care_team(actor: Actor, patient: Patient) -> QuerySet[CareTeamMember]:
    """The active members of the patient's care team."""
    return CareTeamMember.objects.visible_to(actor).active().filter(patient=patient).select_related("user")


def history(actor: Actor, patient: Patient) -> dict[str, list[HistoryEntry]]:
    """The entries of each kind, newest first."""
    require(actor, Permission.READ_HISTORY)
    return {
        model._meta.model_name or "": list(  # Django's documented Model._meta
            model.objects.visible_to(actor).filter(patient=patient).select_related("recorded_by")
        )
        for model in (Condition, Medication, Allergy, Note)
    }
