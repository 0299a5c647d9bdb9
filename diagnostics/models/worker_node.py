"""The workers that are alive, as they report themselves."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

ALIVE_FOR = dt.timedelta(seconds=30)


class WorkerNodeQuerySet(models.QuerySet["WorkerNode"]):
    """Holds no clinical data, so no row rule."""

    def alive(self) -> Self:
        """Workers heard of within the last 30 seconds."""
        return self.filter(last_seen__gt=timezone.now() - ALIVE_FOR)


class WorkerNode(models.Model):
    """One Celery worker: where it runs, what it consumes, what it computes on."""

    name = models.CharField(max_length=200, unique=True)
    queues = ArrayField(models.CharField(max_length=32), default=list)
    device = models.CharField(max_length=200, blank=True)
    has_gpu = models.BooleanField(default=False)
    last_seen = models.DateTimeField()

    objects = WorkerNodeQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        """Its Celery node name."""
        return self.name

    @property
    def alive(self) -> bool:
        """Whether it was heard of within the last 30 seconds."""
        return self.last_seen > timezone.now() - ALIVE_FOR
