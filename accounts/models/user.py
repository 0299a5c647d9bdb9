"""The user."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from accounts.roles import Role


class User(AbstractUser):
    """A person or a system that signs in, with exactly one role."""

    role = models.CharField(max_length=16, choices=Role)
    is_demo = models.BooleanField(default=False, editable=False)

    REQUIRED_FIELDS = ["role"]

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="accounts_user_role_known"),
        ]

    def __str__(self) -> str:
        """The full name where there is one."""
        return self.get_full_name() or self.username
