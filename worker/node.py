"""A worker's own life: models warmed in each child, a heartbeat in the database, a goodbye."""

from __future__ import annotations

import time
from typing import Any

from celery import signals

from diagnostics.services import workers
from worker import suite
from worker.context import system_task

HEARTBEAT_EVERY_S = 5.0
_last_beat = 0.0


@signals.worker_process_init.connect
def warm_child(**_: Any) -> None:
    """Load the models in a prefork child, so that the first diagnosis does not wait for it."""
    suite.warm()


@signals.worker_ready.connect
def ready(sender: Any, **_: Any) -> None:
    """Announce the worker; in a pool without children the models are loaded here."""
    if sender.pool_cls is not None and "prefork" not in str(sender.pool_cls):
        suite.warm()
    _beat(sender)


@signals.heartbeat_sent.connect
def beat(sender: Any, **_: Any) -> None:
    """Note every few seconds that the worker is alive."""
    if time.monotonic() - _last_beat > HEARTBEAT_EVERY_S:
        _beat(sender.eventer)


@signals.worker_shutting_down.connect
def leave(sender: str, **_: Any) -> None:
    """Take the worker off the list."""
    with system_task():
        workers.goodbye(name=str(sender))


def _beat(sender: Any) -> None:
    global _last_beat  # noqa: PLW0603  # one worker per process
    _last_beat = time.monotonic()
    device = suite.device()
    with system_task():
        workers.heartbeat(
            name=sender.hostname,
            queues=sorted(sender.app.amqp.queues.consume_from),
            device=device["name"],
            has_gpu=device["gpu"],
        )
