"""Keys by which other systems act."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Scope(models.TextChoices):
    """What a key may be used for; it never exceeds what its user may do."""

    UPLOADS_WRITE = "uploads:write", "Upload files"
    DIAGNOSES_READ = "diagnoses:read", "Read diagnoses, predictions and heatmaps"
    PATIENTS_READ = "patients:read", "Find and read patients"
    STUDIES_READ = "studies:read", "Find and fetch imaging studies, with the identity in them"
    VALUES_READ = "values:read", "Read clinical values"
    VALUES_WRITE = "values:write", "Add clinical values"


class ApiKey(models.Model):
    """A key of one user. Only its SHA-256 is kept; the random key has 256 bits, so no slow hash is needed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    prefix = models.CharField(max_length=12, db_index=True)
    key_sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        """The visible part of the key."""
        return f"{self.prefix}…"
