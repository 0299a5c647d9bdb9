"""Binds each request to its actor, in one transaction, and keeps clinical pages out of caches."""

from __future__ import annotations

import ipaddress
import logging
import re
import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from accounts import actor as acting_module
from accounts import audit
from accounts.models import AuditEvent
from accounts.roles import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from accounts.actor import Acting

log = logging.getLogger(__name__)
WITHOUT_DATABASE = re.compile(r"^/(health|static)/")
# Bodies of gigabytes: a transaction must not stay open while they arrive, so the view makes short ones by itself.
IN_SHORT_TRANSACTIONS = re.compile(r"^/api/dicomweb/studies(/[^/]+)?$")


def client_ip(request: HttpRequest) -> str | None:
    """The address of the client; the last forwarded one where a proxy is trusted."""
    if settings.TRUSTED_PROXY_COUNT:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        if forwarded:
            return _address(forwarded)
    return _address(request.META.get("REMOTE_ADDR", ""))


def _address(text: str) -> str | None:
    """The IP address, or None for a socket path and whatever else is none, which the trail could not store."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


class ActorMiddleware:
    """Runs a request as its user: row-level security, audit trail and rollback on a server error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, or 503 while the database is away."""
        if WITHOUT_DATABASE.match(request.path):
            return self.get_response(request)
        in_short = request.method == "POST" and IN_SHORT_TRANSACTIONS.match(request.path)
        try:
            return self._answer_in_short(request) if in_short else self._answer(request)
        except (OperationalError, InterfaceError):
            log.exception("database unavailable")
            return unavailable(request, partly=bool(in_short))

    def _answer_in_short(self, request: HttpRequest) -> HttpResponse:
        """A view that binds its actor by itself, by `acting_for`, as often as it needs one."""
        response = self.get_response(request)
        with acting_for(request) as acting:
            refused(acting, request, response)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        with acting_for(request) as acting:
            response = self.get_response(request)
            refused(acting, request, response)
            server_error = response.status_code >= 500  # HTTP
            events = list(acting.events) if server_error else []
            if server_error:
                transaction.set_rollback(True)
                acting.events.clear()
        if events:
            with acting_module.acting_as(SYSTEM) as again:
                again.events.extend(events)
        return response


def acting_for(request: HttpRequest) -> AbstractContextManager[Acting]:
    """Act as the user of a request, in a transaction."""
    via = "api" if request.path.startswith("/api/") else "web"
    known = request.user is not None and request.user.is_authenticated  # the API puts None for nobody
    user = request.user if known else AnonymousUser()
    return acting_module.acting_as(user, via=via, ip=client_ip(request), request_id=uuid.uuid4().hex)


def refused(acting: Acting, request: HttpRequest, response: HttpResponse) -> None:
    """Note refusals: not signed in, not allowed, not found (which is how a foreign object answers)."""
    route = request.resolver_match.view_name if request.resolver_match else ""
    if response.status_code in {401, 403, 404} and route:
        ids = {name: str(value) for name, value in request.resolver_match.kwargs.items()}  # type: ignore[union-attr]
        audit.record(
            audit.Action.REFUSE,
            outcome=AuditEvent.Outcome.REFUSED,
            detail={"route": route, "status": response.status_code, **ids},
            actor=acting.actor,
        )


def unavailable(request: HttpRequest, *, partly: bool = False) -> HttpResponse:
    """503, in the form that the client reads; `partly` when something may have been stored before."""
    done = (
        "What was stored is not stored twice; send all of it again"
        if partly
        else "Nothing was changed; try again"
    )
    message = f"The database cannot be reached. {done} in a minute."
    if request.path.startswith("/api/"):
        return JsonResponse({"reason_code": "database_unavailable", "message": message}, status=503)
    return HttpResponse(render_to_string("503.html", {"message": message}), status=503)


class PrivateCacheMiddleware:
    """Clinical pages stay out of the browser's and any proxy's cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add `no-store` unless the view said otherwise."""
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response
