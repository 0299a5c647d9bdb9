"""A study through DICOMweb's rules, a real worker, the result page, the viewer and a replay."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import highdicom as hd
import numpy as np
import pydicom
import pytest
from django.core.management import call_command
from django.urls import reverse
from PIL import Image

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.imaging import studies
from diagnostics.imaging.uploading import upload_objects
from diagnostics.models import Diagnosis, DicomStudy
from diagnostics.states import Status
from ml.datasets.simulated_chest import draw_chest
from ml.datasets.simulated_dicom import chest_dicom
from tests import dicoms, factories
from tests.processes.steps import settle

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from tests.workers import Service

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_a_study_is_measured_and_each_object_has_its_answer(
    live_worker: Service, client: Client, doctor: User, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = factories.patient(team=(doctor,))
    film = draw_chest(seed=3, ratio=0.58).grey
    said = dicoms.of(patient) | {
        "StudyInstanceUID": dicoms.uid("study"),
        "SpecificCharacterSet": "ISO_IR 192",
    }
    torn = chest_dicom(film, seed="torn", **said)[:-2] + b""
    files = {
        "pa": chest_dicom(film, seed="pa", **said),
        "ap": chest_dicom(film, seed="ap", **said, ViewPosition="AP"),
        "torn": torn,
        "mr": dicoms.written(dicoms.mr(patient, study="study")),
    }
    with acting_as(doctor):
        verdicts = upload_objects(
            doctor, patient=patient, files=[dicoms.named(name, data) for name, data in files.items()]
        )
        assert [one.outcome for one in verdicts] == ["filed"] * 4
        studies.complete(doctor, study_id=verdicts[0].study_id)
    settle(live_worker, *Diagnosis.objects.all())
    found = {
        row.original_name: row.upload.diagnosis if row.upload else row.reason_code
        for row in DicomStudy.objects.get().instances.select_related("upload__diagnosis")
    }
    assert found["mr"] == "no_model_for_modality"
    assert found["torn"] == "dicom_broken_pixels"
    pa, ap = found["pa"], found["ap"]
    assert (ap.status, ap.reason_code, ap.evidence_kind) == (Status.REFUSED, "chest_ap", "dicom")
    assert (pa.status, pa.answer, pa.risk_level, pa.evidence_kind) == (
        Status.COMPLETED, "Cardiomegaly", "moderate", "dicom",
    )  # fmt: skip
    with acting_as(SYSTEM):
        assert studies.sweep_studies()["diagnosed"] == 1

    client.force_login(doctor)
    page = client.get(reverse("diagnostics:detail", args=[pa.pk])).content.decode()
    assert "Cardiothoracic ratio" in page
    # Outlines are no heat, and a model without a threshold shows none.
    assert ("Outline opacity" in page, "The X-ray image" in page) == (True, True)
    own = page[: page.index("How dicom-cardiac answered")]
    assert "Threshold" not in own
    assert "Where the model looked" not in own
    instance = pa.upload.instances.get()
    assert reverse("diagnostics:frame-png", args=[instance.pk, 0]) in page
    viewer = client.get(reverse("diagnostics:study-viewer", args=[instance.study_id])).json()
    shown = {one["pk"]: one for series in viewer["series"] for one in series["instances"]}
    assert len(shown) == 3  # what is torn cannot be shown
    outlines = next(one for one in shown[str(instance.pk)]["overlays"] if one["name"] == "cxr-heart")
    mask = np.asarray(Image.open(io.BytesIO(client.get(outlines["url"]).content)))
    assert set(np.unique(mask)) == {0, 70, 255}

    measured = pa.predictions.get(model_version__name="cxr-heart")
    objects = [
        pydicom.dcmread(io.BytesIO(client.get(reverse(f"diagnostics:{name}", args=[measured.pk])).content))
        for name in ("result-report", "result-capture")
    ]
    assert [one.Modality for one in objects] == ["SR", "OT"]
    assert {one.StudyInstanceUID for one in objects} == {instance.study.study_uid}
    group = hd.sr.ComprehensiveSR.from_dataset(objects[0]).content.get_image_measurement_groups()[0]
    ratio = float(group.get_measurements()[0].value)
    assert ratio == pytest.approx(measured.explanation["measurement"]["ratio"], abs=1e-4)

    call_command("replay_prediction", *[str(one.pk) for one in pa.predictions.all()])
    assert capsys.readouterr().out.count("cxr-heart") >= 1
