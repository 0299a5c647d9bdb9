"""The second wall: without any filter, the database gives a role exactly the rows that `visible_to` promises it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection, transaction

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics.models import (
    ArchiveDelivery,
    BeatOverride,
    ConditionRevision,
    Diagnosis,
    DicomInstance,
    DicomSeries,
    DicomStudy,
    Heatmap,
    PatientRisk,
    Prediction,
    Recording,
    RefusedObject,
    Report,
    Review,
    StudyExport,
    Upload,
)
from diagnostics.models import Condition as LibraryCondition
from patients.models import (
    Allergy,
    CareTeamMember,
    ClinicalValue,
    Condition,
    Medication,
    Note,
    Patient,
    ValueImport,
    ValueImportRow,
)

pytestmark = pytest.mark.django_db
PROTECTED = (
    Patient, CareTeamMember, Note, Condition, Medication, Allergy, Upload, Diagnosis, Prediction, Heatmap, Recording,
    BeatOverride, Review, Report, AuditEvent, ClinicalValue, ValueImport,
    ValueImportRow, PatientRisk, LibraryCondition, ConditionRevision, DicomStudy,
    DicomSeries, DicomInstance, ArchiveDelivery, StudyExport, RefusedObject,
)  # fmt: skip
LIBRARY = {LibraryCondition, ConditionRevision}
WHEN = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
PEOPLE = ("doctor", "doctor_b", "patient", "patient_b", "admin", "auditor", "integration")
# The models of which each role sees any row at all; of the others none.
SEEN = {
    "doctor": {m for m in PROTECTED if m is not AuditEvent},
    "doctor_b": {m for m in PROTECTED if m is not AuditEvent},
    "patient": {Patient, Report, ClinicalValue, *LIBRARY},
    "patient_b": {Patient, Report, ClinicalValue, *LIBRARY},
    "admin": {Prediction, AuditEvent, RefusedObject, *LIBRARY},
    "auditor": {Prediction, AuditEvent, *LIBRARY},
    "integration": {
        Patient,
        CareTeamMember,
        Upload,
        Diagnosis,
        Prediction,
        Heatmap,
        Recording,
        ClinicalValue,
        PatientRisk,
        DicomStudy,
        DicomSeries,
        DicomInstance,
        RefusedObject,
        *LIBRARY,
    },
}


def keys(rows):
    return set(rows.values_list("pk", flat=True))


@pytest.mark.parametrize("who", PEOPLE)
def test_unfiltered_rows_are_the_visible_rows_in_every_protected_table(world, who):
    actor = world.users[who]
    for model in PROTECTED:
        with acting_as(SYSTEM):  # by the queryset rule alone, the database showing everything
            promised, everything = keys(model.objects.visible_to(actor)), keys(model.objects.all())
        with acting_as(actor):
            given = keys(model.objects.all())
        assert given == promised, model
        assert bool(given) == (model in SEEN[who]), model
        assert everything, f"no row of {model} that could leak"


@pytest.mark.parametrize("nobody", ["anonymous", "inactive"])
def test_nobody_and_an_inactive_user_see_no_row(world, nobody):
    actor = AnonymousUser()
    if nobody == "inactive":
        actor = world.users["doctor"]
        actor.is_active = False
    with acting_as(actor):
        assert [model for model in PROTECTED if model.objects.exists()] == []
    assert [model for model in PROTECTED if model.objects.visible_to(actor).exists()] == []
    assert [model for model in PROTECTED if model.objects.visible_to(None).exists()] == []


def change_rows(model, change, rows):
    """Raw SQL, so that only the database decides how many rows it reaches."""
    table, key = model._meta.db_table, model._meta.pk.column
    verb = f"UPDATE {table} SET {key} = {key}" if change == "update" else f"DELETE FROM {table}"
    with connection.cursor() as cursor:
        cursor.execute(f"{verb} WHERE {key} = ANY(%s)", [list(rows)])
        return cursor.rowcount


@pytest.mark.parametrize("who", PEOPLE)
def test_foreign_and_deleted_rows_cannot_be_changed_or_removed(world, who):
    own = {"doctor": "a", "doctor_b": "b", "patient": "a", "patient_b": "b", "integration": "a"}.get(who)
    others = [record.patient for of, record in world.records.items() if of not in {own, "unknown"}]
    paths = {Patient: "pk", Review: "diagnosis__patient", DicomStudy: "claimed_patient"}
    for model in (Patient, Note, CareTeamMember, Upload, Diagnosis, Review, DicomStudy):
        path = paths.get(model, "patient")
        with acting_as(SYSTEM):
            rows = list(model.objects.filter(**{f"{path}__in": others}).values_list("pk", flat=True))
        assert rows
        with acting_as(world.users[who]):
            assert (model, change_rows(model, "update", rows), change_rows(model, "delete", rows)) == (
                model,
                0,
                0,
            )
        with acting_as(SYSTEM):
            assert model.objects.filter(pk__in=rows).count() == len(rows)


INSERTS = {
    "a note for a foreign patient": lambda w, by: Note(
        patient_id=w.records["b"].patient, recorded_by=by, text="x"
    ),
    "an upload for a foreign patient": lambda w, by: Upload(
        patient_id=w.records["b"].patient,
        uploaded_by=by,
        original_name="x",
        media_type="image/png",
        size=1,
        sha256="0" * 64,
        storage_name="x",
    ),
    "a place on a foreign care team": lambda w, by: CareTeamMember(
        patient_id=w.records["b"].patient, user=by
    ),
    "a prediction of the own patient": lambda w, _: Prediction(
        diagnosis_id=w.records["a"].failed,
        attempt=1,
        model_version_id=1,
        outcome="predicted",
        threshold=0,
        duration_ms=1,
        input_sha256="0" * 64,
        code_version="1",
        device="cpu",
    ),
    "a review of a foreign diagnosis": lambda w, by: Review(
        diagnosis_id=w.records["b"].completed, reviewer=by, decision="confirm", label="PVC", risk_level="low"
    ),
    "an override in a foreign recording": lambda w, by: BeatOverride(
        recording_id=w.records["b"].recording, beat=1, label="PVC", by=by
    ),
    "findings of the own recording": lambda w, _: Recording(
        diagnosis_id=w.records["a"].completed,
        attempt=1,
        leads=["II"],
        fs=250,
        samples=1,
        summary={},
        classes=["PVC"],
        beat_samples=b"",
        beat_classes=b"",
        beat_confidences=b"",
        beat_heat=b"",
        signal={},
    ),
    "a clinical value of a foreign patient": lambda w, by: ClinicalValue(
        patient_id=w.records["b"].patient, code="weight", value=80, measured_at=WHEN, entered_by=by
    ),
    "a clinical value in another's name": lambda w, _: ClinicalValue(
        patient_id=w.records["a"].patient,
        code="weight",
        value=80,
        measured_at=WHEN,
        entered_by=w.users["doctor_b"],
    ),
    "an import in another's name": lambda w, _: ValueImport(
        created_by=w.users["doctor_b"], filename="x", headings=[], mapping=[]
    ),
    "a row of a foreign import": lambda w, _: ValueImportRow(table_id=w.records["b"].table, line=9, cells=[]),
    "a study of a foreign patient": lambda w, by: DicomStudy(
        patient_id=w.records["b"].patient, study_uid="1.2", received_by=by, door="web", status="receiving"
    ),
    "a held study in another's name": lambda w, _: DicomStudy(
        study_uid="1.2", received_by=w.users["doctor_b"], door="web", status="held"
    ),
    "an object of a foreign study": lambda w, _: DicomSeries(
        study_id=w.records["b"].study, series_uid="1.2.3"
    ),
    "a refusal in another's name": lambda w, _: RefusedObject(
        door="web", received_by=w.users["doctor_b"], reason_code="not_dicom", message="No."
    ),
    "a copy of a foreign study": lambda w, by: StudyExport(study_id=w.records["b"].held, requested_by=by),
    "a level of the own patient": lambda w, _: PatientRisk(
        patient_id=w.records["a"].patient,
        previous_id=0,
        level="low",
        evidence=[],
        newest={},
        changes=[],
        cause="rules",
        rules_version="1",
    ),
    "a version of the library in another's name": lambda w, _: ConditionRevision(
        condition_id="pause",
        number=9,
        texts={},
        sources=[],
        review_by=WHEN.date(),
        author=w.users["doctor_b"],
    ),
    "a condition": lambda *_: LibraryCondition(slug="made-up", name="Made up"),
    "a report of a foreign patient": lambda w, by: Report(
        patient_id=w.records["b"].patient,
        diagnosis_id=w.records["b"].completed,
        version=9,
        signed_by=by,
        title="x",
        body="x",
        risk_level="low",
        review_id=1,
    ),
}


@pytest.mark.parametrize("who", ["doctor", "patient", "admin", "auditor", "integration"])
@pytest.mark.parametrize("what", INSERTS)
def test_rows_of_others_cannot_be_added(world, who, what):
    row = INSERTS[what](world, world.users[who])
    with (
        pytest.raises(DatabaseError, match="violates row-level security policy"),
        acting_as(world.users[who]),
    ):
        row.save(force_insert=True)


def test_a_patient_cannot_write_an_own_report(world):
    with acting_as(SYSTEM):
        review = Review.objects.create(
            diagnosis_id=world.records["a"].completed, reviewer=world.users["doctor"], decision="confirm", label="PVC",
            risk_level="low",
        )  # fmt: skip
    row = Report(
        patient_id=world.records["a"].patient, diagnosis_id=world.records["a"].completed, review=review, version=1,
        signed_by=world.users["doctor"], title="healthy", body="", risk_level="low",
    )  # fmt: skip
    with (
        pytest.raises(DatabaseError, match="violates row-level security policy"),
        acting_as(world.users["patient"]),
    ):
        row.save(force_insert=True)


@pytest.mark.parametrize(
    "model",
    [Prediction, Heatmap, Report, Recording, BeatOverride, ClinicalValue, PatientRisk, ConditionRevision],
)
def test_what_was_answered_and_signed_changes_for_nobody(world, model):
    with acting_as(SYSTEM):
        assert model.objects.exists()
        rows = keys(model.objects.all())
    for change in ("update", "delete"):
        with pytest.raises(DatabaseError, match="append-only"), acting_as(SYSTEM):
            change_rows(model, change, rows)


def test_a_refused_write_leaves_the_actor_as_before(world):
    with acting_as(world.users["doctor"]):
        before = keys(Patient.objects.all())
        with pytest.raises(DatabaseError), transaction.atomic():
            INSERTS["a place on a foreign care team"](world, world.users["doctor"]).save(force_insert=True)
        assert keys(Patient.objects.all()) == before == {world.records["a"].patient}
