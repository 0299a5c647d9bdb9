"""Health checks for load balancers and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse

from diagnostics.models import WorkerNode

if TYPE_CHECKING:
    from typing import Any


def live(request: HttpRequest) -> JsonResponse:  # a view's signature
    """The web process answers."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:  # a view's signature
    """200 when database, broker and at least one worker are there, else 503 naming what is missing."""
    parts = {
        "database": _database(),
        "broker": _broker(),
        "worker": {"ok": False, "detail": "unknown without database"},
    }
    if parts["database"]["ok"]:
        parts["worker"] = _worker()
    missing = [name for name, part in parts.items() if not part["ok"]]
    body = {"status": "unavailable" if missing else "ok", "missing": missing, "parts": parts}
    return JsonResponse(body, status=503 if missing else 200)


def _database() -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close()
        return {"ok": False, "detail": "PostgreSQL does not answer"}
    return {"ok": True, "detail": "PostgreSQL answers"}


def _broker() -> dict[str, Any]:
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            client.ping()
    except redis.RedisError:
        return {"ok": False, "detail": "Redis does not answer"}
    return {"ok": True, "detail": "Redis answers"}


def _worker() -> dict[str, Any]:
    alive = list(WorkerNode.objects.alive())
    if not alive:
        return {"ok": False, "detail": "no live worker", "workers": []}
    workers = [
        {"name": node.name, "queues": node.queues, "device": node.device, "gpu": node.has_gpu}
        for node in alive
    ]
    return {
        "ok": True,
        "detail": f"{len(alive)} live",
        "gpu": any(node.has_gpu for node in alive),
        "workers": workers,
    }
