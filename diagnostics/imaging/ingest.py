"""Filing objects: the one way in, whatever door they came through."""

from __future__ import annotations

import dataclasses
import functools
import logging
import uuid
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import on_rollback, person_id
from accounts.policy import Permission, require
from diagnostics.imaging.arrivals import InstanceVerdict, refused
from diagnostics.imaging.identity import compare
from diagnostics.imaging.reasons import ImagingReason, sentence
from diagnostics.imaging.states import StudyStatus
from diagnostics.imaging.storage import Movable
from diagnostics.models import DicomInstance, DicomSeries, DicomStudy
from diagnostics.reasons import Reason
from diagnostics.reasons import sentence as file_sentence
from diagnostics.services.uploads import clean_name, discard_file
from patients.models import Patient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.actor import Actor
    from diagnostics.imaging.arrivals import Arrival
    from ml.dicom.header import DicomHeader

log = logging.getLogger(__name__)
# The filed study of a patient, or the held one of a sender and an identity.
Key = tuple[Any, ...]


@dataclasses.dataclass(slots=True)
class _Object:
    """An object that could be read, and what becomes of it."""

    arrival: Arrival
    header: DicomHeader
    patient: Patient | None
    claimed: Patient | None
    reason: ImagingReason | None = None
    differs: tuple[str, ...] = ()
    study: DicomStudy | None = None
    row: DicomInstance | None = None
    verdict: InstanceVerdict | None = None

    @property
    def key(self) -> Key:
        """Which study it belongs to."""
        if self.patient:
            return (self.header.study_uid, self.patient.pk)
        said = self.header.identity
        claimed = self.claimed.pk if self.claimed else None
        return (self.header.study_uid, claimed, said.patient_id, said.name, said.birth_date, said.sex)

    @property
    def message(self) -> str:
        """Why it is held; "" when it is filed."""
        return sentence(self.reason, differs=" and ".join(self.differs)) if self.reason else ""


@transaction.atomic
def take_in(
    actor: Actor,
    arrivals: Sequence[Arrival],
    *,
    door: DicomStudy.Door,
    patient: Patient | None = None,
    study_uid: str | None = None,
) -> list[InstanceVerdict]:
    """File a batch of objects; answers per object, in order. A refused one leaves nothing behind and holds back no other.

    Args:
        actor: who sends; only patients whom the actor may see are ever filed to.
        arrivals: at most some dozens: they share their statements.
        door: how they came.
        patient: whom a person has chosen; by what each object says if None.
        study_uid: the study that they were sent to; objects of another are refused.

    Raises:
        PermissionDenied: the actor may not upload.
    """
    require(actor, Permission.UPLOAD)
    read = [_read(arrival, study_uid) for arrival in arrivals]
    headers = [one for one in read if not isinstance(one, InstanceVerdict)]
    known = {} if patient else _patients(actor, [header for _, header in headers])
    objects = [_judged(arrival, header, patient, known) for arrival, header in headers]
    _place(actor, objects, door)
    _store(objects)
    _leave_nothing(objects)
    _note(objects, door)
    answers = iter(objects)
    return [one if isinstance(one, InstanceVerdict) else _answer(next(answers)) for one in read]


def _read(arrival: Arrival, study_uid: str | None) -> InstanceVerdict | tuple[Arrival, DicomHeader]:
    from ml.dicom.header import read_header
    from ml.dicom.reasons import UnusableDicom

    try:
        header = read_header(arrival.path)
    except UnusableDicom as refusal:
        return refused(clean_name(arrival.name), refusal.reason_code, refusal.message)
    if study_uid not in {None, header.study_uid}:
        reason = ImagingReason.OTHER_STUDY
        return refused(clean_name(arrival.name), reason.value, sentence(reason), **_uids(header))
    return arrival, header


def _uids(header: DicomHeader) -> dict[str, str]:
    """What a verdict says of an object."""
    names = ("study_uid", "sop_uid", "sop_class_uid")
    return {name: getattr(header, name) for name in names}


def _patients(actor: Actor, headers: Iterable[DicomHeader]) -> dict[str, Patient]:
    numbers = {header.identity.patient_id for header in headers} - {""}
    return {row.mrn: row for row in Patient.objects.visible_to(actor).filter(mrn__in=numbers)}


def _judged(
    arrival: Arrival, header: DicomHeader, chosen: Patient | None, known: dict[str, Patient]
) -> _Object:
    """Whose it is, and whether a person has to look."""
    patient = chosen or known.get(header.identity.patient_id)
    if patient is None:
        return _Object(arrival, header, None, None, ImagingReason.UNKNOWN_PATIENT)
    found = compare(header.identity, patient)
    if found.fits if chosen else found.proves:
        return _Object(arrival, header, patient, patient)
    reason = ImagingReason.OTHER_PATIENT if found.differs else ImagingReason.IDENTITY_INCOMPLETE
    return _Object(arrival, header, None, patient, reason, found.differs)


def _place(actor: Actor, objects: Sequence[_Object], door: DicomStudy.Door) -> None:
    """Give each object its study, made where there is none."""
    sender = person_id(actor)
    _follow_decisions(objects)
    wanted = {one.key: one for one in objects}
    DicomStudy.objects.bulk_create(
        [_study(one, sender, door) for _, one in sorted(wanted.items(), key=lambda pair: pair[0][0])],
        ignore_conflicts=True,
    )
    rows = DicomStudy.objects.filter(study_uid__in={one.header.study_uid for one in objects})
    found: dict[Key, DicomStudy] = {}
    for row in rows:
        if row.patient_id:
            found[row.study_uid, row.patient_id] = row
        elif row.status == StudyStatus.HELD and row.received_by_id == sender:
            said = (row.file_patient_id, row.file_patient_name, row.file_birth_date, row.file_sex)
            found[row.study_uid, row.claimed_patient_id, *said] = row
    for one in objects:
        one.study = found[one.key]


def _follow_decisions(objects: Iterable[_Object]) -> None:
    """What a person has released once is not held again when more of the same study and identity comes."""
    held = [one for one in objects if one.patient is None]
    if not held:
        return
    decided = DicomStudy.objects.filter(
        study_uid__in={one.header.study_uid for one in held}, patient__isnull=False, decided_by__isnull=False
    ).select_related("patient")
    released = {
        (row.study_uid, row.claimed_patient_id, row.file_patient_id, row.file_patient_name, row.file_birth_date, row.file_sex): row
        for row in decided
    }  # fmt: skip
    for one in held:
        if row := released.get(one.key):
            one.patient, one.reason = row.patient, None


def _study(one: _Object, sender: int, door: DicomStudy.Door) -> DicomStudy:
    header, said = one.header, one.header.identity
    return DicomStudy(
        study_uid=header.study_uid,
        patient=one.patient,
        claimed_patient=one.claimed,
        received_by_id=sender,
        door=door,
        status=StudyStatus.RECEIVING if one.patient else StudyStatus.HELD,
        reason_code=one.reason.value if one.reason else "",
        message=one.message,
        study_date=header.study_date,
        description=header.study_description,
        accession_number=header.accession_number,
        file_patient_id=said.patient_id,
        file_patient_name=said.name,
        file_birth_date=said.birth_date,
        file_sex=said.sex,
    )


def _store(objects: Sequence[_Object]) -> None:
    """Keep the bytes and rows of what is new; say of the rest that it is known or contradicts what is stored."""
    first = _stored_before(objects)
    new: list[_Object] = []
    for one in objects:
        place = _scope(one)
        if place in first:
            _compare(one, *first[place])
        elif _keep(one):
            first[place] = (one.arrival.sha256, None)
            new.append(one)
    rows = _rows(new)
    DicomInstance.objects.bulk_create([row for row in rows if row], ignore_conflicts=True)
    kept = set(DicomInstance.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    late = [one for one in new if one.row and one.row.pk not in kept]
    again = _stored_before(late)
    for one in late:  # the same object came through another door at the same moment
        discard_file(one.row.storage_name if one.row else "")
        _compare(one, *again[_scope(one)])
        one.row = None
    _touch({one.study for one in new if one.row and one.study})


def _scope(one: _Object) -> tuple[str, Any]:
    """Within what a SOP instance UID may stand for one content only: a patient's studies, or a held study."""
    study = _placed(one)
    return one.header.sop_uid, study.patient_id or study.pk


def _placed(one: _Object) -> DicomStudy:
    if one.study is None:
        raise LookupError("an object has no study yet")
    return one.study


def _stored_before(objects: Iterable[_Object]) -> dict[tuple[str, Any], tuple[str, DicomInstance | None]]:
    """Hash and row of what is stored under the same SOP instance UIDs."""
    rows = DicomInstance.objects.filter(sop_uid__in={one.header.sop_uid for one in objects}).select_related(
        "study"
    )
    return {(row.sop_uid, row.study.patient_id or row.study_id): (row.sha256, row) for row in rows}


def _compare(one: _Object, sha256: str, row: DicomInstance | None) -> None:
    """Answer about an object whose UID is taken; `row` is None where an earlier one of the same batch took it."""
    reason = ImagingReason.KNOWN if sha256 == one.arrival.sha256 else ImagingReason.UID_CONFLICT
    study = row.study if row else _placed(one)
    one.verdict = InstanceVerdict(
        filename=clean_name(one.arrival.name),
        outcome="known" if reason is ImagingReason.KNOWN else "refused",
        reason_code=reason.value,
        message=sentence(reason),
        study_id=study.pk,
        instance_id=row.pk if row else None,
        **_uids(one.header),
    )


def _keep(one: _Object) -> bool:
    """Move the file into the storage; False, with the refusal noted, if the storage is away."""
    key = uuid.uuid4().hex
    name = f"dicom/{key[:2]}/{key}.dcm"
    try:
        with one.arrival.path.open("rb") as stream:
            stored = default_storage.save(name, Movable(stream, one.arrival.path))
    except Exception:  # each storage back end raises its own
        log.exception("storage refused a DICOM object")
        discard_file(name)
        name, code = clean_name(one.arrival.name), Reason.STORAGE
        one.verdict = refused(name, code.value, file_sentence(code), **_uids(one.header))
        return False
    on_rollback(functools.partial(discard_file, stored))
    header = one.header
    one.row = DicomInstance(
        study=one.study,
        sop_uid=header.sop_uid,
        sop_class_uid=header.sop_class_uid,
        syntax_uid=header.syntax_uid,
        number=header.instance_number,
        content=header.content.value,
        image=header.image.as_json() if header.image else None,
        original_name=clean_name(one.arrival.name),
        size=one.arrival.size,
        sha256=one.arrival.sha256,
        storage_name=stored,
        reason_code=header.reason_code,
        message=header.message,
    )
    return True


def _rows(new: Sequence[_Object]) -> list[DicomInstance]:
    """The rows of new objects with their series, made where there is none."""
    wanted = {(_placed(one).pk, one.header.series_uid): one for one in new}
    DicomSeries.objects.bulk_create(
        [
            DicomSeries(
                study=one.study,
                series_uid=one.header.series_uid,
                modality=one.header.modality,
                number=one.header.series_number,
                description=one.header.series_description,
                body_part=one.header.body_part,
            )
            for _, one in sorted(wanted.items(), key=lambda pair: pair[0][1])
        ],
        ignore_conflicts=True,
    )
    series = DicomSeries.objects.filter(study__in={study for study, _ in wanted})
    places = {(row.study_id, row.series_uid): row for row in series}
    rows = []
    for one in new:
        if one.row is not None:
            one.row.series = places[_placed(one).pk, one.header.series_uid]
            rows.append(one.row)
    return rows


def _touch(studies: set[DicomStudy]) -> None:
    """Note when something new came; a study that was complete is open again."""
    ids, now = [study.pk for study in studies], timezone.now()
    DicomStudy.objects.filter(pk__in=ids).update(last_received_at=now)
    closed = (StudyStatus.COMPLETE, StudyStatus.DIAGNOSED)
    DicomStudy.objects.filter(pk__in=ids, status__in=closed).update(status=StudyStatus.RECEIVING)


def _leave_nothing(objects: Iterable[_Object]) -> None:
    """Take studies back that were made for objects of which none was stored."""
    without = {_placed(one).pk for one in objects if one.row is None}
    if without:
        DicomStudy.objects.filter(pk__in=without, instances=None).delete()


def _answer(one: _Object) -> InstanceVerdict:
    if one.verdict:
        return one.verdict
    study, row = _placed(one), one.row
    return InstanceVerdict(
        filename=clean_name(one.arrival.name),
        outcome="filed" if study.patient_id else "held",
        reason_code="" if study.patient_id else study.reason_code,
        message=(row.message if row else "") or "Filed." if study.patient_id else study.message,
        study_id=study.pk,
        instance_id=row.pk if row else None,
        **_uids(one.header),
    )


def _note(objects: Iterable[_Object], door: DicomStudy.Door) -> None:
    """One event for each study of the batch, with the instances that were stored, and one for what was refused."""
    stored: dict[uuid.UUID, tuple[DicomStudy, list[str]]] = {}
    codes: dict[str, int] = {}
    for one in objects:
        if one.row and one.study:
            stored.setdefault(one.study.pk, (one.study, []))[1].append(str(one.row.pk))
        elif one.verdict:
            codes[one.verdict.reason_code] = codes.get(one.verdict.reason_code, 0) + 1
    for study, ids in stored.values():
        detail = {
            "door": door.value,
            "instances": ids,
            "status": study.status,
            "reason_code": study.reason_code,
        }
        audit.record(audit.Action.CREATE, obj=study, patient_id=study.patient_id, detail=detail)
    if codes:
        refusals = {"door": door.value, "reason_codes": codes}
        audit.record(audit.Action.CREATE, outcome=audit.Outcome.REFUSED, detail=refusals)
