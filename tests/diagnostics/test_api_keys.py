"""Bearer keys: what opens, what does not, and what the command prints."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.actor import acting_as
from accounts.models import ApiKey, AuditEvent
from accounts.models.api_key import Scope
from accounts.policy import SCOPES, Permission, can
from accounts.roles import SYSTEM, Role
from accounts.services.api_keys import create_api_key, find_api_key, revoke_api_key
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/api/v1/diagnoses/"


@pytest.fixture
def key(doctor):
    factories.completed(factories.patient(team=(doctor,)), doctor)
    return create_api_key(user=doctor, scopes=["diagnoses:read"], expires_days=1)


def get(secret, scheme="Bearer", url=URL):
    response = Client().get(url, headers={"authorization": f"{scheme} {secret}"})
    return response.status_code, response.json()


def test_a_valid_key_reads_what_its_user_may_read(key):
    status, body = get(key[1])
    assert (status, body["count"]) == (200, 1)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(key, scheme):
    assert get(key[1], scheme)[0] == 200


@pytest.mark.parametrize("wrong", ["", "x", "cc_" + "x" * 43, "prefix", "doubled", "utf"])
def test_an_unknown_key_answers_401_and_says_so(key, wrong):
    secret = {"prefix": key[0].prefix, "doubled": key[1] + key[1], "utf": "\u00e9\u00ff"}.get(wrong, wrong)
    status, body = get(secret)
    assert (status, body) == (
        401,
        {"reason_code": "not_authenticated",
         "message": "This API key is unknown, expired or revoked. Ask the administrator for a new one."},
    )  # fmt: skip


def expire(row):
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() - dt.timedelta(seconds=1))


def deactivate(row):
    row.user.is_active = False
    row.user.save()


def make_demo(row):
    type(row.user).objects.filter(pk=row.user.pk).update(is_demo=True)


@pytest.mark.parametrize("end", [expire, lambda row: revoke_api_key(key=row), deactivate])
def test_an_expired_or_revoked_key_and_one_of_an_inactive_user_opens_nothing(key, end):
    assert get(key[1])[0] == 200
    end(key[0])
    assert get(key[1])[0] == 401


def test_a_demo_users_key_works_in_demo_mode_only(key, settings):
    make_demo(key[0])
    assert get(key[1])[0] == 200
    settings.DEMO_MODE = False
    assert get(key[1])[0] == 401


def test_a_basic_header_is_no_key(key):
    assert get(key[1], "Basic")[0] == 401


def test_a_missing_scope_answers_403(key):
    status, body = get(key[1], url="/api/v1/patients/")
    assert (status, body) == (
        403,
        {"reason_code": "not_allowed", "message": "Your role or your API key does not allow this."},
    )


def test_a_key_beside_a_session_narrows_to_the_key(key, doctor, client):
    client.force_login(doctor)
    assert client.get("/api/v1/patients/").status_code == 200
    assert client.get("/api/v1/patients/", headers={"authorization": f"Bearer {key[1]}"}).status_code == 403


@pytest.mark.parametrize("role", [Role.PATIENT, Role.ADMIN, Role.AUDITOR])
def test_a_key_never_exceeds_its_users_role(role):
    _, secret = create_api_key(user=factories.user(role), scopes=Scope.values)
    assert [get(secret, url=url)[0] for url in (URL, "/api/v1/patients/")] == [403, 403]


def test_only_the_hash_of_a_key_is_kept(key):
    row = ApiKey.objects.filter(pk=key[0].pk).values().get()
    assert [value for value in row.values() if key[1] in str(value)] == []
    assert find_api_key(key[1]) == key[0]


def test_use_is_noted_to_the_minute(key):
    get(key[1])
    first = ApiKey.objects.get().last_used_at
    get(key[1])
    assert (first is not None, ApiKey.objects.get().last_used_at) == (True, first)
    ApiKey.objects.update(last_used_at=first - dt.timedelta(minutes=2))
    get(key[1])
    assert ApiKey.objects.get().last_used_at >= first


@pytest.mark.parametrize("scopes", [[], ["everything"], ["diagnoses:read", "diagnoses:write"]])
def test_a_key_without_a_known_scope_is_not_made(doctor, scopes):
    with pytest.raises(
        ValueError,
        match=r"^Unknown scope: .*Choose from uploads:write, diagnoses:read, patients:read, studies:read, values:read, values:write\.$",
    ):
        create_api_key(user=doctor, scopes=scopes)


@pytest.mark.parametrize(
    "arguments",
    [["--scope", "diagnoses:read"], ["--scope", "patients:read", "diagnoses:read", "--expires", "3"]],
)
def test_the_commands_printed_key_works(doctor, arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("create_api_key", "--user", "doctor", *arguments, stdout=out, stderr=err)
    secret = out.getvalue().strip()
    assert out.getvalue() == f"{secret}\n"
    assert (get(secret)[0], secret in err.getvalue()) == (200, False)
    with acting_as(SYSTEM):
        assert AuditEvent.objects.get(action="permission").detail["user"] == doctor.pk


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--user", "nobody", "--scope", "diagnoses:read"], "No active user is named nobody"),
        (["--user", "doctor", "--scope", "everything"], "invalid choice"),
        (["--user", "doctor"], "required"),
        (["--user", "doctor", "--scope", "diagnoses:read", "--expires", "0"], "1 day or more"),
    ],
)
def test_the_command_refuses_nonsense(doctor, arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("create_api_key", *arguments)
    assert ApiKey.objects.count() == 0


def test_a_scope_binds_whoever_looks_like_the_same_user(key, doctor):
    from accounts.actor import become
    from accounts.models import User

    with acting_as(SYSTEM):
        become(doctor, scopes=frozenset({"diagnoses:read"}))
        again = User.objects.get(pk=doctor.pk)
        allowed = {permission for permission in Permission if can(again, permission)}
        with acting_as(again):
            nested = {permission for permission in Permission if can(again, permission)}
    assert (
        allowed == nested == {permission for permission, scope in SCOPES.items() if scope == "diagnoses:read"}
    )
