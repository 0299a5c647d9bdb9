"""The demo cases: made here or shipped by a dependency, good and bad, each with the end that it must come to."""

from __future__ import annotations

import dataclasses
import io
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.actor import acting_as
from accounts.models import User
from accounts.roles import SYSTEM
from diagnostics.imaging import studies
from diagnostics.imaging.states import StudyStatus
from diagnostics.imaging.uploading import upload_objects
from diagnostics.models import Diagnosis, DicomInstance, DicomStudy
from diagnostics.services.clinical import request_clinical_diagnosis
from diagnostics.services.uploads import Verdict, submit_uploads
from diagnostics.states import SETTLED, Status
from diagnostics.views.shown import percent
from patients import demo as people
from patients.models import Patient
from worker import demo_files

POLL_S = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What became of a case; `diagnosis` is None for a file that was not accepted."""

    case: demo_files.Case
    verdict: Verdict
    diagnosis: Diagnosis | None

    @property
    def status(self) -> str:
        """The diagnosis's state, or `not accepted`."""
        return self.diagnosis.status if self.diagnosis else "not accepted"

    @property
    def reason_code(self) -> str:
        """Why it was refused, if it was."""
        return self.diagnosis.reason_code if self.diagnosis else self.verdict.reason_code or ""

    @property
    def labels(self) -> list[str]:
        """The models' labels, or the level of a clinical record."""
        if self.diagnosis is None:
            return []
        if self.case.clinical:
            return [self.diagnosis.answer] if self.diagnosis.answer else []
        return [p.label for p in self.diagnosis.answers() if p.label]

    @property
    def as_expected(self) -> bool:
        """Whether state, reason and label are the expected ones."""
        wanted = self.case
        answered = self.status in {Status.REVIEWED, Status.SIGNED, Status.AMENDED}
        status_fits = self.status == wanted.status or (answered and wanted.status == Status.COMPLETED)
        named = set(self.labels)
        label_fits = (
            not named.isdisjoint(wanted.labels) if wanted.labels else wanted.labels is None or not named
        )
        reason_fits = not wanted.reason_code or self.reason_code == wanted.reason_code
        return status_fits and label_fits and reason_fits

    def as_json(self) -> dict[str, Any]:
        """The columns of the table as JSON types."""
        predictions = self.diagnosis.answers() if self.diagnosis else []
        # Ten models and scores answer about a clinical record: too many for a cell.
        shown = self.diagnosis.deciding if self.diagnosis and self.case.clinical else predictions
        # A level has no confidence: the model's own is of the outcome that it names.
        confirmable = self.diagnosis.confirmable() if self.diagnosis and not self.case.clinical else None
        return {
            "case": self.case.name,
            "models": [str(p.model_version) for p in shown],
            "label": ", ".join(self.labels) or None,
            "confidence": confirmable.confidence if confirmable else None,
            "risk": (self.diagnosis.risk_level or None) if self.diagnosis else None,
            "duration_ms": round(sum(p.duration_ms for p in predictions), 1) if predictions else None,
            "status": self.status,
            "reason_code": self.reason_code or None,
            "as_expected": self.as_expected,
        }

    def row(self) -> tuple[str, ...]:
        """The columns as text."""
        values = self.as_json()
        return (
            values["case"],
            ", ".join(values["models"]) or "-",
            values["label"] or values["reason_code"] or "-",
            percent(values["confidence"]) if values["confidence"] is not None else "-",
            values["risk"] or "-",
            f"{values['duration_ms']:.1f} ms" if values["duration_ms"] is not None else "-",
            values["status"],
            "yes" if values["as_expected"] else "NO",
        )


class Upload(io.BytesIO):
    """Bytes with a name, as a browser sends them."""

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name = name


def run(*, deadline_s: float) -> list[Result]:
    """Upload every case as doctor.demo and wait until each diagnosis is settled, at most `deadline_s` seconds."""
    cases = demo_files.cases()
    doctor = User.objects.get(username=people.LOGINS[0][0])
    verdicts: list[Verdict] = []
    for case in cases:
        with acting_as(doctor):
            patient = Patient.objects.get(mrn=case.mrn)
            if case.clinical:
                verdicts.append(_assessed(doctor, patient))
                continue
            if case.imaging:
                verdicts.append(_imaged(doctor, patient, case))
                continue
            verdicts += submit_uploads(
                doctor, patient_id=patient.pk, files=[Upload(case.filename, case.data)]
            )
    ends = time.monotonic() + deadline_s
    while (diagnoses := _diagnoses(verdicts)) and time.monotonic() < ends:
        if all(diagnosis.status in SETTLED for diagnosis in diagnoses.values()):
            break
        time.sleep(POLL_S)
    return [
        Result(case, verdict, diagnoses.get(verdict.diagnosis_id))
        for case, verdict in zip(cases, verdicts, strict=True)
    ]


def _assessed(doctor: User, patient: Patient) -> Verdict:
    """Ask for an assessment of the patient's clinical values."""
    requested = request_clinical_diagnosis(doctor, patient_id=patient.pk)
    row = requested.diagnosis
    return Verdict(
        filename=row.upload.original_name,
        accepted=True,
        upload_id=row.upload_id,
        diagnosis_id=row.pk,
        message=requested.message,
    )


def _imaged(doctor: User, patient: Patient, case: demo_files.Case) -> Verdict:
    """Upload a study and say that it is complete."""
    (verdict,) = upload_objects(doctor, patient=patient, files=[Upload(case.filename, case.data)])
    if verdict.study_id is None or verdict.instance_id is None:
        return Verdict(
            filename=case.filename, accepted=False, reason_code=verdict.reason_code, message=verdict.message
        )
    if DicomStudy.objects.get(pk=verdict.study_id).status == StudyStatus.RECEIVING:
        studies.complete(doctor, study_id=verdict.study_id)
    upload = DicomInstance.objects.select_related("upload__diagnosis").get(pk=verdict.instance_id).upload
    return Verdict(
        filename=case.filename,
        accepted=True,
        upload_id=upload.pk if upload else None,
        diagnosis_id=upload.diagnosis.pk if upload else None,
        message=verdict.message,
    )


def _diagnoses(verdicts: list[Verdict]) -> dict[Any, Diagnosis]:
    ids = [verdict.diagnosis_id for verdict in verdicts if verdict.diagnosis_id]
    with acting_as(SYSTEM):
        rows = (
            Diagnosis.objects.filter(pk__in=ids)
            .select_related("upload")
            .prefetch_related("predictions__model_version")
        )
        return {row.pk: row for row in rows}


def agreement(folder: Path) -> list[dict[str, Any]]:
    """How far the answers agree with the cardiologists' annotations, record by record.

    Only records that the served weights have not seen are asked, if there are any.

    Args:
        folder: holds the WFDB files of MIT-BIH, or ``mitdb/`` with them.

    Raises:
        CommandError: when the folder does not hold the database.
    """
    from ml.datasets.beats import DataNotFoundError
    from ml.evaluation import agreement as measured

    inside = folder / "mitdb" if (folder / "mitdb").is_dir() else folder
    try:
        records = measured.agreement(inside)
    except DataNotFoundError as error:
        raise CommandError(f"{error}. DATA names the folder of MIT-BIH in WFDB form.") from error
    return [dataclasses.asdict(record) for record in records]


def agreement_text(records: list[dict[str, Any]]) -> str:
    """The agreement as a table with its total."""
    heads = ("record", "side", "beats", "answered", "abstained", "refused", "agreed", "of answered")
    rows = [_agreement_row(record["record"], record["side"], record) for record in records]
    total = {name: sum(record[name] for record in records) for name in heads[2:-1]}
    rows.append(_agreement_row("all", "", total))
    title = "\nAgreement with the cardiologists' annotations of MIT-BIH, beat by beat:\n\n"
    return title + columns(heads, rows)


def _agreement_row(name: str, side: str, counts: dict[str, int]) -> tuple[str, ...]:
    shares = ("beats", "answered", "abstained", "refused", "agreed")
    part = f"{counts['agreed'] / counts['answered']:.1%}" if counts["answered"] else "-"
    return (name, side, *(str(counts[share]) for share in shares), part)


def columns(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Left-aligned columns under their names."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [heads, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
