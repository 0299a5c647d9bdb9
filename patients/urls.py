"""Routes of patients. `/patients/<id>/` itself is diagnostics:history, which knows both rooms."""

from django.urls import path

from patients.views import clinical, imports, own, patients

app_name = "patients"
urlpatterns = [
    path("", patients.patient_list, name="list"),
    path("register/", patients.register, name="register"),
    path("values/own/", own.values, name="own-values"),
    path("values/import/", imports.imports, name="imports"),
    path("values/import/template.csv", imports.template, name="import-template"),
    path("values/import/template.xlsx", imports.template_workbook, name="import-template-workbook"),
    path("values/import/<uuid:import_id>/", imports.table, name="import"),
    path("values/import/<uuid:import_id>/record/", imports.record, name="import-record"),
    path("<uuid:patient_id>/entries/<slug:kind>/", patients.add_entry, name="add-entry"),
    path("<uuid:patient_id>/team/", patients.add_member, name="add-member"),
    path("<uuid:patient_id>/values/", clinical.values, name="values"),
    path("<uuid:patient_id>/values/enter/", clinical.enter, name="enter-values"),
    path("<uuid:patient_id>/values/export/", clinical.export, name="export-values"),
    path("<uuid:patient_id>/values/check/<slug:code>/", clinical.check, name="check-value"),
    path("<uuid:patient_id>/values/of/<slug:code>/", clinical.course, name="course"),
    path("<uuid:patient_id>/values/<int:value_id>/correct/", clinical.correct, name="correct-value"),
]
