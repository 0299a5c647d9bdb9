"""The application's own database role, over its own connection: it can neither rewrite history nor take the walls down."""

from __future__ import annotations

import os

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from accounts import database
from accounts.database import APP_ROLE
from cardiocare_site.connections import database_from_url
from tests.access.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def app():
    """A connection of the application's role to the test's database."""
    database.grant_privileges()
    url = database_from_url(os.environ["DATABASE_URL"])
    own = psycopg2.connect(
        dbname=connection.settings_dict["NAME"],
        user=url["USER"],
        password=url["PASSWORD"],
        host=url["HOST"],
        port=url["PORT"] or None,
    )
    own.autocommit = True
    with own.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APP_ROLE,)
        yield cursor
    own.close()


def act(app, user_id, role):
    app.execute(
        "SELECT set_config('cardiocare.user_id', %s, false), set_config('cardiocare.role', %s, false)",
        [user_id, role],
    )


TABLES = (
    "patients_patient", "patients_careteammember", "patients_note", "patients_condition", "patients_medication", "patients_allergy",
    "patients_clinicalvalue",
    "patients_valueimport",
    "patients_valueimportrow",
    "diagnostics_upload", "diagnostics_diagnosis", "diagnostics_prediction", "diagnostics_heatmap", "diagnostics_review",
    "diagnostics_report", "diagnostics_recording", "diagnostics_beatoverride", "diagnostics_patientrisk", "diagnostics_condition",
    "diagnostics_conditionrevision", "diagnostics_dicomstudy", "diagnostics_dicomseries", "diagnostics_dicominstance",
    "diagnostics_archivedelivery", "diagnostics_studyexport", "diagnostics_refusedobject",
    "accounts_auditevent",
)  # fmt: skip


def test_without_an_actor_no_row_is_read_though_all_tables_have_some(app):
    World()
    counts = {}
    for role in ("system", ""):
        act(app, "", role)
        for table in TABLES:
            app.execute(f"SELECT count(*) FROM {table}")
            counts[role, table] = app.fetchone()[0]
    assert [table for table in TABLES if counts["system", table] == 0] == []
    assert {table: counts["", table] for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_as_a_doctor_it_reads_that_doctors_patients_only(app):
    world = World()
    for who in ("doctor", "doctor_b"):
        act(app, str(world.users[who].pk), "doctor")
        app.execute("SELECT id FROM patients_patient")
        assert [row[0] for row in app.fetchall()] == [
            world.records[{"doctor": "a", "doctor_b": "b"}[who]].patient
        ]


def denied(app, statement):
    """Whether the database refuses a statement for want of the right."""
    try:
        app.execute(statement)
    except psycopg2.errors.InsufficientPrivilege:
        return True
    return False


def test_it_cannot_change_the_trail_predictions_or_reports(app):
    act(app, "", "system")
    for table in database.APPEND_ONLY:
        column = {"diagnostics_heatmap": "prediction_id", "diagnostics_recording": "diagnosis_id"}.get(
            table, "id"
        )
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ):
            assert denied(app, statement), statement


WALL_BREAKERS = (
    "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "CREATE POLICY everything ON {} USING (true)",
    "DROP TABLE {} CASCADE",
    "TRUNCATE {} CASCADE",
)


def test_it_cannot_take_a_wall_down(app):
    for statement in (breaker.format(table) for breaker in WALL_BREAKERS for table in TABLES):
        assert denied(app, statement), statement


def test_it_cannot_drop_any_policy_of_the_database(app):
    app.execute("SELECT policyname, tablename FROM pg_policies WHERE schemaname = 'public'")
    policies = app.fetchall()
    assert {table for _, table in policies} == set(TABLES)
    for policy, table in policies:
        assert denied(app, f"DROP POLICY {policy} ON {table}"), (policy, table)


RULE_BREAKERS = (
    "CREATE OR REPLACE FUNCTION cc_role() RETURNS text LANGUAGE sql AS $$ SELECT 'system'::text $$",
    "CREATE OR REPLACE FUNCTION cc_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "SET session_replication_role = replica",
    f"ALTER ROLE {APP_ROLE} BYPASSRLS",
    "SET ROLE cardiocare_owner",
    "DELETE FROM django_migrations",
)


def test_it_cannot_replace_the_rules_themselves(app):
    for statement in RULE_BREAKERS:
        assert denied(app, statement), statement


def test_every_table_with_a_patient_in_it_is_protected():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind = 'r'"
            " AND (relname LIKE 'patients\\_%' OR relname LIKE 'diagnostics\\_%') AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
        assert {row[0] for row in cursor.fetchall()} == {"diagnostics_modelversion", "diagnostics_workernode"}
    assert settings.CONFIG.database_role == "owner"  # the walls above hold although the tests own the tables
