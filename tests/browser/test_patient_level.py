"""A patient's level in a real browser: it follows a doctor's judgement, and says how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM, Role
from diagnostics.models import PatientRisk
from diagnostics.services.patient_risk import update_patient_risk
from ml.datasets.simulated import beat_png
from tests import factories
from tests.browser.walk import complaints, enter, judge

if TYPE_CHECKING:
    from patients.models import Patient

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def assessed(patient: Patient) -> None:
    with acting_as(SYSTEM):
        update_patient_risk([patient.pk], cause=PatientRisk.Cause.RESULT)


def test_an_overridden_red_flag_lowers_the_level_and_the_history_says_so(
    page: Any, complaints: list[str], live_server: Any
) -> None:
    doctor = factories.user(Role.DOCTOR)
    patient = factories.patient(team=(doctor,))
    factories.completed(
        patient, doctor, label="VF", data=beat_png("VF", seed=3), risk_level="high", red_flags=["lethal_rhythm"],
        risk_reasons=["beat-cnn sees ventricular fibrillation (VF, 90 %)."], evidence_kind="image",
    )  # fmt: skip
    assessed(patient)
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:worklist"))
    page.get_by_text("Red flag", exact=True).wait_for()
    judge(page, "level-worklist")
    page.get_by_role("link", name=str(patient)).click()
    card = page.get_by_role("region", name="Risk level of the patient")
    card.get_by_text("High risk").wait_for()
    judge(page, "level-card")
    card.get_by_role("link", name="Open").first.click()
    page.get_by_label("Override: I see something else").check()
    page.get_by_label("What the trace shows").select_option("Normal")
    page.get_by_label("Why you disagree").select_option("artefact")
    page.get_by_role("button", name="Keep review").click()
    page.get_by_text("Your review is kept.").wait_for()
    page.goto(live_server.url + reverse("diagnostics:history", args=[patient.pk]))
    card.get_by_text("Low risk").wait_for()
    card.get_by_role("link", name="History of the level").click()
    page.get_by_text("The level fell from High to Low.").wait_for()
    judge(page, "level-history")
    page.goto(live_server.url + reverse("patients:list"))
    page.get_by_text("Low risk").wait_for()
    judge(page, "level-patients")
    assert complaints == []
