"""Routes of patients. `/patients/<id>/` itself is diagnostics:history, which knows both rooms."""

from django.urls import path

from patients.views import patients

app_name = "patients"
urlpatterns = [
    path("", patients.patient_list, name="list"),
    path("register/", patients.register, name="register"),
    path("<uuid:patient_id>/entries/<slug:kind>/", patients.add_entry, name="add-entry"),
    path("<uuid:patient_id>/team/", patients.add_member, name="add-member"),
]
