"""The Celery application. Importing it imports no task and no model."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cardiocare_site.settings")
# Workers are many and their matrices small: a second thread costs more in hand-overs than it computes. NumPy reads it when it is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

app = Celery("cardiocare")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["worker"])
