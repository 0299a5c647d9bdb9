"""The condition library: complete, loaded without overwriting anybody, edited with history, shown where a result names it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from html import unescape

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from diagnostics.conditions import selectors
from diagnostics.conditions.forms import RevisionForm
from diagnostics.conditions.shipped import NO_FINDING, BadText, read, shipped
from diagnostics.models import ConditionRevision, Report
from diagnostics.models.condition import Audience, Section
from diagnostics.risk import LABEL_RISK
from diagnostics.risk_clinical import LEVELS
from diagnostics.services import reviews
from diagnostics.services.conditions import RevisionRefused, load_shipped, revise
from diagnostics.views.shown import EPISODE_WORDS
from ml import registry
from tests import factories

pytestmark = pytest.mark.django_db
NEXT_YEAR = dt.date(2027, 6, 1)
SHIPPED = shipped()


@pytest.fixture
def library(db):
    with acting_as(SYSTEM):
        load_shipped()


@pytest.fixture
def admin(library):
    return factories.user(Role.ADMIN, "admin", first_name="Ada", last_name="Moreau")


def fields(slug="pause", *, based_on=1, comment="Clearer", **changed):
    """Arguments of `revise`: the shipped texts with some sections of clinicians changed."""
    one = next(one for one in SHIPPED if one.slug == slug)
    texts = {audience: dict(sections) for audience, sections in one.texts.items()}
    texts["doctor"] |= changed
    return {
        "slug": slug, "based_on": based_on, "texts": texts, "sources": list(one.sources), "review_by": NEXT_YEAR,
        "comment": comment,
    }  # fmt: skip


def revised(admin, **changes):
    with acting_as(admin):
        return revise(admin, **fields(**changes))


def text_of(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_every_label_of_an_installed_model_and_of_the_rules_has_an_entry():
    known = {label for one in SHIPPED for label in one.labels} | NO_FINDING
    assert {label for contract in registry.contracts() for label in contract.labels} - known == set()
    assert {*LABEL_RISK, *LEVELS} - known == set()


def test_every_episode_of_a_recording_has_an_entry():
    assert set(EPISODE_WORDS) - {kind for one in SHIPPED for kind in one.episodes} == set()


def test_no_label_stands_for_two_conditions():
    labels = [label for one in SHIPPED for label in one.labels]
    episodes = [kind for one in SHIPPED for kind in one.episodes]
    assert (len(labels), len(episodes)) == (len(set(labels)), len(set(episodes)))


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.slug)
def test_every_entry_is_complete_names_dated_sources_and_no_dose(one):
    texts = [one.texts[audience][section] for audience in Audience for section in Section]
    assert all(text and text.endswith(".") for text in texts)
    assert all(re.search(r"\b(19|20)\d\d\b|EC57", source) for source in one.sources)
    assert not any(re.search(r"\d\s*(mg|µg|mcg|ml|IU)\b", text) for text in texts)
    assert any(word in one.texts["patient"]["help"] for word in ("emergency number", "911", "112"))


@pytest.mark.parametrize(
    "text", ["", "name = 'x'", "name = [", "name = 'x'\nlabels = []\nsources = []\n[doctor]\nwhat = 1"]
)
def test_a_file_that_lacks_something_is_named(tmp_path, text):
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(BadText, match=r"broken\.toml"):
        read(path)


def test_loading_again_changes_nothing_and_a_new_text_is_a_new_version(library):
    with acting_as(SYSTEM):
        assert load_shipped() == 0
        newer = dataclasses.replace(SHIPPED[0], review_by=NEXT_YEAR)
        assert load_shipped([newer, *SHIPPED[1:]]) == 1
        rows = ConditionRevision.objects.filter(condition=newer.slug)
        assert [(row.number, row.review_by) for row in rows] == [(2, NEXT_YEAR), (1, SHIPPED[0].review_by)]


def test_loading_never_overwrites_an_administrators_version(admin):
    revised(admin, what="Mine.")
    pause = next(one for one in SHIPPED if one.slug == "pause")
    with acting_as(SYSTEM):
        assert load_shipped([dataclasses.replace(pause, review_by=dt.date(2030, 1, 1))]) == 0
        latest = ConditionRevision.objects.latest_of_each().get(condition="pause")
    assert (latest.number, latest.texts["doctor"]["what"], latest.author) == (2, "Mine.", admin)


def test_a_new_version_keeps_the_old_one_and_is_in_the_trail(admin):
    row = revised(admin, what="  Mine.  ")
    with acting_as(SYSTEM):
        old = ConditionRevision.objects.get(condition="pause", number=1)
        assert old.texts["doctor"]["what"].startswith("A gap between beats")
        event = AuditEvent.objects.get(object_type="diagnostics.conditionrevision")
    assert (row.number, row.texts["doctor"]["what"]) == (2, "Mine.")
    assert (event.action, event.actor_name, event.detail) == (
        "update", "admin", {"condition": "pause", "version": 2},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"what": " "}, "Every section needs a text. Empty: What it is (for clinicians)."),
        ({"what": "Mine.", "comment": " "}, "Say in a few words why"),
        ({"what": "Mine.", "based_on": 0}, "Version 1 was saved while you were writing."),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(admin, changes, sentence):
    with pytest.raises(RevisionRefused, match=re.escape(sentence)):
        revised(admin, **changes)
    with acting_as(SYSTEM):
        assert ConditionRevision.objects.filter(condition="pause").count() == 1


def test_saving_without_a_change_or_without_a_source_is_refused(admin):
    revised(admin, what="Mine.")
    with pytest.raises(RevisionRefused, match="Nothing was changed"):
        revised(admin, what="Mine.", based_on=2)
    with pytest.raises(RevisionRefused, match="at least one source"), acting_as(admin):
        revise(admin, **fields(what="New.", based_on=2) | {"sources": [" "]})


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.PATIENT, Role.AUDITOR, Role.INTEGRATION])
def test_administrators_alone_edit(library, role):
    user = factories.user(role)
    with pytest.raises(PermissionDenied), acting_as(user):
        revise(user, **fields(what="Mine."))


def test_patients_read_and_search_the_plain_words_alone(client, library):
    client.force_login(factories.user(Role.PATIENT))
    text = text_of(client, reverse("diagnostics:condition", args=["pause"]))
    assert "For a moment the heart did not beat." in text
    assert "hyperkalaemia" not in text
    assert "0 conditions found" in text_of(client, "/conditions/?q=hyperkalaemia")
    assert "1 condition found" in text_of(client, "/conditions/?q=moment+did+not+beat")
    body = client.get("/api/v1/conditions/pause/").json()
    assert list(body["texts"]) == ["patient"]
    assert client.get("/conditions/pause/history/").status_code == 403


def test_doctors_read_both_texts_and_find_by_label(client, doctor, library):
    client.force_login(doctor)
    text = text_of(client, reverse("diagnostics:condition", args=["pause"]))
    assert "For a moment the heart did not beat." in text
    assert "Lost electrode contact" in text
    assert "came with CardioCare and was not yet read by a clinician here" in text
    assert "Left bundle branch block" in text_of(client, "/conditions/?q=lbbb")
    assert "Nothing found" in text_of(client, "/conditions/?q=zebra")
    listed = client.get("/api/v1/conditions/").json()
    assert [one["slug"] for one in listed] == [
        one.slug for one in sorted(SHIPPED, key=lambda one: one.name.casefold())
    ]
    assert client.get("/api/v1/conditions/unheard-of/").status_code == 404


def form_data(admin, **changes):
    with acting_as(admin):
        form = RevisionForm(of=selectors.revision(admin, "pause"))
    return {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()} | changes


def test_the_form_previews_and_saves(client, admin):
    client.force_login(admin)
    url = reverse("diagnostics:edit-condition", args=["pause"])
    data = form_data(admin, **{"doctor-what": "A longer gap.", "comment": "Clearer"})
    html = client.post(url, data | {"preview": "1"}).content.decode()
    assert "<ins>" in html
    with acting_as(SYSTEM):
        assert ConditionRevision.objects.filter(condition="pause").count() == 1
    assert client.post(url, data).status_code == 302
    text = text_of(client, reverse("diagnostics:condition-history", args=["pause"]))
    assert "Version 2" in text
    assert "Ada Moreau" in text
    assert "added: longer" in text
    again = client.post(url, data)  # still based on version 1
    assert again.status_code == 422
    assert "Version 2 was saved while you were writing." in unescape(again.content.decode())


def test_a_review_that_is_due_is_said(client, admin):
    with acting_as(admin):
        revise(admin, **fields(what="Mine.") | {"review_by": dt.date(2020, 1, 1)})
    client.force_login(admin)
    assert "overdue" in text_of(client, reverse("diagnostics:condition", args=["pause"]))


def test_a_result_names_causes_and_treatment_of_what_was_found(client, doctor, library):
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    picture = factories.completed(patient, doctor, label="LBBB")
    text = text_of(client, reverse("diagnostics:detail", args=[picture.pk]))
    assert "Causes and usual treatment Information for the clinician" in text
    assert "cardiac resynchronisation is considered" in text
    assert "lower chambers" not in text
    recording = factories.recording(patient, doctor)
    text = text_of(client, reverse("diagnostics:detail", args=[recording.pk]))
    assert "More about Premature ventricular beats" in text
    assert "More about Ventricular tachycardia" in text


def test_the_report_keeps_the_plain_words_that_were_signed(client, doctor, admin):
    user = factories.user(Role.PATIENT)
    diagnosis = factories.completed(factories.patient(team=(doctor,), user=user), doctor, label="LBBB")
    with acting_as(doctor):
        reviews.review(doctor, diagnosis_id=diagnosis.pk, decision="confirm")
        report = reviews.sign(doctor, diagnosis_id=diagnosis.pk)
    later = fields("left-bundle-branch-block")
    later["texts"]["patient"]["what"] = "Written later."
    with acting_as(admin):
        revise(admin, **later)
    client.force_login(user)
    text = text_of(client, reverse("diagnostics:report", args=[report.pk]))
    assert "About: Left bundle branch block" in text
    assert "The electrical signal reaches the left side of the heart a little late." in text
    assert "Written later." not in text
    with acting_as(SYSTEM):
        assert Report.objects.get(pk=report.pk).about.number == 1


@pytest.mark.parametrize("route", ["/conditions/", "/conditions/pause/", "/conditions/pause/history/"])
def test_the_library_takes_few_queries_however_many_versions_there_are(client, admin, route):
    client.force_login(admin)
    counts = []
    for number in range(1, 4):
        client.get(route)  # what is cached once per process is not the page's
        with CaptureQueriesContext(connection) as captured:
            assert client.get(route).status_code == 200
        counts.append(len(captured.captured_queries))
        revised(admin, what=f"Version {number}.", based_on=number)
    assert len(set(counts)) == 1


WORDS = st.lists(st.sampled_from(["heart", "beat", "slow", "fast", "late"]), max_size=12).map(" ".join)


@given(WORDS, WORDS)
def test_the_difference_of_two_texts_gives_both_back(before, after):
    changes = selectors.word_changes(before, after)
    assert " ".join(one.words for one in changes if one.what != "added") == before
    assert " ".join(one.words for one in changes if one.what != "removed") == after
    assert before != after or all(one.what == "kept" for one in changes)
