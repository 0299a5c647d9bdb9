"""Who may do what, as data. `docs/access.md` is generated from this file (`manage.py document_access`).

What a role may *see* is the row rule `visible_to` of each model; this table is about actions and pages.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from accounts import actor as acting_module
from accounts.models.api_key import Scope
from accounts.roles import SYSTEM, Role

if TYPE_CHECKING:
    from accounts.actor import Actor


class Permission(StrEnum):
    """Everything that needs a permission."""

    FIND_PATIENTS = "find patients"
    REGISTER_PATIENT = "register a patient"
    READ_HISTORY = "read a patient's history"
    WRITE_HISTORY = "write a patient's history"
    READ_VALUES = "read clinical values"
    WRITE_VALUES = "enter and correct clinical values"
    IMPORT_VALUES = "import tables of clinical values"
    UPLOAD = "upload files for a patient"
    READ_DIAGNOSES = "read diagnoses, predictions and heatmaps"
    READ_STUDIES = "view imaging studies"
    RESOLVE_STUDIES = "release, assign or reject held imaging studies"
    EXPORT_STUDIES = "export imaging studies without the patient's identity"
    SEE_REFUSED = "see which imaging files were refused and why"
    SEE_DASHBOARDS = "see dashboards of own patients, and export them"
    RETRY_DIAGNOSIS = "run a diagnosis again: one that failed, or with every model"
    REVIEW = "review and sign a diagnosis"
    SEND_RESULTS = "send results to the configured archive"
    READ_OWN_REPORTS = "read own signed reports"
    READ_OWN_VALUES = "read own clinical values over time"
    READ_CONDITIONS = "read the condition library"
    SEE_CONDITION_HISTORY = "see earlier versions of the condition library"
    EDIT_CONDITIONS = "edit the condition library"
    AUDIT_PREDICTIONS = "audit predictions and their provenance"
    READ_AUDIT = "read the audit trail"
    MANAGE_USERS = "manage users"
    SEE_WORKERS = "see workers and models"
    SEE_MODELS = "see the models' cards and their comparison"


ROLES: dict[Permission, frozenset[Role]] = {
    Permission.FIND_PATIENTS: frozenset({Role.DOCTOR, Role.INTEGRATION}),
    Permission.REGISTER_PATIENT: frozenset({Role.DOCTOR}),
    Permission.READ_HISTORY: frozenset({Role.DOCTOR}),
    Permission.WRITE_HISTORY: frozenset({Role.DOCTOR}),
    Permission.READ_VALUES: frozenset({Role.DOCTOR, Role.INTEGRATION}),
    Permission.WRITE_VALUES: frozenset({Role.DOCTOR, Role.INTEGRATION}),
    Permission.IMPORT_VALUES: frozenset({Role.DOCTOR}),
    Permission.UPLOAD: frozenset({Role.DOCTOR, Role.INTEGRATION}),
    Permission.READ_DIAGNOSES: frozenset({Role.DOCTOR, Role.INTEGRATION}),
    Permission.READ_STUDIES: frozenset({Role.DOCTOR, Role.INTEGRATION}),
    Permission.RESOLVE_STUDIES: frozenset({Role.DOCTOR}),
    Permission.EXPORT_STUDIES: frozenset({Role.DOCTOR}),
    Permission.SEE_REFUSED: frozenset({Role.DOCTOR, Role.ADMIN}),
    Permission.SEE_DASHBOARDS: frozenset({Role.DOCTOR}),
    Permission.RETRY_DIAGNOSIS: frozenset({Role.DOCTOR}),
    Permission.REVIEW: frozenset({Role.DOCTOR}),
    Permission.SEND_RESULTS: frozenset({Role.DOCTOR}),
    Permission.READ_OWN_REPORTS: frozenset({Role.PATIENT}),
    Permission.READ_OWN_VALUES: frozenset({Role.PATIENT}),
    Permission.READ_CONDITIONS: frozenset(Role),
    Permission.SEE_CONDITION_HISTORY: frozenset({Role.DOCTOR, Role.ADMIN, Role.AUDITOR}),
    Permission.EDIT_CONDITIONS: frozenset({Role.ADMIN}),
    Permission.AUDIT_PREDICTIONS: frozenset({Role.ADMIN, Role.AUDITOR}),
    Permission.READ_AUDIT: frozenset({Role.ADMIN, Role.AUDITOR}),
    Permission.MANAGE_USERS: frozenset({Role.ADMIN}),
    Permission.SEE_WORKERS: frozenset({Role.ADMIN}),
    Permission.SEE_MODELS: frozenset({Role.DOCTOR, Role.ADMIN, Role.AUDITOR}),
}

# What an API key needs besides its user's role. A permission that is not here cannot be used with a key.
SCOPES: dict[Permission, Scope] = {
    Permission.FIND_PATIENTS: Scope.PATIENTS_READ,
    Permission.READ_VALUES: Scope.VALUES_READ,
    Permission.WRITE_VALUES: Scope.VALUES_WRITE,
    Permission.UPLOAD: Scope.UPLOADS_WRITE,
    Permission.READ_DIAGNOSES: Scope.DIAGNOSES_READ,
    Permission.READ_STUDIES: Scope.STUDIES_READ,
    Permission.READ_CONDITIONS: Scope.DIAGNOSES_READ,
}


def can(actor: Actor | None, permission: Permission) -> bool:
    """Whether the actor's role, and the API key in use if there is one, allow it."""
    if actor is None or not actor.is_authenticated or not actor.is_active:
        return False
    if actor is SYSTEM:
        return True
    acting = acting_module.current()
    if acting is not None and acting.actor.pk == actor.pk and acting.scopes is not None:
        scope = SCOPES.get(permission)
        if scope is None or scope.value not in acting.scopes:
            return False
    return getattr(actor, "role", None) in ROLES[permission]


def require(actor: Actor | None, permission: Permission) -> None:
    """Raise PermissionDenied unless `can`."""
    if not can(actor, permission):
        raise PermissionDenied(f"Your role does not allow you to {permission.value}.")
