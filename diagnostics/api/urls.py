"""Routes of the REST API, version 1."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from diagnostics.api import clinical, conditions, levels, values, views

app_name = "api"
urlpatterns = [
    path("uploads/", views.UploadView.as_view(), name="uploads"),
    path("diagnoses/", views.DiagnosisListView.as_view(), name="diagnoses"),
    path("diagnoses/<uuid:diagnosis_id>/", views.DiagnosisView.as_view(), name="diagnosis"),
    path("diagnoses/<uuid:diagnosis_id>/recording/", views.RecordingView.as_view(), name="recording"),
    path("predictions/<uuid:prediction_id>/heatmap/", views.HeatmapView.as_view(), name="heatmap"),
    path("patients/", views.PatientListView.as_view(), name="patients"),
    path("patients/<uuid:patient_id>/values/", values.ClinicalValuesView.as_view(), name="values"),
    path(
        "patients/<uuid:patient_id>/clinical-diagnoses/",
        clinical.ClinicalDiagnosesView.as_view(),
        name="clinical-diagnoses",
    ),
    path("patients/<uuid:patient_id>/risk/", levels.PatientLevelView.as_view(), name="level"),
    path("conditions/", conditions.ConditionListView.as_view(), name="conditions"),
    path("conditions/<slug:slug>/", conditions.ConditionView.as_view(), name="condition"),
    path("schema/", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
]
