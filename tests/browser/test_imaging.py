"""A study comes in by the browser: a folder from the patient's page, its verdicts, and a held file that is released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from accounts.roles import Role
from diagnostics.models import DicomStudy
from tests import dicoms, factories
from tests.browser.walk import complaints, enter, judge

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["complaints"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_folder_is_uploaded_and_what_is_of_somebody_else_is_held_and_released(
    page: Any, complaints: list[str], live_server: Any, tmp_path: Path
) -> None:
    doctor = factories.user(Role.DOCTOR)
    patient = factories.patient(team=(doctor,))
    disk = tmp_path / "disk" / "S1"
    disk.mkdir(parents=True)
    for number in (1, 2):
        (disk / f"IM{number}").write_bytes(dicoms.xray(patient, number=number))
    (disk / "IM3").write_bytes(
        dicoms.xray(patient, study=2, StudyDescription="Film from outside", PatientID="OUT-7")
    )
    (disk / "readme.txt").write_text("no image")
    enter(page, live_server, doctor)
    page.goto(live_server.url + reverse("diagnostics:history", args=[patient.pk]))
    page.get_by_role("link", name="Upload DICOM").click()
    page.get_by_label("Or a whole folder").set_input_files(tmp_path / "disk")
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("2 filed, 1 held, 1 refused.").wait_for()
    judge(page, "imaging-upload")
    page.get_by_role("link", name="Held studies").click()
    judge(page, "imaging-held")
    page.get_by_role("link", name="Film from outside").click()
    page.get_by_role("cell", name="OUT-7").wait_for()
    judge(page, "imaging-held-study")
    page.get_by_role("button", name="File it").click()
    page.get_by_text(f"Filed to {patient}.").wait_for()
    page.get_by_role("button", name="Everything is here: analyse it").click()
    page.get_by_text("The study is complete.").wait_for()
    judge(page, "imaging-study")
    assert sorted(DicomStudy.objects.values_list("patient", "status")) == [
        (patient.pk, "complete"), (patient.pk, "receiving"),
    ]  # fmt: skip
    assert complaints == []
