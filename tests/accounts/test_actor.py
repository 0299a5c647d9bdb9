"""Who acts: bound to the transaction, restored after it, and undone with it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from accounts import actor as acting_module
from accounts.actor import acting_as, become, elevated, on_rollback
from accounts.policy import ROLES, SCOPES, Permission, can, require
from accounts.roles import SYSTEM, Role
from tests import factories

pytestmark = pytest.mark.django_db


def bound():
    """What the row-level policies read now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cc_user(), cc_role()")
        return cursor.fetchone()


def test_blocks_nest_and_each_end_restores_the_actor_before(doctor, other_doctor):
    before = bound()
    with acting_as(doctor):
        assert bound() == (doctor.pk, "doctor")
        with acting_as(other_doctor):
            assert bound() == (other_doctor.pk, "doctor")
        with elevated():
            assert bound() == (None, "system")
        assert bound() == (doctor.pk, "doctor")
    assert (bound(), acting_module.current()) == (before, None)


def test_an_error_restores_the_actor_before_too(doctor):
    with acting_as(doctor):
        for inner in (acting_as(SYSTEM), elevated()):
            with pytest.raises(RuntimeError), inner:
                raise RuntimeError
            assert bound() == (doctor.pk, "doctor")


def test_nobody_and_an_inactive_user_bind_no_role(doctor):
    doctor.is_active = False
    for nobody in (AnonymousUser(), doctor):
        with acting_as(nobody):
            assert bound() == (None, "")


def test_becoming_somebody_needs_a_block(doctor):
    with pytest.raises(RuntimeError, match="surrounding"):
        become(doctor)
    with acting_as(AnonymousUser()):
        become(doctor)
        assert bound() == (doctor.pk, "doctor")


def test_what_a_block_did_outside_the_database_is_undone_once_when_it_fails(doctor):
    undone = []
    with pytest.raises(RuntimeError), acting_as(doctor):  # noqa: PT012  # the block is what is tested
        on_rollback(lambda: undone.append("first"))
        with acting_as(SYSTEM):
            on_rollback(lambda: undone.append("inner"))
        assert undone == []
        raise RuntimeError
    assert undone == ["inner", "first"]


def test_it_is_undone_when_the_block_is_rolled_back_without_an_error(doctor):
    undone = []
    with acting_as(doctor):
        on_rollback(lambda: undone.append("rolled back"))
        transaction.set_rollback(True)
    assert undone == ["rolled back"]


def test_an_inner_failure_undoes_the_inner_part_alone(doctor):
    undone = []
    with acting_as(doctor):
        on_rollback(lambda: undone.append("outer"))
        with pytest.raises(RuntimeError), acting_as(SYSTEM):  # noqa: PT012  # the same
            on_rollback(lambda: undone.append("inner"))
            raise RuntimeError
    assert undone == ["inner"]


def test_nothing_is_undone_after_success(doctor):
    undone = []
    with acting_as(doctor):
        on_rollback(lambda: undone.append("never"))
    assert undone == []


@pytest.mark.parametrize("permission", Permission)
def test_each_permission_is_its_roles_and_nobody_elses(permission):
    allowed = {role for role in Role if can(factories.user(role), permission)}
    assert allowed == set(ROLES[permission])
    assert not can(None, permission)
    assert not can(AnonymousUser(), permission)
    inactive = factories.user(next(iter(ROLES[permission])), is_active=False)
    with pytest.raises(PermissionDenied):
        require(inactive, permission)


@pytest.mark.parametrize("permission", Permission)
def test_a_key_without_the_scope_of_a_permission_does_not_have_it(permission):
    actor = factories.user(next(iter(ROLES[permission])))
    with acting_as(actor):
        become(actor, scopes=frozenset())
        assert not can(actor, permission)
        become(actor, scopes=frozenset(SCOPES.values()))
        assert can(actor, permission) == (permission in SCOPES)
