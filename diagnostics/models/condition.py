"""The condition library: conditions, and every version of their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.querysets import VisibleQuerySet

if TYPE_CHECKING:
    from accounts.actor import Actor

ModelT = TypeVar("ModelT", bound=models.Model)


class Audience(models.TextChoices):
    """Who a text is for."""

    DOCTOR = "doctor", "For clinicians"
    PATIENT = "patient", "In plain words"


class Section(models.TextChoices):
    """What a text is about."""

    WHAT = "what", "What it is"
    CAUSES = "causes", "Causes"
    SYMPTOMS = "symptoms", "Symptoms"
    HELP = "help", "When to seek help"
    TREATMENT = "treatment", "Usual treatment"


class LibraryQuerySet(VisibleQuerySet[ModelT]):
    """The library holds nothing of any patient: everybody who is signed in reads it."""

    def visible_to(self, actor: Actor | None) -> Self:
        """Every row for anybody signed in, none for nobody."""
        return self.all() if actor is not None and actor.is_authenticated and actor.is_active else self.none()


class ConditionQuerySet(LibraryQuerySet["Condition"]):
    """Conditions."""


class Condition(models.Model):
    """Something that a label, or an episode of a recording, stands for. Made from `diagnostics/conditions/texts`."""

    slug = models.SlugField(primary_key=True, max_length=64)
    name = models.CharField(max_length=120)
    labels = ArrayField(models.CharField(max_length=64), default=list, help_text="of the suite's models")
    episodes = ArrayField(models.CharField(max_length=64), default=list, help_text="kinds, of recordings")

    objects = ConditionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        """Its name."""
        return self.name


class ConditionRevisionQuerySet(LibraryQuerySet["ConditionRevision"]):
    """Versions of the texts."""

    def latest_of_each(self) -> Self:
        """The version in force of each condition, with the condition."""
        rows = self.order_by("condition_id", "-number").distinct("condition_id")
        return rows.select_related("condition", "author")


class ConditionRevision(models.Model):
    """One version of a condition's texts. Append-only (trigger); the highest number is in force.

    `texts` maps each Audience to each Section to plain paragraphs, separated by blank lines. A version without an author came with the
    platform.
    """

    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    texts = models.JSONField()
    sources = ArrayField(models.CharField(max_length=300), help_text="guidelines by name and year")
    review_by = models.DateField(help_text="when somebody has to look at the texts again")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    comment = models.CharField(max_length=200, blank=True, help_text="why it was changed")
    at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ConditionRevisionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["condition", "number"], name="conditionrevision_number_once")
        ]

    def __str__(self) -> str:
        """Condition and number."""
        return f"{self.condition_id}, version {self.number}"

    @property
    def overdue(self) -> bool:
        """Whether the texts should have been looked at again."""
        return self.review_by < timezone.localdate()

    def sections(self, audience: Audience) -> list[tuple[str, str]]:
        """Heading and text of each section."""
        return [(str(one.label), self.texts[audience.value][one.value]) for one in Section]

    @property
    def for_doctors(self) -> list[tuple[str, str]]:
        """Sections for clinicians."""
        return self.sections(Audience.DOCTOR)

    @property
    def for_patients(self) -> list[tuple[str, str]]:
        """Sections in plain words."""
        return self.sections(Audience.PATIENT)

    @property
    def causes_and_treatment(self) -> list[tuple[str, str]]:
        """What a result page tells the clinician."""
        texts = self.texts[Audience.DOCTOR.value]
        return [(str(one.label), texts[one.value]) for one in (Section.CAUSES, Section.TREATMENT)]
