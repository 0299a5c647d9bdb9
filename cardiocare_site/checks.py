"""System checks: what must not be overlooked before serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Sequence


@register(Tags.database)
def no_demo_people_in_production(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Demo users cannot sign in outside demo mode, but they should not be there at all."""
    from accounts.models import User

    if (
        not databases
        or settings.DEMO_MODE
        or User._meta.db_table not in connection.introspection.table_names()
    ):
        return []
    if not User.objects.filter(is_demo=True).exists():
        return []
    return [
        Error(
            "The database holds demo users.",
            hint="Use a database that never ran in demo mode, or delete these users.",
            id="cardiocare.E001",
        )
    ]


@register(Tags.security, deploy=True)
def application_role_owns_nothing(**_: Any) -> list[CheckMessage]:
    """Row-level security is only a wall for a role that can neither bypass nor alter it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT 1 FROM pg_tables WHERE tableowner = current_user"
            " AND schemaname = 'public') FROM pg_roles r WHERE rolname = current_user"
        )
        too_strong = cursor.fetchone()[0]
    if not too_strong or settings.CONFIG.database_role == "owner":
        return []
    return [
        CheckWarning(
            "DATABASE_URL connects as a role that owns tables or bypasses row-level security.",
            hint="Serve with the role cardiocare_app, and migrate with DATABASE_OWNER_URL; see deploy/README.md.",
            id="cardiocare.W001",
        )
    ]
