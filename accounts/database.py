"""The second wall: privileges of the application's database role, and SQL files run by migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, migrations
from django.db.models.signals import post_migrate

if TYPE_CHECKING:
    from pathlib import Path

APP_ROLE = "cardiocare_app"
# Tables of which the application may only add and read rows.
APPEND_ONLY = (
    "accounts_auditevent",
    "diagnostics_prediction",
    "diagnostics_heatmap",
    "diagnostics_report",
    "diagnostics_recording",
    "diagnostics_beatoverride",
    "diagnostics_patientrisk",
    "diagnostics_conditionrevision",
    "patients_clinicalvalue",
)


def run_sql(path: Path) -> migrations.RunSQL:
    """A migration operation that runs one SQL file."""
    return migrations.RunSQL(path.read_text(encoding="utf-8"), reverse_sql=migrations.RunSQL.noop)


def grant_privileges(**_: Any) -> None:
    """Give the application's role its privileges, where that role exists; run after every migration.

    The role owns nothing, so it can neither alter a table nor switch off a policy or a trigger.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", [APP_ROLE])
        if cursor.fetchone() is None:
            return
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}")
        existing = set(connection.introspection.table_names(cursor))
        for table in sorted(existing.intersection(APPEND_ONLY)):
            cursor.execute(f"REVOKE UPDATE, DELETE ON {connection.ops.quote_name(table)} FROM {APP_ROLE}")
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {APP_ROLE}")


def connect() -> None:
    """Run `grant_privileges` after each `migrate`."""
    post_migrate.connect(grant_privileges, dispatch_uid="accounts.grant_privileges")
