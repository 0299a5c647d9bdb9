"""STOW-RS: storing instances (PS3.18 10.5)."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from rest_framework.views import APIView

from accounts.middleware import acting_for
from diagnostics.api.dicomweb.base import dicom_json, refused, where
from diagnostics.api.dicomweb.json_model import Element, dataset
from diagnostics.api.dicomweb.multipart import LONGEST_BOUNDARY, BrokenMultipart, parameters, parts
from diagnostics.imaging import refusals
from diagnostics.imaging.arrivals import Hall, in_batches
from diagnostics.imaging.arrivals import refused as refused_file
from diagnostics.imaging.ingest import take_in
from diagnostics.imaging.reasons import ImagingReason, sentence
from diagnostics.models import DicomSeries, DicomStudy
from diagnostics.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import JsonResponse
    from rest_framework.request import Request

    from diagnostics.imaging.arrivals import Arrival, InstanceVerdict

DICOM = "application/dicom"
# Failure reasons of PS3.18 table 10.5.3-2; whatever else is refused cannot be understood.
OUT_OF_RESOURCES, DUPLICATE, MISMATCH, NOT_UNDERSTOOD = 0xA700, 0x0111, 0xA900, 0xC000
FAILURES = {
    ImagingReason.UID_CONFLICT.value: DUPLICATE,
    ImagingReason.OTHER_STUDY.value: MISMATCH,
    Reason.STORAGE.value: OUT_OF_RESOURCES,
    Reason.TOO_LARGE.value: OUT_OF_RESOURCES,
}
MOST_PARTS = 20_000  # of one message: each has its line in the answer, however small it is
HELD = 0xB000  # stored otherwise than it says: of no patient yet
# Why, in this platform's words: private elements of the answer.
CREATOR, CODE, MESSAGE = "00990010", "00991001", "00991002"


class Store:
    """Stores what comes in, batch by batch: on the disk first, then in a transaction of its own."""

    def __init__(self, request: Request, study_uid: str | None, scopes: frozenset[str] | None) -> None:
        self.request, self.study_uid, self.scopes = request, study_uid, scopes
        self.broken, self.seen = False, 0

    def verdicts(self, boundary: str) -> list[InstanceVerdict]:
        """Take every part in; what came before a message breaks off is kept."""
        with Hall() as hall:
            return list(in_batches(self._arriving(hall, boundary), self._take))

    def _arriving(self, hall: Hall, boundary: str) -> Iterator[Arrival | InstanceVerdict]:
        try:
            for part in parts(_reader(self.request), boundary):
                if self.seen == MOST_PARTS:
                    raise BrokenMultipart
                self.seen += 1
                name = f"part {self.seen}"
                if part.media_type == DICOM:
                    yield hall.receive(name, part.body)
                else:
                    message = sentence(ImagingReason.PART_TYPE, found=part.media_type[:64] or "of no type")
                    yield refused_file(name, ImagingReason.PART_TYPE.value, message)
        except (BrokenMultipart, OSError):
            self.broken = True

    def _take(self, batch: list[Arrival]) -> list[InstanceVerdict]:
        with self.acting():
            return take_in(self.request.user, batch, door=DicomStudy.Door.STOW, study_uid=self.study_uid)

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Act as the sender, within the scopes of the key, in a transaction."""
        with acting_for(self.request._request) as acting:  # noqa: SLF001  # whose user DRF has set
            acting.scopes = self.scopes
            yield


def _reader(request: Request) -> Callable[[int], bytes]:
    """How the body is read. Without a length, as with chunks, the server says where it ends."""
    plain = request._request  # noqa: SLF001  # DRF would parse the body
    if "chunked" in request.headers.get("Transfer-Encoding", "") and plain.META.get("wsgi.input_terminated"):
        return functools.partial(plain.META["wsgi.input"].read)
    return plain.read


class StoreMixin(APIView):
    """Storing instances, for the resources that take them. A POST comes without a transaction (accounts.middleware)."""

    scopes: frozenset[str] | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who sends, and whether they may: in a transaction of its own, before anything is received."""
        if request.method != "POST":
            super().initial(request, *args, **kwargs)
            return
        with acting_for(request._request) as acting:  # noqa: SLF001
            super().initial(request, *args, **kwargs)
            self.scopes = acting.scopes

    def store(self, request: Request, study_uid: str | None = None) -> JsonResponse:
        """200 when everything was stored and filed, 202 when some was refused or is held, 409 when nothing was stored."""
        media_type, said = parameters(request.headers.get("Content-Type", ""))
        boundary = said.get("boundary", "")
        fits = media_type == "multipart/related" and said.get("type", DICOM).lower() == DICOM
        if not fits or not 0 < len(boundary) <= LONGEST_BOUNDARY:
            return refused(ImagingReason.NOT_MULTIPART, 415)
        store = Store(request, study_uid, self.scopes)
        verdicts = store.verdicts(boundary)
        with store.acting():
            lost = [_broken(store.seen)] if store.broken else []
            calling = str(request.auth) if request.auth else ""
            refusals.note(request.user, [*verdicts, *lost], door=DicomStudy.Door.STOW, calling=calling)
            if lost and not verdicts:
                return refused(ImagingReason.BROKEN_MULTIPART, 400, parts=0)
            return answer(request, verdicts, broken=store.broken, seen=store.seen)


def _broken(seen: int) -> InstanceVerdict:
    """The verdict about the rest of a message that breaks off after so many parts."""
    reason = ImagingReason.BROKEN_MULTIPART
    return refused_file("message", reason.value, sentence(reason, parts=seen))


def answer(request: Request, verdicts: list[InstanceVerdict], *, broken: bool, seen: int) -> JsonResponse:
    """The verdicts as a data set (PS3.18 table 10.5.3-1)."""
    places = _places(request, verdicts)
    stored = [_stored(request, one, places) for one in verdicts if one.accepted]
    failed = [_failed(one) for one in verdicts if not one.accepted and one.sop_uid]
    other = [_failed(one) for one in verdicts if not one.accepted and not one.sop_uid]
    if broken:
        other.append(_failed(_broken(seen)))
    lists = {"ReferencedSOPSequence": stored, "FailedSOPSequence": failed, "OtherFailuresSequence": other}
    found = dataset(**{name: items for name, items in lists.items() if items})
    perfect = stored and not failed and not other and all(one.outcome != "held" for one in verdicts)
    return dicom_json(found, status=200 if perfect else 202 if stored else 409)


def _places(request: Request, verdicts: list[InstanceVerdict]) -> dict[Any, tuple[str, str]]:
    """Study and series UID by the instance's id."""
    ids = {one.instance_id for one in verdicts if one.instance_id and one.outcome != "held"}
    rows = (
        DicomSeries.objects.visible_to(request.user)
        .filter(instances__in=ids)
        .values_list("instances", "study__study_uid", "series_uid")
    )
    return {pk: (study_uid, series_uid) for pk, study_uid, series_uid in rows}


def _stored(request: Request, one: InstanceVerdict, places: dict[Any, tuple[str, str]]) -> Element:
    fields: dict[str, Any] = {
        "ReferencedSOPClassUID": one.sop_class_uid,
        "ReferencedSOPInstanceUID": one.sop_uid,
    }
    if one.instance_id in places:
        fields["RetrieveURL"] = where(request, *places[one.instance_id], one.sop_uid)
    if one.outcome == "held":
        fields["WarningReason"] = HELD
    return dataset(**fields) | (_why(one) if one.reason_code else {})


def _failed(one: InstanceVerdict) -> Element:
    fields: dict[str, Any] = {"FailureReason": FAILURES.get(one.reason_code, NOT_UNDERSTOOD)}
    if one.sop_uid:
        fields |= {"ReferencedSOPClassUID": one.sop_class_uid, "ReferencedSOPInstanceUID": one.sop_uid}
    return dataset(**fields) | _why(one)


def _why(one: InstanceVerdict) -> Element:
    return {
        CREATOR: {"vr": "LO", "Value": ["CARDIOCARE"]},
        CODE: {"vr": "LO", "Value": [one.reason_code]},
        MESSAGE: {"vr": "LT", "Value": [one.message]},
    }
