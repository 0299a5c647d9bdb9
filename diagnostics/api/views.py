"""Views of the REST API: check, call one service or selector, answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import audit
from accounts.policy import Permission
from diagnostics import selectors
from diagnostics.api.serializers import (
    DiagnosisSerializer,
    PatientSerializer,
    RecordingSerializer,
    UploadOptionsSerializer,
    UploadRequestSerializer,
    UploadResponseSerializer,
)
from diagnostics.models import Diagnosis, Heatmap, Recording
from diagnostics.reasons import Reason, sentence
from diagnostics.services.uploads import submit_uploads
from patients.models import Patient
from patients.selectors import find_patients

if TYPE_CHECKING:
    import uuid

    from django.db.models import QuerySet
    from rest_framework.request import Request


class UploadView(APIView):
    """Take in files."""

    permission = Permission.UPLOAD
    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": UploadRequestSerializer},
        responses={
            201: UploadResponseSerializer,
            207: UploadResponseSerializer,
            404: UploadResponseSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """201 when every file was accepted, 207 when some were refused, 404 when the patient is not the caller's."""
        files = request.FILES.getlist("files")
        if not files:
            body = {"reason_code": Reason.NO_FILES.value, "message": sentence(Reason.NO_FILES), "files": []}
            return Response(body, status=status.HTTP_400_BAD_REQUEST)
        options = UploadOptionsSerializer(data=request.POST.dict())
        options.is_valid(raise_exception=True)
        patient_id = str(request.POST.get("patient", ""))
        verdicts = submit_uploads(request.user, patient_id=patient_id, files=files, **options.validated_data)
        codes = {verdict.reason_code for verdict in verdicts}
        if Reason.PATIENT_NOT_FOUND.value in codes:
            code: int = status.HTTP_404_NOT_FOUND
        elif all(verdict.accepted for verdict in verdicts):
            code = status.HTTP_201_CREATED
        else:
            code = status.HTTP_207_MULTI_STATUS
        return Response({"files": [verdict.as_json() for verdict in verdicts]}, status=code)


class DiagnosisListView(generics.ListAPIView[Diagnosis]):
    """The caller's diagnoses, newest first."""

    permission = Permission.READ_DIAGNOSES
    serializer_class = DiagnosisSerializer

    def get_queryset(self) -> QuerySet[Diagnosis]:
        """What the caller may see."""
        return selectors.diagnoses(self.request.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of diagnoses."""
        response = super().list(request, *args, **kwargs)
        shown = [str(row["id"]) for row in response.data["results"]]
        audit.record(audit.Action.SEARCH, detail={"list": "diagnoses", "shown": shown})
        return response


class DiagnosisView(APIView):
    """One diagnosis."""

    permission = Permission.READ_DIAGNOSES

    @extend_schema(responses=DiagnosisSerializer)
    def get(self, request: Request, diagnosis_id: uuid.UUID) -> Response:
        """Its state, and the answers of its models once there are any."""
        try:
            diagnosis = selectors.get_diagnosis(request.user, diagnosis_id)
        except Diagnosis.DoesNotExist:
            raise Http404 from None
        audit.record(audit.Action.READ, obj=diagnosis, patient_id=diagnosis.patient_id)
        return Response(DiagnosisSerializer(diagnosis, context={"request": request}).data)


class RecordingView(APIView):
    """What was found in a recording."""

    permission = Permission.READ_DIAGNOSES

    @extend_schema(responses=RecordingSerializer)
    def get(self, request: Request, diagnosis_id: uuid.UUID) -> Response:
        """Measurements, episodes, stretches that could not be analysed, and every beat."""
        try:
            recording = selectors.recording(request.user, diagnosis_id)
        except Recording.DoesNotExist:
            raise Http404 from None
        diagnosis = recording.diagnosis
        audit.record(
            audit.Action.READ, obj=diagnosis, patient_id=diagnosis.patient_id, detail={"recording": True}
        )
        return Response(RecordingSerializer(recording).data)


class HeatmapView(APIView):
    """One heatmap."""

    permission = Permission.READ_DIAGNOSES

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, prediction_id: uuid.UUID) -> HttpResponse:
        """The 8-bit grey PNG, 0 for nowhere and 255 for most."""
        try:
            heatmap = selectors.heatmap(request.user, prediction_id)
        except Heatmap.DoesNotExist:
            raise Http404 from None
        diagnosis = heatmap.prediction.diagnosis
        detail = {"diagnosis": str(diagnosis.pk)}
        audit.record(audit.Action.READ, obj=heatmap, patient_id=diagnosis.patient_id, detail=detail)
        return HttpResponse(bytes(heatmap.png), content_type="image/png")


class PatientListView(generics.ListAPIView[Patient]):
    """The caller's patients."""

    permission = Permission.FIND_PATIENTS
    serializer_class = PatientSerializer

    def get_queryset(self) -> QuerySet[Patient]:
        """By name, MRN or birth date."""
        found = find_patients(self.request.user, self.request.query_params.get("q", ""))
        return selectors.with_levels(self.request.user, found)

    @extend_schema(
        parameters=[OpenApiParameter("q", str, description="Name, MRN or birth date; typos are forgiven")]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of patients, best match first."""
        response = super().get(request, *args, **kwargs)
        shown = [str(row["id"]) for row in response.data["results"]]
        audit.record(audit.Action.SEARCH, detail={"list": "patients", "shown": shown})
        return response
