"""The risk level of a patient over the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import audit
from accounts.policy import Permission
from diagnostics import selectors
from diagnostics.patient_risk import RULES_VERSION, Kind, PatientLevel, RedFlag, missing, stored_tiers
from patients.models import Patient
from patients.selectors import get_patient

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request

    from diagnostics.models import PatientRisk


class ReasonSerializer(serializers.Serializer[Any]):
    """One result that counted."""

    diagnosis = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    at = serializers.DateTimeField(help_text="When the result came in")
    level = serializers.ChoiceField(choices=PatientLevel.choices)
    label = serializers.CharField(  # type: ignore[assignment]  # a field's own label is another thing
        help_text="The doctor's where one has judged, else the models'; empty for none"
    )
    judged = serializers.BooleanField(help_text="Whether a doctor has judged it")
    text = serializers.CharField()


class TierSerializer(serializers.Serializer[Any]):
    """What was observed of people in the tier of the probability."""

    tier = serializers.ChoiceField(choices=PatientLevel.choices)
    rate = serializers.FloatField(help_text="Share who died during follow-up, 0 to 1")
    low = serializers.FloatField(help_text="Lower end of the 95 % interval")
    high = serializers.FloatField(help_text="Upper end of the 95 % interval")


class PatientLevelSerializer(serializers.Serializer[Any]):
    """The level in force."""

    level = serializers.ChoiceField(choices=PatientLevel.choices)
    probability = serializers.FloatField(
        allow_null=True, help_text="Calibrated by the clinical model, of death during follow-up, 0 to 1"
    )
    observed = TierSerializer(allow_null=True)
    red_flags = serializers.ListField(child=serializers.ChoiceField(choices=[flag.value for flag in RedFlag]))
    reasons = ReasonSerializer(many=True, help_text="The weightiest first")
    missing = serializers.ListField(child=serializers.CharField())
    changes = serializers.ListField(child=serializers.CharField())
    cause = serializers.CharField(allow_null=True)
    assessed_at = serializers.DateTimeField(allow_null=True, help_text="null while nothing was assessed")
    rules_version = serializers.CharField()


class PatientLevelView(APIView):
    """The risk level of one patient."""

    permission = Permission.READ_DIAGNOSES

    @extend_schema(responses=PatientLevelSerializer)
    def get(self, request: Request, patient_id: uuid.UUID) -> Response:
        """Level, probability, reasons, what is missing and what changed; unknown where nothing was assessed yet."""
        try:
            patient = get_patient(request.user, patient_id)
        except Patient.DoesNotExist:
            raise Http404 from None
        audit.record(audit.Action.READ, obj=patient, patient_id=patient.pk, detail={"level": True})
        row = selectors.patient_risks(request.user, patient).first()
        return Response(PatientLevelSerializer(_as_shown(row)).data)


def _as_shown(row: PatientRisk | None) -> dict[str, Any]:
    now = timezone.now()
    if row is None:
        return {
            "level": PatientLevel.UNKNOWN.value,
            "probability": None,
            "observed": None,
            "red_flags": [],
            "reasons": [],
            "missing": missing({}, now=now),
            "changes": [],
            "cause": None,
            "assessed_at": None,
            "rules_version": RULES_VERSION,
        }
    return {
        "level": row.level,
        "probability": row.probability,
        "observed": _observed(row.probability),
        "red_flags": row.red_flags,
        "reasons": [{"diagnosis": one["key"], **one} for one in row.evidence],
        "missing": missing(row.newest, now=now),
        "changes": row.changes,
        "cause": row.cause,
        "assessed_at": row.assessed_at,
        "rules_version": row.rules_version,
    }


def _observed(probability: float | None) -> dict[str, Any] | None:
    if probability is None:
        return None
    tier = stored_tiers().of(probability)
    seen = stored_tiers().observed[tier]
    return {"tier": tier.value, "rate": seen.rate, "low": seen.low, "high": seen.high}
