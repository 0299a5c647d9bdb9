"""Errors of the API: always a stable reason code and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from rest_framework.response import Response
from rest_framework.views import exception_handler

from diagnostics.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    415: "unsupported_media_type",
    429: "too_many_requests",
}


def coded_exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's answer as `{reason_code, message}`, with `fields` for validation errors."""
    if isinstance(error, TooManyFilesSent):
        return _too_many_files()
    response = exception_handler(error, dict(context))
    if response is None:
        return None
    body: dict[str, Any] = {"reason_code": CODES.get(response.status_code, "error")}
    if isinstance(response.data, dict) and "detail" in response.data:
        body["message"] = str(response.data["detail"])
    else:
        body |= {"message": "Some fields are missing or wrong.", "fields": response.data}
    response.data = body
    return response


def _too_many_files() -> Response:
    """So many files that the request was not read to its end, and so has no verdicts."""
    message = f"Only {settings.UPLOAD_MAX_FILES} files are taken at once. Send them in smaller batches; nothing was kept."
    return Response({"reason_code": Reason.TOO_MANY.value, "message": message}, status=400)
