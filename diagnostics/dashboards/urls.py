"""Routes of the dashboards, below /dashboards/."""

from django.urls import path

from diagnostics.dashboards import views

urlpatterns = [
    path("", views.people, name="dashboards"),
    path("people.csv", views.people_csv, name="dashboard-people-csv"),
    path("cohort/", views.cohort, name="dashboard-cohort"),
    path("cohort.csv", views.cohort_csv, name="dashboard-cohort-csv"),
    path("patients/<uuid:patient_id>/", views.trends, name="dashboard-trends"),
    path("patients/<uuid:patient_id>/trends.csv", views.trends_csv, name="dashboard-trends-csv"),
]
