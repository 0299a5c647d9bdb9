"""Everybody calls every route with every object: the status is the table's, and no answer holds a foreign mark."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.access.table import OBJECTS, TABLE
from tests.access.world import ACTORS, ALL_MARKS, MAY_SEE, mark

pytestmark = pytest.mark.django_db
OWNERS = {"doctor": "a", "doctor_b": "b", "patient": "a", "patient_b": "b"}


def named_routes(resolver, namespace=""):
    """The names of all routes below a resolver, with their namespaces."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from named_routes(entry, inner)
        elif isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}"


def call(world, route, actor, of):
    """One request as one actor; what it changed is taken back."""
    record = world.records[of]
    url = reverse(route, kwargs=TABLE[route].kwargs(world, record) if TABLE[route].kwargs else None)
    with transaction.atomic():
        response = getattr(world.clients[actor], TABLE[route].method)(url, TABLE[route].data(record))
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    text = body.decode("utf-8", "replace")
    leaked = [text_mark for text_mark in ALL_MARKS if text_mark in text and text_mark not in MAY_SEE[actor]]
    assert leaked == [], f"{route} shows {leaked} to {actor} who asked for {of}"
    return response.status_code, text


def test_every_route_of_the_site_is_in_the_table():
    assert sorted(TABLE) == sorted(named_routes(get_resolver()))


@pytest.mark.parametrize("route", sorted(TABLE))
def test_each_role_gets_what_the_table_says(world, route):
    spec = TABLE[route]
    objects = OBJECTS if spec.per_object() else ("a",)
    got = {actor: tuple(call(world, route, actor, of)[0] for of in objects) for actor in ACTORS}
    wanted = {
        actor: value if isinstance(value, tuple) else (value,) for actor, value in spec.expected.items()
    }
    assert got == wanted


@pytest.mark.parametrize("route", [name for name, spec in sorted(TABLE.items()) if spec.shows])
def test_the_owner_is_shown_the_data_that_would_leak(world, route):
    spec = TABLE[route]
    owners = {
        actor: of
        for actor, of in OWNERS.items()
        if (value := spec.expected[actor]) == 200
        or (isinstance(value, tuple) and value[OBJECTS.index(of)] == 200)
    }
    assert owners
    for actor, of in owners.items():
        _, text = call(world, route, actor, of)
        assert [kind for kind in spec.shows if mark(of, kind) not in text] == [], (
            f"{route} does not show {actor} the own data"
        )


def test_the_picture_itself_is_served_to_its_doctor_only(world):
    url = reverse("diagnostics:image", args=[world.records["a"].completed])
    assert world.clients["doctor"].get(url)["Content-Type"] == "image/png"
    assert world.clients["doctor_b"].get(url).status_code == 404


def test_a_heatmap_of_another_diagnosis_is_not_found_under_this_one(world):
    own, foreign = world.records["a"], world.records["b"]
    for diagnosis, prediction in ((own.completed, foreign.prediction), (own.signed, own.prediction)):
        url = reverse("diagnostics:heatmap", args=[diagnosis, prediction])
        assert world.clients["doctor"].get(url).status_code == 404


def clinical_prediction(world, of):
    from accounts.actor import acting_as
    from accounts.roles import SYSTEM
    from diagnostics.models import Prediction

    with acting_as(SYSTEM):
        return Prediction.objects.get(
            diagnosis=world.records[of].clinical, model_version__name="clinical-hybrid"
        )


def test_a_clinical_result_is_shown_to_its_doctor_and_its_values_to_no_auditor(world):
    url = reverse("diagnostics:detail", args=[world.records["a"].clinical])
    assert mark("a", "part") in world.clients["doctor"].get(url).content.decode()
    assert world.clients["doctor_b"].get(url).status_code == 404
    audited = reverse("diagnostics:prediction", args=[clinical_prediction(world, "a").pk])
    for actor in ("admin", "auditor"):
        answer = world.clients[actor].get(audited)
        assert answer.status_code == 200
        assert mark("a", "part") not in answer.content.decode()


def test_a_key_with_every_scope_opens_no_page(world):
    key = world.clients["key diagnoses:read"]
    response = key.get(reverse("diagnostics:detail", args=[world.records["a"].completed]))
    assert (response.status_code, response.url.startswith(reverse("accounts:login"))) == (302, True)


def test_an_ended_membership_closes_the_record(world):
    from django.utils import timezone

    from accounts.actor import acting_as
    from accounts.roles import SYSTEM
    from patients.models import CareTeamMember

    url = reverse("api:diagnosis", args=[world.records["a"].completed])
    assert world.clients["doctor"].get(url).status_code == 200
    with acting_as(SYSTEM):
        CareTeamMember.objects.filter(user=world.users["doctor"]).update(ended_at=timezone.now())
    assert world.clients["doctor"].get(url).status_code == 404


def test_a_deactivated_user_is_out_at_once(world):
    url = reverse("api:diagnoses")
    assert [world.clients[who].get(url).status_code for who in ("doctor", "key diagnoses:read")] == [200, 200]
    for who in ("doctor", "integration"):
        world.users[who].is_active = False
        world.users[who].save()
    assert [world.clients[who].get(url).status_code for who in ("doctor", "key diagnoses:read")] == [401, 401]
