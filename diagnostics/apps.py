"""Uploads, diagnoses, predictions, reviews and reports; REST API."""

from django.apps import AppConfig


class DiagnosticsConfig(AppConfig):
    """The diagnostics room."""

    name = "diagnostics"
