"""Where a patient's level is shown: history, worklist, list of patients and API; and to whom it is not."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models.api_key import Scope
from accounts.roles import SYSTEM, Role
from accounts.services.api_keys import create_api_key
from diagnostics.models import Diagnosis, PatientRisk
from diagnostics.patient_risk import PatientLevel, stored_tiers
from diagnostics.services.patient_risk import update_patient_risk
from diagnostics.states import Status
from tests import factories, images

pytestmark = pytest.mark.django_db
RESULT = PatientRisk.Cause.RESULT


@pytest.fixture
def patient(doctor):
    return factories.patient(team=(doctor,))


@pytest.fixture
def signed_in(client, doctor):
    client.force_login(doctor)
    return client


def assessed(patient):
    with acting_as(SYSTEM):
        return update_patient_risk([patient.pk], cause=RESULT)[0]


def clinical(patient, doctor, *, death):
    """A diagnosis as a clinical record has it."""
    row = factories.completed(patient, doctor, risk_level="high", evidence_kind="clinical", risk_reasons=[])
    factories.prediction(
        row,
        model="clinical-hybrid",
        label="death",
        heatmap=False,
        confidence=death,
        probabilities={"death": death, "survival": 1 - death},
    )
    return row


def text_of(client, route, *args):
    answer = client.get(reverse(route, args=args))
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_the_card_says_level_probability_reasons_and_what_is_missing(signed_in, doctor, patient):
    clinical(patient, doctor, death=0.62)
    assessed(patient)
    text = text_of(signed_in, "diagnostics:history", patient.pk)
    seen = stored_tiers().observed[PatientLevel.HIGH]
    assert "Risk level of the patient High risk" in text
    assert "62.0 % probability of death during follow-up" in text
    assert (
        f"{100 * seen.rate:.0f} % died during follow-up (95 % interval {100 * seen.low:.0f} % to {100 * seen.high:.0f} %"
        in text
    )
    assert "tier High" in text
    assert "No recording and no twelve-lead page" in text
    assert "First assessment of this patient." in text


def test_a_result_that_comes_while_the_page_is_made_is_in_the_level_or_its_row_still_asks(
    signed_in, doctor, patient
):
    row = factories.completed(patient, doctor, risk_level="high")
    Diagnosis.objects.filter(pk=row.pk).update(status=Status.RUNNING)
    came = []

    def meanwhile(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if 'FROM "diagnostics_patientrisk"' in sql and not came:
            came.append(row)
            Diagnosis.objects.filter(pk=row.pk).update(status=Status.COMPLETED)
            assessed(patient)
        return found

    with connection.execute_wrapper(meanwhile):
        html = signed_in.get(reverse("diagnostics:history", args=[patient.pk])).content.decode()
    assert came == [row]
    assert ("Risk unknown" in html, 'hx-trigger="every 1s"' in html) == (True, True)


def test_an_upload_shows_the_level_that_belongs_to_its_rows(signed_in, doctor, patient):
    data = images.png(seed=1)
    factories.completed(patient, doctor, risk_level="high", data=data)
    assessed(patient)
    url = reverse("diagnostics:upload", args=[patient.pk])
    files = [SimpleUploadedFile("a.png", data)]
    html = signed_in.post(url, {"files": files}, headers={"hx-request": "true"}).content.decode()
    level = html.partition('hx-swap-oob="innerHTML:#patient-level"')[2]
    assert "High risk" in level


def test_a_patient_of_whom_nothing_is_known_is_unknown_and_not_low(signed_in, patient):
    text = text_of(signed_in, "diagnostics:history", patient.pk)
    assert "Risk level of the patient Risk unknown" in text
    assert "the level is unknown, which does not mean low" in text
    assert "Nothing has been assessed yet." in text_of(signed_in, "diagnostics:levels", patient.pk)


def test_evidence_grows_old_without_anything_being_written(signed_in, doctor, patient):
    row = factories.completed(patient, doctor, evidence_kind="image")
    with acting_as(SYSTEM):
        long_ago = row.created_at - dt.timedelta(days=500)
        Diagnosis.objects.filter(pk=row.pk).update(created_at=long_ago)
    assessed(patient)
    text = text_of(signed_in, "diagnostics:history", patient.pk)
    assert "Picture of a heartbeat: the newest is 16 months old." in text


def test_the_history_of_the_level_names_cause_and_change(signed_in, doctor, patient):
    factories.completed(patient, doctor, risk_level="low")
    assessed(patient)
    factories.completed(patient, doctor, risk_level="high", red_flags=["lethal_rhythm"])
    assessed(patient)
    text = text_of(signed_in, "diagnostics:levels", patient.pk)
    assert text.index("The level rose from Low to High.") < text.index("First assessment of this patient.")
    assert text.count("A result was recorded") == 2
    assert "Red flag: ventricular fibrillation or tachycardia" in text


def test_an_unjudged_red_flag_goes_before_everything_in_the_worklist(signed_in, doctor, patient):
    names = ("high", "judged flag", "flag")
    high, judged, flag = (factories.completed(patient, doctor, risk_level="high") for _ in names)
    with acting_as(SYSTEM):
        for name, row in zip(names, (high, judged, flag), strict=True):
            type(row.upload).objects.filter(pk=row.upload_id).update(original_name=name)
        Diagnosis.objects.filter(pk__in=[judged.pk, flag.pk]).update(red_flags=["lethal_rhythm"])
        Diagnosis.objects.filter(pk=judged.pk).update(status=Status.REVIEWED)
    html = signed_in.get(reverse("diagnostics:worklist")).content.decode()
    places = [html.index(f">{name}</a>") for name in ("flag", "high", "judged flag")]
    assert places == sorted(places)


def test_worklist_and_list_of_patients_show_the_level(signed_in, doctor, patient):
    factories.completed(patient, doctor, risk_level="moderate")
    assert "Patient moderate" not in text_of(signed_in, "diagnostics:worklist")
    assessed(patient)
    assert "Patient moderate" in text_of(signed_in, "diagnostics:worklist")
    assert "Moderate risk" in text_of(signed_in, "patients:list")


def test_a_settled_row_brings_the_level_with_it(signed_in, doctor, patient):
    row = factories.completed(patient, doctor, risk_level="high")
    assessed(patient)
    url = reverse("diagnostics:status", args=[row.pk])
    assert "Risk level of the patient" in signed_in.get(url).content.decode()
    assert "Patient high" in signed_in.get(url, {"layout": "worklist"}).content.decode()


def test_the_api_gives_the_level_with_its_evidence(signed_in, doctor, patient):
    url = reverse("api:level", args=[patient.pk])
    empty = signed_in.get(url).json()
    assert (empty["level"], empty["probability"], empty["assessed_at"]) == ("unknown", None, None)
    row = clinical(patient, doctor, death=0.3)
    with acting_as(SYSTEM):
        Diagnosis.objects.filter(pk=row.pk).update(risk_level="moderate")
    assessed(patient)
    body = signed_in.get(url).json()
    seen = stored_tiers().observed[PatientLevel.MODERATE]
    assert (body["level"], body["probability"]) == ("moderate", 0.3)
    assert body["observed"] == {"tier": "moderate", "rate": seen.rate, "low": seen.low, "high": seen.high}
    (reason,) = body["reasons"]
    assert (reason["diagnosis"], reason["kind"], reason["judged"]) == (str(row.pk), "clinical", False)
    (listed,) = signed_in.get(reverse("api:patients")).json()["results"]
    assert listed["risk_level"] == "moderate"


def test_a_key_that_may_only_find_patients_is_not_told_their_level(client, doctor):
    integration = factories.user(Role.INTEGRATION)
    patient = factories.patient(team=(doctor, integration))
    factories.completed(patient, doctor)
    assessed(patient)
    given = {}
    for scopes in ((Scope.PATIENTS_READ,), (Scope.PATIENTS_READ, Scope.DIAGNOSES_READ)):
        with acting_as(SYSTEM):
            _, key = create_api_key(user=integration, scopes=list(scopes))
        answer = client.get(reverse("api:patients"), headers={"authorization": f"Bearer {key}"})
        given[len(scopes)] = answer.json()["results"][0]["risk_level"]
    assert given == {1: None, 2: "moderate"}
