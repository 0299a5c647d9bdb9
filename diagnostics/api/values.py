"""Clinical values over the REST API: read them, add some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response

from accounts import audit
from accounts.policy import Permission
from patients.clinical.reasons import ValuesRefused
from patients.clinical.selectors import clinical_values
from patients.models import ClinicalValue, Patient
from patients.selectors import get_patient
from patients.services.clinical_values import Entry, record_values

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

MOST_AT_ONCE = 100


class ClinicalValueSerializer(serializers.ModelSerializer[ClinicalValue]):
    """One value; `value` is in `unit`, the quantity's canonical one."""

    name = serializers.CharField(source="quantity.name")
    loinc = serializers.CharField(source="quantity.loinc", help_text="Empty where no code fits")
    unit = serializers.CharField(source="quantity.unit")
    entered_by = serializers.CharField(source="entered_by.username")
    status = serializers.ChoiceField(choices=["current", "corrected", "taken back"])
    corrects = serializers.IntegerField(
        source="corrects_id", allow_null=True, help_text="Id of the value that this one replaces"
    )

    class Meta:
        model = ClinicalValue
        fields = [
            "id", "code", "name", "loinc", "value", "unit", "entered_value", "entered_unit", "measured_at", "entered_by",
            "entered_at", "source", "status", "corrects", "reason",
        ]  # fmt: skip


class NewValueSerializer(serializers.Serializer[Any]):
    """A value to add."""

    code = serializers.CharField(max_length=40, help_text="As in docs/clinical-values.md")
    value = serializers.CharField(max_length=32, help_text="A number, or the word of a choice")
    unit = serializers.CharField(max_length=16, default="", help_text="The canonical one if left out")
    confirmed = serializers.BooleanField(default=False, help_text="Somebody looked again at an unusual value")


class NewValuesSerializer(serializers.Serializer[Any]):
    """Values of one time."""

    measured_at = serializers.DateTimeField()
    values = serializers.ListField(child=NewValueSerializer(), min_length=1, max_length=MOST_AT_ONCE)


class RefusalSerializer(serializers.Serializer[Any]):
    """Why one value was not taken; `code` is empty where the reason is about all of them."""

    code = serializers.CharField()
    reason_code = serializers.CharField()
    message = serializers.CharField()


class RefusedValuesSerializer(serializers.Serializer[Any]):
    """Nothing was stored."""

    reason_code = serializers.CharField()
    message = serializers.CharField()
    values = RefusalSerializer(many=True)


class ClinicalValuesView(generics.ListAPIView[ClinicalValue]):
    """The clinical values of one patient, newest first."""

    serializer_class = ClinicalValueSerializer

    @property
    def permission(self) -> Permission:
        """Reading and adding are two permissions."""
        return Permission.WRITE_VALUES if self.request.method == "POST" else Permission.READ_VALUES

    def patient(self) -> Patient:
        """The patient of the address, if it is one of the caller's."""
        try:
            return get_patient(self.request.user, self.kwargs["patient_id"])
        except Patient.DoesNotExist:
            raise Http404 from None

    def get_queryset(self) -> QuerySet[ClinicalValue]:
        """Of one quantity or only the current ones, where asked for."""
        code, current = (self.request.query_params.get(name, "") for name in ("code", "current"))
        return clinical_values(
            self.request.user, self.patient(), code=code, current=current.lower() in {"1", "true"}
        )

    @extend_schema(
        parameters=[
            OpenApiParameter("code", str, description="Only this quantity"),
            OpenApiParameter("current", bool, description="Without corrected and taken back values"),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of values."""
        response = super().get(request, *args, **kwargs)
        patient_id = self.kwargs["patient_id"]
        shown = [row["id"] for row in response.data["results"]]
        audit.record(audit.Action.SEARCH, patient_id=patient_id, detail={"list": "values", "shown": shown})
        return response

    @extend_schema(
        request=NewValuesSerializer,
        responses={201: ClinicalValueSerializer(many=True), 400: RefusedValuesSerializer},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add values of one time: all of them, or none and a reason for each that cannot be taken."""
        patient = self.patient()
        given = NewValuesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        entries = [
            Entry(row["code"], row["value"], row["unit"], row["confirmed"])
            for row in given.validated_data["values"]
        ]
        try:
            rows = record_values(
                request.user,
                patient=patient,
                measured_at=given.validated_data["measured_at"],
                entries=entries,
                source=ClinicalValue.Source.IMPORT,
            )
        except ValuesRefused as error:
            return Response(_refused(error), status=status.HTTP_400_BAD_REQUEST)
        # What was just written is given back to a key that may only write.
        stored = ClinicalValue.objects.visible_to(request.user).filter(pk__in=[row.pk for row in rows])
        stored = stored.select_related("entered_by", "correction").order_by("pk")
        return Response(ClinicalValueSerializer(stored, many=True).data, status=status.HTTP_201_CREATED)


def _refused(error: ValuesRefused) -> dict[str, Any]:
    return {
        "reason_code": "values_refused",
        "message": "Nothing was stored, because some values cannot be taken. Put them right and send all of them again.",
        "values": [
            {"code": refusal.code, "reason_code": refusal.reason.value, "message": str(refusal)}
            for refusal in error.refusals
        ],
    }
