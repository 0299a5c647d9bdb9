"""What the views of DICOMweb share: permission, answers, and where things are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, JsonResponse
from django.urls import reverse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.views import APIView

from accounts.policy import Permission
from diagnostics.api.dicomweb.multipart import parameters
from diagnostics.imaging.reasons import ImagingReason, sentence
from diagnostics.imaging.states import StudyStatus
from diagnostics.models import DicomInstance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from rest_framework.request import Request

    from accounts.actor import Actor

JSON = "application/dicom+json"


class AnyForm(BaseContentNegotiation):
    """Each view judges the Accept header by itself: PS3.18 has forms that Django REST framework does not know."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The first; bodies are read as streams."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first, which writes errors."""
        return renderers[0], renderers[0].media_type


class DicomWebView(APIView):
    """A resource of DICOMweb."""

    permission = Permission.READ_STUDIES
    content_negotiation_class = AnyForm
    schema = None  # PS3.18 describes it


def refused(reason: ImagingReason, status: int, **values: Any) -> JsonResponse:
    """An error with its stable code and a sentence."""
    return JsonResponse({"reason_code": reason.value, "message": sentence(reason, **values)}, status=status)


def dicom_json(found: Any, *, status: int = 200) -> JsonResponse:
    """Data sets in the DICOM JSON model (PS3.18 annex F)."""
    return JsonResponse(found, safe=False, status=status, content_type=JSON)


def accepted(request: Request, offered: Sequence[str], *, wrapped: bool = False) -> str | None:
    """The first of the forms offered that the client takes; None if it takes none.

    Args:
        request: with or without an Accept header; without one everything is taken.
        offered: media types.
        wrapped: whether they are given as parts of multipart/related, whose `type` parameter names them.
    """
    asked = request.headers.get("Accept") or "*/*"
    for one in asked.split(","):
        media_type, said = parameters(one.strip())
        if media_type == "multipart/related" and wrapped:
            media_type = said.get("type", "*/*").lower()
        for form in offered:
            if media_type in {"*/*", form, f"{form.split('/', 1)[0]}/*"}:
                return form
    return None


def instances(actor: Actor, **uids: str) -> QuerySet[DicomInstance]:
    """The filed instances below a study, a series or an instance that the actor may view, in order.

    Raises:
        Http404: there are none.
    """
    paths = {"study_uid": "study__study_uid", "series_uid": "series__series_uid", "sop_uid": "sop_uid"}
    rows = DicomInstance.objects.visible_to(actor).exclude(
        study__status__in=[StudyStatus.HELD, StudyStatus.REJECTED]
    )
    rows = rows.filter(**{paths[name]: value for name, value in uids.items()})
    if not rows.exists():
        raise Http404
    return rows.select_related("study", "series").order_by(
        "study", "series__number", "series__series_uid", "number", "sop_uid"
    )


def where(request: Request, study_uid: str, series_uid: str = "", sop_uid: str = "") -> str:
    """The address of a study, a series or an instance."""
    if sop_uid:
        return request.build_absolute_uri(reverse("dicomweb:instance", args=[study_uid, series_uid, sop_uid]))
    if series_uid:
        return request.build_absolute_uri(reverse("dicomweb:one-series", args=[study_uid, series_uid]))
    return request.build_absolute_uri(reverse("dicomweb:study", args=[study_uid]))
