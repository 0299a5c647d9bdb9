"""Headers, lock-out, forgery, demo people: the settings as a browser and an attacker meet them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings as site
from django.contrib.auth.models import AnonymousUser
from django.core.checks import run_checks
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from diagnostics.imaging.upload_handler import ImagingUploadHandler
from diagnostics.upload_handler import CappedUploadHandler
from tests import factories

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def enter(client, username="doctor", password=factories.PASSWORD, **extra):
    return client.post(LOGIN, {"username": username, "password": password}, **extra)


@pytest.mark.parametrize("path", [LOGIN, "/worklist/", "/api/v1/diagnoses/", "/nowhere/", "/health/live"])
def test_every_answer_carries_the_protective_headers(client, doctor, path):
    if path != LOGIN:
        client.force_login(doctor)
    response = client.get(path)
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'self'", "img-src": "'self' data: blob:", "object-src": "'none'", "base-uri": "'none'", "form-action": "'self'",
        "frame-ancestors": "'none'",
    }  # fmt: skip
    assert (response["X-Content-Type-Options"], response["X-Frame-Options"], response["Referrer-Policy"]) == (
        "nosniff",
        "DENY",
        "same-origin",
    )
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]


@pytest.mark.parametrize("path", [LOGIN, "/worklist/", "/patients/", "/styleguide/"])
def test_no_page_needs_what_the_policy_forbids(client, doctor, path):
    if path != LOGIN:
        client.force_login(doctor)
    page = client.get(path).content.decode()
    assert (
        re.findall(
            r"<script(?![^>]*\ssrc=)[^>]*>|\son\w+=|\sstyle=|<style|javascript:|https?://(?!www\.w3\.org)",
            page,
        )
        == []
    )


def test_sign_in_and_out_are_in_the_trail(client, doctor):
    assert enter(client).status_code == 302
    assert client.get("/worklist/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/worklist/").status_code == 302
    with acting_as(SYSTEM):
        kept = (
            AuditEvent.objects.filter(action__startswith="sign_")
            .order_by("pk")
            .values_list("action", "outcome", "actor_name", "object_id")
        )
        assert list(kept) == [
            ("sign_in", "allowed", "doctor", str(doctor.pk)),
            ("sign_out", "allowed", "doctor", str(doctor.pk)),
        ]


@pytest.mark.parametrize("username", ["doctor", "nobody"])
def test_a_failed_sign_in_is_in_the_trail_and_its_name_is_not(client, doctor, username):
    assert enter(client, username, "wrong").status_code == 200
    with acting_as(SYSTEM):
        event = AuditEvent.objects.get(action="sign_in")
    assert (event.outcome, event.object_id, event.actor_name) == (
        "refused",
        str(doctor.pk) if username == "doctor" else "",
        "",
    )
    assert "nobody" not in str(event.detail)


def test_the_answer_does_not_tell_whether_the_user_exists(client, doctor):
    def shown(username):
        text = enter(Client(), username, "wrong").content.decode()
        return re.sub(r"\b[A-Za-z0-9]{64}\b", "TOKEN", text).replace(username, "NAME")

    assert shown("doctor") == shown("nobody")


def test_after_eight_failures_even_the_right_password_is_locked_out(client, doctor):
    statuses = [enter(Client(), password="wrong").status_code for _ in range(site.AXES_FAILURE_LIMIT)]
    assert statuses == [200] * 7 + [429]
    assert enter(client).status_code == 429
    assert client.get("/worklist/").status_code == 302
    factories.user(username="somebody-else")
    assert enter(Client(), "somebody-else").status_code == 302


def test_a_session_gets_a_new_name_at_sign_in(client, doctor):
    client.get(LOGIN)
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    client.cookies[site.SESSION_COOKIE_NAME] = before
    enter(client)
    assert client.cookies[site.SESSION_COOKIE_NAME].value != before


def test_the_session_cookie_is_out_of_reach_of_scripts(client, doctor):
    enter(client)
    cookie = client.cookies[site.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_sign_in_leads_to_no_other_site(client, doctor, target):
    response = client.post(
        f"{LOGIN}?next={target}", {"username": "doctor", "password": factories.PASSWORD, "next": target}
    )
    assert (response.status_code, response.url) == (302, "/")


def test_a_form_without_the_token_changes_nothing(doctor):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(doctor)
    assert strict.post("/accounts/logout/").status_code == 403
    assert strict.get("/worklist/").status_code == 200


@pytest.mark.parametrize("handler", [CappedUploadHandler, ImagingUploadHandler])
@pytest.mark.parametrize(
    ("role", "kept"), [(None, 0), (Role.PATIENT, 0), (Role.ADMIN, 0), (Role.DOCTOR, 50_000)]
)
def test_a_form_fills_no_disk_for_those_who_may_not_upload(handler, role, kept):
    """The token is looked for in the form, so that files are read before the page asks who sends them."""
    sent = {"files": SimpleUploadedFile("a.dcm", b"\0" * 128 + b"DICM" + b"x" * 49_868)}
    request = RequestFactory().post(LOGIN, sent)
    request.user = factories.user(role, "sender") if role else AnonymousUser()
    receiving = handler(request)
    request.upload_handlers = [receiving]
    with request.FILES["files"] as received:
        assert (received.size, len(received.read())) == (kept, kept)
    receiving.file.close()


def test_outside_demo_mode_a_demo_user_is_out_and_the_check_says_so(client, settings, doctor):
    type(doctor).objects.update(is_demo=True)
    client.force_login(doctor)
    assert client.get("/worklist/").status_code == 200
    settings.DEMO_MODE = False
    assert client.get("/worklist/").status_code == 302
    assert enter(client).status_code == 200
    (error,) = [
        found
        for found in run_checks(databases=["default"], tags=["database"])
        if found.id == "cardiocare.E001"
    ]
    assert error.msg == "The database holds demo users."
    type(doctor).objects.update(is_demo=False)
    assert [
        found
        for found in run_checks(databases=["default"], tags=["database"])
        if found.id == "cardiocare.E001"
    ] == []


def test_demo_people_are_not_loaded_outside_demo_mode(settings):
    from django.core.management import CommandError, call_command

    settings.DEMO_MODE = False
    with pytest.raises(CommandError, match="demo mode only"):
        call_command("load_demo")


PROGRAM = """
import django; django.setup()
from django.conf import settings as s
print([s.DEMO_MODE, s.DEBUG, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0,
       s.TRUSTED_PROXY_COUNT, "MD5" in s.PASSWORD_HASHERS[0]])
"""


@pytest.mark.parametrize(
    ("mode", "proxy", "wanted"),
    [
        ("production", "true", "[False, False, True, True, True, True, 1, False]"),
        ("development", "false", "[False, False, False, False, False, False, 0, False]"),
        ("demo", "false", "[True, False, False, False, False, False, 0, False]"),
    ],
)
def test_the_settings_of_each_mode(mode, proxy, wanted):
    env = os.environ | {
        "MODE": mode,
        "BEHIND_TLS_PROXY": proxy,
        "DJANGO_SETTINGS_MODULE": "cardiocare_site.settings",
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, cwd=site.BASE_DIR if hasattr(site, "BASE_DIR") else None,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.strip() == wanted
