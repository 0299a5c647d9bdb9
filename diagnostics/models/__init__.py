"""Models of uploads, diagnoses, predictions, reviews and reports."""

from diagnostics.models.condition import Condition, ConditionRevision
from diagnostics.models.delivery import ArchiveDelivery
from diagnostics.models.diagnosis import Diagnosis
from diagnostics.models.imaging import DicomInstance, DicomSeries, DicomStudy
from diagnostics.models.patient_risk import PatientRisk
from diagnostics.models.prediction import Heatmap, ModelVersion, Prediction
from diagnostics.models.recording import BeatOverride, Recording
from diagnostics.models.refused_object import RefusedObject
from diagnostics.models.review import Report, Review
from diagnostics.models.study_export import StudyExport
from diagnostics.models.upload import Upload
from diagnostics.models.worker_node import WorkerNode

__all__ = [
    "ArchiveDelivery",
    "BeatOverride",
    "Condition",
    "ConditionRevision",
    "Diagnosis",
    "DicomInstance",
    "DicomSeries",
    "DicomStudy",
    "Heatmap",
    "ModelVersion",
    "PatientRisk",
    "Prediction",
    "Recording",
    "RefusedObject",
    "Report",
    "Review",
    "StudyExport",
    "Upload",
    "WorkerNode",
]
