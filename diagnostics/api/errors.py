"""Errors of the API: always a stable reason code and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

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
