"""WADO-RS: giving instances back, their metadata, frames and pictures (PS3.18 10.4)."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.http import Http404, HttpResponse, StreamingHttpResponse

from accounts import audit
from accounts.policy import Permission
from diagnostics.api.dicomweb.base import JSON, DicomWebView, accepted, instances, refused, where
from diagnostics.api.dicomweb.json_model import dataset
from diagnostics.api.dicomweb.multipart import written
from diagnostics.api.dicomweb.stow import StoreMixin
from diagnostics.imaging import rendering
from diagnostics.imaging.arrivals import pieces
from diagnostics.imaging.reasons import ImagingReason, ImagingRefused
from diagnostics.imaging.storage import stored_object
from diagnostics.reasons import Reason
from diagnostics.reasons import sentence as file_sentence
from diagnostics.services.claims import StoredFileMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.http import JsonResponse
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from diagnostics.models import DicomInstance

log = logging.getLogger(__name__)
DICOM, OCTETS = "application/dicom", "application/octet-stream"
MOST_FRAMES = 100  # of one answer: they are decoded before it begins


class RetrieveView(StoreMixin, DicomWebView):
    """The objects of a study, a series or an instance, as they were stored."""

    @property
    def permission(self) -> Permission:  # type: ignore[override]  # by method
        """Whoever stores need not be allowed to read."""
        return Permission.UPLOAD if self.request.method == "POST" else Permission.READ_STUDIES

    def get(self, request: Request, **uids: str) -> HttpResponseBase:
        """One part for each object; a single instance also by itself."""
        rows = list(instances(request.user, **uids))
        alone = "sop_uid" in uids and accepted(request, [DICOM]) == DICOM
        if not alone and accepted(request, [DICOM], wrapped=True) is None:
            offered = f"Objects are given as multipart/related with type {DICOM}."
            return refused(ImagingReason.NOT_ACCEPTABLE, 406, offered=offered)
        _note(rows, audit.Action.EXPORT)
        names = [row.storage_name for row in rows]  # the transaction is over when the stream begins
        if alone and request.headers.get("Accept", "*/*") != "*/*":
            return StreamingHttpResponse(_stored(names[0]), content_type=DICOM)
        content_type, stream = written(DICOM, map(_stored, names))
        return StreamingHttpResponse(stream, content_type=content_type)

    def post(self, request: Request, study_uid: str, **others: str) -> JsonResponse:
        """Store instances of this study alone."""
        if others:
            self.http_method_not_allowed(request)
        return self.store(request, study_uid)


class MetadataView(DicomWebView):
    """The data sets of a study, a series or an instance without their bulk."""

    def get(self, request: Request, **uids: str) -> HttpResponseBase:
        """A list in the DICOM JSON model, written while it is read."""
        rows = list(instances(request.user, **uids))
        if accepted(request, [JSON, "application/json"]) is None:
            return refused(ImagingReason.NOT_ACCEPTABLE, 406, offered=f"Metadata is given as {JSON}.")
        _note(rows, audit.Action.READ, metadata=True)
        places = [where(request, row.study.study_uid, row.series.series_uid, row.sop_uid) for row in rows]
        return StreamingHttpResponse(_listed(map(_metadata, rows, places)), content_type=JSON)


class FramesView(DicomWebView):
    """Frames of an instance as uncompressed values."""

    def get(self, request: Request, frames: str, **uids: str) -> HttpResponseBase:
        """One part for each frame, in the order asked for."""
        (instance,) = instances(request.user, **uids)[:1]
        numbers = [int(one) for one in frames.split(",") if one.isascii() and one.isdigit() and len(one) < 8]
        there = range(1, instance.frames + 1) if instance.image else range(1, MOST_FRAMES)
        if (
            len(numbers) != len(frames.split(","))
            or len(numbers) > MOST_FRAMES
            or not set(numbers) <= set(there)
        ):
            raise Http404
        if accepted(request, [OCTETS], wrapped=True) is None:
            offered = f"Frames are given as multipart/related with type {OCTETS}, uncompressed."
            return refused(ImagingReason.NOT_ACCEPTABLE, 406, offered=offered)
        _note([instance], audit.Action.READ, frames=len(numbers))

        def draw() -> HttpResponseBase:
            first = rendering.frame_values(instance, numbers[0] - 1)
            rest = (rendering.frame_values(instance, number - 1) for number in numbers[1:])
            bodies = ([values] for group in ([first], rest) for values in group)
            content_type, stream = written(OCTETS, bodies)
            return StreamingHttpResponse(stream, content_type=content_type)

        return _drawn(instance, draw)


class RenderedView(DicomWebView):
    """An instance, or one of its frames, as a picture for people."""

    def get(self, request: Request, frame: int = 1, **uids: str) -> HttpResponseBase:
        """A PNG, windowed as the object says or as `window=centre,width[,function]` asks."""
        (instance,) = instances(request.user, **uids)[:1]
        form = accepted(request, ["image/png", "image/jpeg"])
        if form is None:
            offered = "Pictures are given as image/png or image/jpeg."
            return refused(ImagingReason.NOT_ACCEPTABLE, 406, offered=offered)
        try:
            window = _window(request.query_params.get("window", ""))
        except ValueError:
            return refused(ImagingReason.BAD_WINDOW, 400)
        _note([instance], audit.Action.READ, rendered=True)

        def draw() -> HttpResponseBase:
            png = rendering.frame_png(instance, frame - 1, window=window)
            return HttpResponse(png if form == "image/png" else _jpeg(png), content_type=form)

        return _drawn(instance, draw)


def _window(text: str) -> tuple[float, float] | None:
    """Raises ValueError."""
    if not text:
        return None
    centre, width, *_ = text.split(",")
    found = float(centre), float(width)
    if not (abs(found[0]) < 1e9 and 1.0 <= found[1] < 1e9):
        raise ValueError(text)
    return found


def _jpeg(png: bytes) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        picture.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _drawn(instance: DicomInstance, draw: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    from ml.dicom.reasons import DicomReason, UnusableDicom

    try:
        return draw()
    except UnusableDicom as refusal:
        if refusal.reason_code == DicomReason.NO_SUCH_FRAME:
            raise Http404 from None
        return _error(refusal.reason_code, refusal.message, 422)
    except ImagingRefused as refusal:
        return _error(refusal.reason.value, refusal.message, 422)
    except StoredFileMissing:
        log.exception("instance %s cannot be given back", instance.pk)
        return _error(Reason.FILE_MISSING.value, file_sentence(Reason.FILE_MISSING), 503)


def _error(code: str, message: str, status: int) -> HttpResponse:
    body = json.dumps({"reason_code": code, "message": message})
    return HttpResponse(body, content_type="application/json", status=status)


def _note(rows: Iterable[DicomInstance], action: Any, **detail: Any) -> None:
    """One event for each study."""
    by_study: dict[Any, list[DicomInstance]] = {}
    for row in rows:
        by_study.setdefault(row.study_id, []).append(row)
    for same in by_study.values():
        study = same[0].study
        found = {"dicomweb": True, "instances": len(same)} | detail
        audit.record(action, obj=study, patient_id=study.patient_id, detail=found)


def _stored(name: str) -> Iterator[bytes]:
    with default_storage.open(name, "rb") as file:
        yield from pieces(file)


def _listed(found: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A JSON list, item by item."""
    before = b"["
    for one in found:
        yield before + json.dumps(one).encode()
        before = b","
    yield b"]" if before == b"," else b"[]"


def _metadata(instance: DicomInstance, url: str) -> dict[str, Any]:
    """The data set of an object in the JSON model; what places it alone where it cannot be read any more."""
    from ml.dicom.metadata import json_of
    from ml.dicom.reasons import UnusableDicom

    try:
        with stored_object(instance) as path:
            found = json_of(path)
    except (UnusableDicom, StoredFileMissing, OSError):
        log.exception("metadata of instance %s cannot be read", instance.pk)
        found = dataset(
            StudyInstanceUID=instance.study.study_uid,
            SeriesInstanceUID=instance.series.series_uid,
            SOPInstanceUID=instance.sop_uid,
            SOPClassUID=instance.sop_class_uid,
        )
    return found | dataset(RetrieveURL=url)
