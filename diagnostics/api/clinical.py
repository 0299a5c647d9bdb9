"""Assessing clinical values over the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.policy import Permission
from diagnostics.reasons import Reason
from diagnostics.services.clinical import request_clinical_diagnosis
from diagnostics.services.inspection import Refused
from patients.models import Patient

if TYPE_CHECKING:
    import uuid

    from rest_framework.request import Request


class RequestedSerializer(serializers.Serializer[Any]):
    """What became of the wish to assess a patient's values; ids are null where nothing could be assessed."""

    accepted = serializers.BooleanField()
    diagnosis_id = serializers.UUIDField(allow_null=True)
    upload_id = serializers.UUIDField(allow_null=True)
    reason_code = serializers.CharField(allow_null=True)
    message = serializers.CharField()


class ClinicalDiagnosesView(APIView):
    """Assess the values that are current now."""

    permission = Permission.UPLOAD

    @extend_schema(
        request=None,
        responses={
            200: RequestedSerializer,
            201: RequestedSerializer,
            409: RequestedSerializer,
            503: RequestedSerializer,
        },
    )
    def post(self, request: Request, patient_id: uuid.UUID) -> Response:
        """201 when an assessment is queued, 200 when these values were assessed before, 409 when there are none."""
        try:
            requested = request_clinical_diagnosis(request.user, patient_id=patient_id)
        except Patient.DoesNotExist:
            raise Http404 from None
        except Refused as refusal:
            away = refusal.reason is Reason.STORAGE
            code = status.HTTP_503_SERVICE_UNAVAILABLE if away else status.HTTP_409_CONFLICT
            return Response(
                _answer(accepted=False, reason_code=refusal.reason.value, message=refusal.message),
                status=code,
            )
        diagnosis = requested.diagnosis
        body = _answer(
            accepted=True,
            diagnosis_id=diagnosis.pk,
            upload_id=diagnosis.upload_id,
            reason_code=Reason.SAME_VALUES.value if requested.known else None,
            message=requested.message,
        )
        return Response(body, status=status.HTTP_200_OK if requested.known else status.HTTP_201_CREATED)


def _answer(**fields: Any) -> dict[str, Any]:
    return dict(RequestedSerializer({"diagnosis_id": None, "upload_id": None} | fields).data)
