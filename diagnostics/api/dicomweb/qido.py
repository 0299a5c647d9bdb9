"""QIDO-RS: searching studies, series and instances (PS3.18 10.6)."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Q

from accounts import audit
from accounts.policy import Permission
from diagnostics.api.dicomweb.base import JSON, DicomWebView, accepted, dicom_json, refused, where
from diagnostics.api.dicomweb.json_model import KEYWORDS, of_instance, of_series, of_study
from diagnostics.api.dicomweb.stow import StoreMixin
from diagnostics.imaging.reasons import ImagingReason, ImagingRefused
from diagnostics.imaging.states import StudyStatus
from diagnostics.models import DicomInstance, DicomSeries, DicomStudy

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import JsonResponse
    from rest_framework.request import Request

MOST = 1000  # rows of one answer; `offset` goes on from there
# What says how to answer, not what to find. All that is known is answered, so that fields need not be asked for.
OPTIONS = frozenset({"limit", "offset", "includefield", "fuzzymatching"})
# Keyword -> path from a study; those from a series and an instance follow.
OF_STUDY = {
    "StudyInstanceUID": "study_uid", "StudyDate": "study_date", "AccessionNumber": "accession_number",
    "StudyDescription": "description", "PatientID": "patient__mrn", "PatientBirthDate": "patient__birth_date",
    "PatientName": "", "ModalitiesInStudy": "series__modality",
}  # fmt: skip
OF_SERIES = {
    "SeriesInstanceUID": "series_uid", "Modality": "modality", "SeriesNumber": "number", "SeriesDescription": "description",
    "BodyPartExamined": "body_part",
}  # fmt: skip
OF_INSTANCE = {"SOPInstanceUID": "sop_uid", "SOPClassUID": "sop_class_uid", "InstanceNumber": "number"}
DATES, NUMBERS = {"StudyDate", "PatientBirthDate"}, {"SeriesNumber", "InstanceNumber"}
UIDS = {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"}


class StudiesView(StoreMixin, DicomWebView):
    """All studies: searching, and storing."""

    @property
    def permission(self) -> Permission:  # type: ignore[override]  # by method
        """Whoever stores need not be allowed to read."""
        return Permission.UPLOAD if self.request.method == "POST" else Permission.READ_STUDIES

    def post(self, request: Request) -> JsonResponse:
        """Store instances of any studies."""
        return self.store(request)

    def get(self, request: Request) -> JsonResponse:
        """Filed studies, newest first."""
        rows = DicomStudy.objects.visible_to(request.user).filed().select_related("patient")
        rows = rows.order_by("-study_date", "-received_at", "pk")
        return _searched(request, rows, {"": OF_STUDY}, _studies)


class SeriesView(DicomWebView):
    """Series of one study, or of all."""

    def get(self, request: Request, study_uid: str = "") -> JsonResponse:
        """In the order of the study."""
        rows = DicomSeries.objects.visible_to(request.user).exclude(study__status__in=_UNFILED)
        rows = rows.filter(study__study_uid=study_uid) if study_uid else rows
        rows = rows.select_related("study").annotate(size=Count("instances", distinct=True))
        paths = {"study__": OF_STUDY, "": OF_SERIES}
        return _searched(request, rows.order_by("study", "number", "series_uid"), paths, _series)


class InstancesView(DicomWebView):
    """Instances of one series, of one study, or of all."""

    def get(self, request: Request, study_uid: str = "", series_uid: str = "") -> JsonResponse:
        """In the order of the series."""
        rows = DicomInstance.objects.visible_to(request.user).exclude(study__status__in=_UNFILED)
        rows = rows.filter(study__study_uid=study_uid) if study_uid else rows
        rows = rows.filter(series__series_uid=series_uid) if series_uid else rows
        rows = rows.select_related("study", "series").order_by("study", "series__number", "number", "sop_uid")
        paths = {"study__": OF_STUDY, "series__": OF_SERIES, "": OF_INSTANCE}
        return _searched(request, rows, paths, _instances)


_UNFILED = (StudyStatus.HELD, StudyStatus.REJECTED)


def _searched(
    request: Request, rows: QuerySet[Any], paths: dict[str, dict[str, str]], show: Any
) -> JsonResponse:
    """One page of what fits the query."""
    if accepted(request, [JSON, "application/json"]) is None:
        return refused(ImagingReason.NOT_ACCEPTABLE, 406, offered=f"Searches are answered as {JSON}.")
    try:
        rows = rows.filter(_wanted(request, paths))
        limit, offset = _whole(request, "limit", MOST), _whole(request, "offset", 0)
    except ImagingRefused as refusal:
        body = {"reason_code": refusal.reason.value, "message": refusal.message}
        return dicom_json(body, status=400)
    page = list(rows.distinct()[offset : offset + min(limit, MOST)])
    found = show(request, page)
    # The answers name the patients, so the trail says whose studies they were.
    shown = sorted({str(getattr(row, "study_id", row.pk)) for row in page})
    detail = {"list": f"dicomweb{show.__name__}", "found": len(found), "shown": shown}
    audit.record(audit.Action.SEARCH, detail=detail)
    return dicom_json(found)


def _whole(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise ImagingRefused(ImagingReason.BAD_QUERY, name=name)
    return int(given)


def _wanted(request: Request, paths: dict[str, dict[str, str]]) -> Q:
    """What the query asks for; keywords or tags, all of which must fit.

    Raises:
        ImagingRefused: a parameter is none, so that its filter would silently be missing.
    """
    known = {keyword: prefix + path for prefix, of in paths.items() for keyword, path in of.items()}
    known |= {
        "PatientName": next(prefix for prefix, of in paths.items() if "PatientName" in of) + "patient__"
    }
    wanted = Q()
    for name in request.query_params:
        if name.lower() in OPTIONS:
            continue
        keyword = KEYWORDS.get(name.upper(), name)
        if keyword not in known or "\0" in (value := request.query_params[name].strip()):
            raise ImagingRefused(ImagingReason.BAD_QUERY, name=name[:64])
        if value:
            wanted &= _matching(keyword, known[keyword], value)
    return wanted


def _matching(keyword: str, path: str, value: str) -> Q:
    """One attribute (PS3.4 C.2.2.2): a list of UIDs, a range of dates, a number, or text with * and ?."""
    try:
        if keyword in DATES:
            return _dates(path, value)
        if keyword in NUMBERS:
            return Q(**{path: int(value)})
    except ValueError:
        raise ImagingRefused(ImagingReason.BAD_QUERY, name=keyword) from None
    if keyword in UIDS:
        return Q(**{f"{path}__in": re.split(r"[,\\]", value)})
    if keyword == "PatientName":
        family, _, given = value.partition("^")
        return _text(f"{path}family_name", family) & _text(f"{path}given_name", given)
    return _text(path, value)


def _text(path: str, value: str) -> Q:
    if not value or value == "*":
        return Q()
    pattern = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in value)
    return Q(**{f"{path}__iregex": f"^{pattern}$"})


def _dates(path: str, value: str) -> Q:
    first, dash, last = value.partition("-")
    if not dash:
        return Q(**{path: _date(first)})
    wanted = Q(**{f"{path}__gte": _date(first)}) if first else Q()
    return wanted & Q(**{f"{path}__lte": _date(last)}) if last else wanted


def _date(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # a DA has no zone


def _studies(request: Request, rows: list[DicomStudy]) -> list[Any]:
    sizes = DicomSeries.objects.visible_to(request.user).filter(study__in=rows).order_by().values("study")
    counted = sizes.annotate(
        modalities=ArrayAgg("modality", distinct=True),
        series=Count("pk", distinct=True),
        instances=Count("instances", distinct=True),
    )
    by_study = {row.pop("study"): row for row in counted}
    none = {"modalities": [], "series": 0, "instances": 0}
    return [of_study(row, **by_study.get(row.pk, none), url=where(request, row.study_uid)) for row in rows]


def _series(request: Request, rows: list[Any]) -> list[Any]:
    return [
        of_series(row, instances=row.size, url=where(request, row.study.study_uid, row.series_uid))
        for row in rows
    ]


def _instances(request: Request, rows: list[DicomInstance]) -> list[Any]:
    return [
        of_instance(row, url=where(request, row.study.study_uid, row.series.series_uid, row.sop_uid))
        for row in rows
    ]
