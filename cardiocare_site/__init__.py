"""Settings, URLs, Celery application and health checks. No domain code."""

from cardiocare_site.celery import app as celery_app

__all__ = ["celery_app"]
