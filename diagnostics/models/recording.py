"""What was found in a recording, and what doctors changed about single beats."""

from __future__ import annotations

import dataclasses
import sys
from array import array
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.querysets import VisibleQuerySet
from diagnostics.models.diagnosis import Diagnosis

if TYPE_CHECKING:
    from accounts.actor import Actor


@dataclasses.dataclass(frozen=True, slots=True)
class Beats:
    """Heartbeats in the order of time: R peaks in samples, position among the classes or -1, confidence in percent."""

    samples: list[int]
    classes: list[int]
    confidences: list[int]


class RecordingQuerySet(VisibleQuerySet["Recording"]):
    """Recordings go with the diagnosis."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Recordings of the doctor's own patients."""
        return self.filter(diagnosis__in=Diagnosis.objects.visible_to(actor))

    def visible_to_integration(self, actor: Actor) -> Self:
        """Recordings of the integration's own patients."""
        return self.filter(diagnosis__in=Diagnosis.objects.visible_to(actor))


class Recording(models.Model):
    """Beats, measurements and the kept signal of a recording; the fields of `ml.contract.RecordingFindings`. Append-only (trigger)."""

    diagnosis = models.OneToOneField(
        Diagnosis, on_delete=models.PROTECT, primary_key=True, related_name="recording"
    )
    attempt = models.PositiveSmallIntegerField()
    leads = ArrayField(models.CharField(max_length=32))
    fs = models.FloatField(help_text="sampling rate, Hz")
    samples = models.PositiveBigIntegerField()
    summary = models.JSONField()
    classes = ArrayField(models.CharField(max_length=64))
    beat_samples = models.BinaryField(help_text="int32, little endian")
    beat_classes = models.BinaryField(help_text="int8, -1 where the model was not sure")
    beat_confidences = models.BinaryField(help_text="percent, one byte each")
    beat_heat = models.BinaryField(help_text="0 to 255, as many bytes per beat as heat has steps")
    heat = models.JSONField(null=True)
    signal = models.JSONField(help_text="prefix in the storage, and layout of the tiles")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RecordingQuerySet.as_manager()

    def __str__(self) -> str:
        """Leads and length."""
        return f"{', '.join(self.leads)}, {self.seconds:.0f} s"

    def beats(self) -> Beats:
        """Its heartbeats as lists."""
        samples = array("i", bytes(self.beat_samples))
        if sys.byteorder == "big":
            samples.byteswap()
        classes = array("b", bytes(self.beat_classes))
        return Beats(samples.tolist(), classes.tolist(), list(bytes(self.beat_confidences)))

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.fs


class BeatOverrideQuerySet(VisibleQuerySet["BeatOverride"]):
    """Overrides go with the diagnosis."""

    def visible_to_doctor(self, actor: Actor) -> Self:
        """Overrides in recordings of the doctor's own patients."""
        return self.filter(recording__in=Recording.objects.visible_to(actor))


class BeatOverride(models.Model):
    """A doctor's own class for one beat. Append-only (trigger); the latest counts."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="overrides")
    beat = models.PositiveIntegerField(help_text="position among the recording's beats, from 0")
    label = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)

    objects = BeatOverrideQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        """Beat and class."""
        return f"beat {self.beat}: {self.label}"
