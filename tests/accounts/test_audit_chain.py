"""The audit trail cannot be changed unnoticed, and stays one chain whoever writes at the same time."""

from __future__ import annotations

import io
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts import audit
from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from accounts.selectors import broken_audit_links
from tests import factories

pytestmark = pytest.mark.django_db


def write(number):
    for count in range(number):
        with acting_as(SYSTEM):
            audit.record(audit.Action.SEARCH, detail={"count": count})


def as_attacker(statement, parameters=()):
    """Run a statement as the owner of the table, with the triggers switched off."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE accounts_auditevent NO FORCE ROW LEVEL SECURITY")
        cursor.execute(statement, parameters)
        assert cursor.rowcount == 1
        cursor.execute("ALTER TABLE accounts_auditevent FORCE ROW LEVEL SECURITY")
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER USER")


def ids():
    with acting_as(SYSTEM):
        return list(AuditEvent.objects.order_by("pk").values_list("pk", flat=True))


def test_an_untouched_trail_is_whole():
    write(5)
    assert broken_audit_links() == (5, [])


def test_each_event_names_the_hash_of_the_one_before():
    write(3)
    with acting_as(SYSTEM):
        links = list(AuditEvent.objects.order_by("pk").values_list("prev_hash", "hash"))
    assert [link[0] for link in links] == ["", links[0][1], links[1][1]]
    assert len({link[1] for link in links}) == 3


@pytest.mark.parametrize(
    "change",
    [
        "actor_name = 'somebody else'",
        "actor_id = 99",
        "action = 'read'",
        "outcome = 'refused'",
        "object_id = 'x'",
        "patient_id = gen_random_uuid()",
        "detail = '{}'",
        "at = at + interval '1 second'",
        "ip = '10.0.0.1'",
        "request_id = 'x'",
        "via = 'web'",
        "actor_role = 'doctor'",
        "object_type = 'x'",
    ],
)
def test_a_change_of_any_column_is_found_at_its_event(change):
    write(3)
    victim = ids()[1]
    as_attacker(f"UPDATE accounts_auditevent SET {change} WHERE id = %s", [victim])
    assert broken_audit_links() == (3, [victim])


def test_a_change_with_its_hash_recomputed_is_found_at_the_next_event():
    write(3)
    victim, following = ids()[1:]
    as_attacker("UPDATE accounts_auditevent SET actor_name = 'x' WHERE id = %s", [victim])
    as_attacker("UPDATE accounts_auditevent e SET hash = cc_audit_hash(e) WHERE id = %s", [victim])
    assert broken_audit_links() == (3, [following])


def test_a_removed_event_is_found_at_the_next_one():
    write(3)
    victim, following = ids()[1:]
    as_attacker("DELETE FROM accounts_auditevent WHERE id = %s", [victim])
    assert broken_audit_links() == (2, [following])


def test_swapped_events_are_found():
    write(4)
    one, two = ids()[1:3]
    as_attacker("UPDATE accounts_auditevent SET id = -1 WHERE id = %s", [one])
    as_attacker("UPDATE accounts_auditevent SET id = %s WHERE id = %s", [one, two])
    as_attacker("UPDATE accounts_auditevent SET id = %s WHERE id = -1", [two])
    assert broken_audit_links()[1] == ids()[1:4]


@pytest.mark.parametrize(
    "change", ["UPDATE accounts_auditevent SET actor_name = 'x'", "DELETE FROM accounts_auditevent"]
)
def test_no_change_reaches_the_trail_even_as_the_system(change):
    write(1)
    with acting_as(SYSTEM), connection.cursor() as cursor:
        cursor.execute(change)
        assert cursor.rowcount == 0
    assert broken_audit_links() == (1, [])


@pytest.mark.parametrize(
    "change", ["UPDATE accounts_auditevent SET actor_name = 'x'", "DELETE FROM accounts_auditevent"]
)
def test_the_trigger_stops_the_owner_too_without_row_level_security(change):
    write(1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent NO FORCE ROW LEVEL SECURITY")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(change)
        cursor.execute("ALTER TABLE accounts_auditevent FORCE ROW LEVEL SECURITY")
    assert broken_audit_links() == (1, [])


def test_hash_and_time_are_the_databases_own_whatever_is_inserted():
    with acting_as(SYSTEM):
        AuditEvent.objects.create(
            action="read", outcome="allowed", via="x", hash="f" * 64, prev_hash="e" * 64
        )
        event = AuditEvent.objects.get()
    assert (event.prev_hash, event.hash == "f" * 64) == ("", False)
    assert broken_audit_links() == (1, [])


def test_verify_audit_counts_a_whole_trail_and_names_a_broken_event():
    write(2)
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert out.getvalue() == "2 audit events, chain intact.\n"
    victim = ids()[0]
    as_attacker("UPDATE accounts_auditevent SET action = 'read' WHERE id = %s", [victim])
    with pytest.raises(CommandError, match=rf"^The audit trail is broken at event {victim}\.$"):
        call_command("verify_audit")


def test_events_of_a_failed_block_are_not_written():
    with pytest.raises(RuntimeError), acting_as(SYSTEM):  # noqa: PT012  # the block is what is tested
        audit.record(audit.Action.READ)
        raise RuntimeError
    assert ids() == []


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_keep_one_chain():
    doctor = factories.user()
    before, _ = broken_audit_links()
    gate = threading.Barrier(6)

    def writer():
        gate.wait()
        try:
            for _ in range(10):
                with acting_as(doctor):
                    audit.record(audit.Action.READ, obj=doctor)
                    audit.record(audit.Action.SEARCH)
        finally:
            connection.close()

    threads = [threading.Thread(target=writer) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken_audit_links() == (before + 120, [])
    with acting_as(SYSTEM):
        assert AuditEvent.objects.values("prev_hash").distinct().count() == before + 120


def test_an_outer_rollback_takes_the_events_of_inner_blocks_with_it():
    with transaction.atomic():
        write(2)
        transaction.set_rollback(True)
    assert ids() == []


def test_adding_an_event_does_not_read_the_trail_however_long_it_is():
    write(3)
    with acting_as(SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_auditevent (actor_name, actor_role, via, request_id, action, outcome, object_type,"
            " object_id, detail) SELECT '', 'system', 'test', '', 'search', 'allowed', '', '', '{}' FROM generate_series(1, 3000)"
        )
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT hash FROM accounts_auditevent ORDER BY id DESC LIMIT 1"
        )
        (newest,) = cursor.fetchone()[0][0]["Plan"]["Plans"][-1:]
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = 'cc_audit_chain'")
        assert cursor.fetchone()[0] == ["enable_seqscan=off"]
    assert (newest["Node Type"], newest["Scan Direction"], newest["Actual Rows"]) == (
        "Index Scan", "Backward", 1,
    )  # fmt: skip
