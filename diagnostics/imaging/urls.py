"""Routes of imaging studies, below /dicom/."""

from django.urls import path

from diagnostics.imaging import export_views, result_views, views

urlpatterns = [
    path("patients/<uuid:patient_id>/upload/", views.upload, name="upload-study"),
    path("held/", views.held_studies, name="held-studies"),
    path("refused/", views.refused_studies, name="refused-studies"),
    path("studies/<uuid:study_id>/", views.study, name="study"),
    path("studies/<uuid:study_id>/viewer.json", views.viewer, name="study-viewer"),
    path("studies/<uuid:study_id>/complete/", views.complete, name="complete-study"),
    path("studies/<uuid:study_id>/release/", views.release, name="release-study"),
    path("studies/<uuid:study_id>/reject/", views.reject, name="reject-study"),
    path("studies/<uuid:study_id>/export/", export_views.prepare, name="prepare-export"),
    path("studies/<uuid:study_id>/export/progress/", export_views.progress, name="export-progress"),
    path("studies/<uuid:study_id>/export.zip", export_views.download, name="export"),
    path("instances/<uuid:instance_id>/frames/<int:index>.png", views.frame_png, name="frame-png"),
    path("instances/<uuid:instance_id>/frames/<int:index>.raw", views.frame_raw, name="frame-raw"),
    path("instances/<uuid:instance_id>/frames/<int:index>.voi", views.frame_table, name="frame-table"),
    path("instances/<uuid:instance_id>/attributes.json", views.attributes, name="attributes"),
    path("results/<uuid:prediction_id>/report.dcm", result_views.report, name="result-report"),
    path("results/<uuid:prediction_id>/capture.dcm", result_views.capture, name="result-capture"),
    path("results/<uuid:prediction_id>/archive/", result_views.send, name="send-result"),
]
