"""Routes of diagnoses, reports and their audit."""

from django.urls import include, path

from diagnostics.views import (
    auditing,
    clinical,
    conditions,
    imports,
    models,
    patient_levels,
    recordings,
    reports,
    results,
    worklist,
)

app_name = "diagnostics"
urlpatterns = [
    path("worklist/", worklist.worklist, name="worklist"),
    path("patients/<uuid:patient_id>/", worklist.history, name="history"),
    path("patients/<uuid:patient_id>/risk/", patient_levels.levels, name="levels"),
    path("patients/<uuid:patient_id>/upload/", worklist.upload, name="upload"),
    path("patients/<uuid:patient_id>/assess/", clinical.assess, name="assess"),
    path("diagnoses/<uuid:diagnosis_id>/", results.detail, name="detail"),
    path("diagnoses/<uuid:diagnosis_id>/status/", worklist.status, name="status"),
    path("diagnoses/<uuid:diagnosis_id>/image/", results.image, name="image"),
    path("diagnoses/<uuid:diagnosis_id>/page/<slug:name>/", recordings.page_picture, name="page-picture"),
    path("diagnoses/<uuid:diagnosis_id>/heatmaps/<uuid:prediction_id>/", results.heatmap, name="heatmap"),
    path("diagnoses/<uuid:diagnosis_id>/review/", results.review, name="review"),
    path("diagnoses/<uuid:diagnosis_id>/sign/", results.sign, name="sign"),
    path("diagnoses/<uuid:diagnosis_id>/retry/", results.retry, name="retry"),
    path("diagnoses/<uuid:diagnosis_id>/every-model/", results.ask_every_model, name="ask"),
    path("diagnoses/<uuid:diagnosis_id>/tell/", recordings.tell, name="tell"),
    path("diagnoses/<uuid:diagnosis_id>/recording/", recordings.summary, name="recording"),
    path("diagnoses/<uuid:diagnosis_id>/recording/beats/", recordings.beats, name="beats"),
    path("diagnoses/<uuid:diagnosis_id>/recording/signal/", recordings.signal, name="signal"),
    path("diagnoses/<uuid:diagnosis_id>/recording/override/", recordings.override, name="override"),
    path("imports/<uuid:import_id>/progress/", imports.progress, name="import-progress"),
    path("imports/<uuid:import_id>/result.csv", imports.result, name="import-result"),
    path("dashboards/", include("diagnostics.dashboards.urls")),
    path("reports/", reports.reports, name="reports"),
    path("reports/<uuid:report_id>/", reports.report, name="report"),
    path("conditions/", conditions.conditions, name="conditions"),
    path("conditions/<slug:slug>/", conditions.condition, name="condition"),
    path("conditions/<slug:slug>/edit/", conditions.edit, name="edit-condition"),
    path("conditions/<slug:slug>/history/", conditions.history, name="condition-history"),
    path("predictions/", auditing.predictions, name="predictions"),
    path("predictions/<uuid:prediction_id>/", auditing.prediction, name="prediction"),
    path("models/", models.models, name="models"),
    path("models/comparison/", models.compare, name="comparison"),
    path("models/<slug:name>/", models.card, name="model-card"),
    path("workers/", auditing.workers, name="workers"),
]
