"""Second opinions in a real browser: the option of an upload, the button of a result, the disagreement as the headline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from accounts.roles import Role
from diagnostics.models import Diagnosis
from ml.datasets.simulated import beat_png
from tests import factories
from tests.browser.walk import complaints, enter, judge, upload_and_wait
from tests.workers import live_worker, services

if TYPE_CHECKING:
    from tests.workers import Service

__all__ = ["complaints", "live_worker", "services"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_disagreement_is_the_headline(page: Any, complaints: list[str], live_server: Any) -> None:
    doctor = factories.user(Role.DOCTOR)
    row = factories.completed(
        factories.patient(team=(doctor,)),
        doctor,
        data=beat_png("PVC", seed=3),
        models_disagree=True,
        second_opinions=True,
    )
    factories.prediction(row, model="beat-spectral", label="Normal", confidence=0.8)
    factories.prediction(row, model="beat-hybrid", label="PVC", confidence=0.7)
    factories.prediction(
        row,
        model="beat-other",
        label="",
        outcome="abstained",
        confidence=None,
        probabilities={},
        heatmap=False,
    )
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:worklist"))
    sentence = "2 of 4 models say PVC; beat-spectral says Normal; beat-other is not sure."
    page.get_by_text(sentence).wait_for()
    judge(page, "opinions-worklist")
    page.get_by_role("link", name="beat.png").click()
    page.locator(".alert-title", has_text=sentence).wait_for()
    judge(page, "opinions")
    folded = page.locator("details.more > summary")
    for place in range(folded.count()):
        folded.nth(place).focus()
        page.keyboard.press("Enter")
    assert page.get_by_label("Heatmap opacity").count() == 3
    judge(page, "opinions-all")
    assert complaints == []


@pytest.mark.processes
def test_every_model_is_asked_by_the_form_and_by_the_button(
    page: Any, complaints: list[str], live_server: Any, live_worker: Service
) -> None:
    doctor = factories.user(Role.DOCTOR)
    patient = factories.patient(team=(doctor,))
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:history", args=[patient.pk]))
    for name, every in (("alone.png", False), ("every.png", True)):
        upload_and_wait(page, name, "image/png", beat_png("PVC", seed=4 + every), every_model=every)
    asked = dict(Diagnosis.objects.values_list("upload__original_name", "second_opinions"))
    assert asked == {"alone.png": False, "every.png": True}
    page.get_by_role("link", name="alone.png").click()
    page.get_by_role("button", name="Ask every model").click()
    page.get_by_text("Every model is asked now.").wait_for()
    page.locator(".page-head .badge-completed").wait_for()
    assert page.get_by_role("button", name="Ask every model").count() == 0
    judge(page, "opinions-asked")
    assert complaints == []
