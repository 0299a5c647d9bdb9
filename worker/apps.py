"""Celery tasks: thin shells around services."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """The worker room."""

    name = "worker"

    def ready(self) -> None:
        """Connect the worker's signals; Celery sends them in worker processes only."""
        from worker import node  # noqa: F401  # importing it connects the handlers
