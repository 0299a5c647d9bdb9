"""The roles, and the system actor that services use where no person acts."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """What a user is. Exactly one each."""

    DOCTOR = "doctor", "Doctor"
    PATIENT = "patient", "Patient"
    ADMIN = "admin", "Administrator"
    AUDITOR = "auditor", "Auditor"
    INTEGRATION = "integration", "Integration"


class System:
    """The actor of workers and commands: sees every row, signs nothing."""

    pk = None
    role = "system"
    username = "system"
    is_authenticated = True
    is_active = True


SYSTEM = System()
