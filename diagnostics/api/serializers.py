"""The shapes of the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from diagnostics.models import Diagnosis, Prediction, Recording
from patients.models import Patient


class UploadRequestSerializer(serializers.Serializer[Any]):
    """A batch of files for one patient."""

    patient = serializers.CharField(help_text="Id of the patient")
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), help_text="One or more files"
    )
    second_opinions = serializers.BooleanField(
        required=False, default=False, help_text="Ask every model of pictures, not the deciding one alone"
    )


class UploadOptionsSerializer(serializers.Serializer[Any]):
    """What may be asked for beside the upload itself."""

    second_opinions = serializers.BooleanField(default=False)


class VerdictSerializer(serializers.Serializer[Any]):
    """What became of one file."""

    filename = serializers.CharField()
    accepted = serializers.BooleanField()
    upload_id = serializers.UUIDField(allow_null=True)
    diagnosis_id = serializers.UUIDField(allow_null=True)
    reason_code = serializers.CharField(allow_null=True)
    message = serializers.CharField()


class UploadResponseSerializer(serializers.Serializer[Any]):
    """One verdict per file, in the order sent."""

    files = VerdictSerializer(many=True)


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """One model's answer."""

    model = serializers.CharField(source="model_version.name")
    version = serializers.CharField(source="model_version.version")
    weights_sha256 = serializers.CharField(source="model_version.weights_sha256")
    label = serializers.SerializerMethodField()  # type: ignore[assignment]  # the API names its field as the base class its own
    reason_code = serializers.SerializerMethodField()
    heatmap_url = serializers.SerializerMethodField()
    explanation = serializers.DictField(
        help_text="What else a clinical model or score says: level, risk, contributions, points; else empty"
    )

    class Meta:
        model = Prediction
        fields = [
            "id", "model", "version", "weights_sha256", "outcome", "label", "confidence", "probabilities",
            "prediction_set", "reason_code", "message", "explanation", "threshold", "heatmap_url", "duration_ms",
            "input_sha256", "code_version", "device",
        ]  # fmt: skip

    def get_label(self, prediction: Prediction) -> str | None:
        """None unless the model predicted."""
        return prediction.label or None

    def get_reason_code(self, prediction: Prediction) -> str | None:
        """None if the model predicted."""
        return prediction.reason_code or None

    def get_heatmap_url(self, prediction: Prediction) -> str | None:
        """Address of the heatmap PNG; None if there is none."""
        if not hasattr(prediction, "heatmap"):
            return None
        return reverse("api:heatmap", args=[prediction.pk], request=self.context.get("request"))


class DiagnosisSerializer(serializers.ModelSerializer[Diagnosis]):
    """A diagnosis with the answers of its models."""

    patient = serializers.UUIDField(source="patient_id")
    risk_level = serializers.SerializerMethodField()
    reason_code = serializers.SerializerMethodField()
    predictions = PredictionSerializer(many=True, source="answers")

    class Meta:
        model = Diagnosis
        fields = [
            "id", "patient", "upload_id", "status", "attempt", "risk_level", "risk_reasons", "second_opinions", "models_disagree",
            "predictions", "reason_code", "message", "created_at", "finished_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=["low", "moderate", "high"], allow_null=True))
    def get_risk_level(self, diagnosis: Diagnosis) -> str | None:
        """None until there is an answer."""
        return diagnosis.risk_level or None

    def get_reason_code(self, diagnosis: Diagnosis) -> str | None:
        """None unless refused or failed."""
        return diagnosis.reason_code or None


class RecordingSerializer(serializers.ModelSerializer[Recording]):
    """What was found in a recording. Beats are given as three lists of the same length."""

    beat_samples = serializers.SerializerMethodField()
    beat_classes = serializers.SerializerMethodField()
    beat_confidences = serializers.SerializerMethodField()

    class Meta:
        model = Recording
        fields = [
            "leads", "fs", "samples", "summary", "classes", "beat_samples", "beat_classes", "beat_confidences",
        ]  # fmt: skip

    def get_beat_samples(self, recording: Recording) -> list[int]:
        """R peaks, in samples."""
        return recording.beats().samples

    def get_beat_classes(self, recording: Recording) -> list[int]:
        """Position in `classes`; -1 where the model was not sure."""
        return recording.beats().classes

    def get_beat_confidences(self, recording: Recording) -> list[int]:
        """Calibrated probability of the most probable class, percent."""
        return recording.beats().confidences


class PatientSerializer(serializers.ModelSerializer[Patient]):
    """A patient."""

    risk_level = serializers.CharField(
        source="level",
        allow_null=True,
        read_only=True,
        help_text="high, moderate, low or unknown; null where nothing was assessed, or without the scope diagnoses:read",
    )

    class Meta:
        model = Patient
        fields = ["id", "mrn", "given_name", "family_name", "birth_date", "sex", "risk_level"]
