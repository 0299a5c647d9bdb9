"""Patients, their care teams and their history."""

from django.apps import AppConfig


class PatientsConfig(AppConfig):
    """The records room."""

    name = "patients"
