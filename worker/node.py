"""A worker's own life: models warmed, a heartbeat in the database, attempts that it lost, a goodbye.

All of it happens in one thread of the worker's main process, so that neither a long analysis in a solo worker nor a database
that hangs holds up the worker. Celery's signals only start it and leave messages for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import logging
import os
import queue
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from celery import current_app, signals
from django.conf import settings
from django.db import connection
from django.utils import timezone

from diagnostics.reasons import Reason
from diagnostics.services import lifecycle, workers
from diagnostics.services.claims import Claim
from worker import suite
from worker.context import persistently, system_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)
HEARTBEAT_EVERY_S = 5.0
PR_SET_PDEATHSIG = 1
KILLED_AFTER_S = 5.0  # past the soft time limit, as the hard limit of a worker with children


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """An attempt whose process has ended, as the worker's main process saw it."""

    claim: Claim
    reason: Reason
    detail: str


class Node(threading.Thread):
    """Reports one worker to the database until told to leave; survives the database's absence."""

    def __init__(self, *, name: str, queues: list[str]) -> None:
        super().__init__(name="node", daemon=True)
        self.hostname, self.queues = name, queues
        self.inbox: queue.SimpleQueue[Lost | None] = queue.SimpleQueue()
        self._started_at = timezone.now()
        self._away = False
        self._quiet = threading.Lock()

    def run(self) -> None:
        """Beat every few seconds and record what was lost in between."""
        # No child may be forked while this thread holds a lock of the database driver or of Django.
        os.register_at_fork(
            before=self._quiet.acquire,
            after_in_parent=self._quiet.release,
            after_in_child=self._quiet.release,
        )
        self._try(lambda: lifecycle.take_back(worker=self.hostname, before=self._started_at))
        while True:
            self._try(self._beat)
            self._end_if_stuck()
            try:
                message = self.inbox.get(timeout=HEARTBEAT_EVERY_S)
            except queue.Empty:
                continue
            if message is None:
                break
            self._record(message)
        self._try(lambda: workers.goodbye(name=self.hostname))
        connection.close()

    def _try(self, act: Any) -> None:
        """Do one thing in the database; one line in the log when it goes away and one when it is back."""
        try:
            with self._quiet, system_task():
                act()
        except Exception as error:  # noqa: BLE001  # a worker without its database still lives, and must
            if not self._away:
                log.warning("the heartbeat fails (%s: %s)", type(error).__name__, error)
            self._away = True
        else:
            if self._away:
                log.info("the heartbeat is back")
            self._away = False

    def _beat(self) -> None:
        device = suite.device()
        workers.heartbeat(
            name=self.hostname, queues=self.queues, device=device["name"], has_gpu=device["gpu"]
        )

    def _record(self, lost: Lost) -> None:
        try:
            persistently(
                lambda: lifecycle.record_failure(lost.claim, reason=lost.reason, technical_detail=lost.detail)
            )
        except Exception:  # the lease and the sweeper take it back
            log.exception("diagnosis %s: its loss could not be recorded", lost.claim.diagnosis_id)

    def _end_if_stuck(self) -> None:
        """Without child processes Celery has no time limits: end a worker that hangs; its supervisor starts it again."""
        for ends, claims in tuple(_running.values()):
            if time.monotonic() > ends:
                log.critical("%s diagnoses exceeded the time limit; this worker ends itself", len(claims))
                for claim in claims:
                    self._record(
                        Lost(claim, Reason.TIME_LIMIT, f"stuck in {self.hostname}, which ended itself")
                    )
                os.kill(os.getpid(), signal.SIGKILL)


_node: Node | None = None
_running: dict[object, tuple[float, Sequence[Claim]]] = {}  # a task may begin before the node does


@contextlib.contextmanager
def watched(claims: Sequence[Claim], *, limit_s: float) -> Iterator[None]:
    """Note that this process works on claims, where a hang could not be ended from outside."""
    key = object()
    _running[key] = (time.monotonic() + limit_s + KILLED_AFTER_S, claims)
    try:
        yield
    finally:
        _running.pop(key, None)


def lost(claim: Claim, reason: Reason, detail: str) -> None:
    """Leave word that the process of an attempt has ended."""
    if _node is not None:
        _node.inbox.put(Lost(claim, reason, detail))


@signals.worker_process_init.connect
def warm_child(**_: Any) -> None:
    """Load the models before the first diagnosis, in a prefork child or in a solo worker."""
    global _node  # noqa: PLW0603  # one worker per process
    _node = None  # a child that replaces another is forked from a parent that has one
    _running.clear()
    if in_child():
        _end_with_parent()
    if settings.DIAGNOSIS_QUEUE in current_app.amqp.queues.consume_from:
        suite.warm()
    gc.freeze()  # what is loaded stays: it need not be searched for garbage again and again


@signals.worker_ready.connect
def ready(sender: Any, **_: Any) -> None:
    """Announce the worker; with threads the models are loaded here."""
    global _node  # noqa: PLW0603  # one worker per process
    queues = sorted(sender.app.amqp.queues.consume_from)
    if "thread" in type(sender.pool).__module__ and settings.DIAGNOSIS_QUEUE in queues:
        suite.warm()
    _node = Node(name=sender.hostname, queues=queues)
    _node.start()


@signals.worker_shutting_down.connect
def leave(**_: Any) -> None:
    """Take the worker off the list. Runs inside a signal handler, so it only leaves word."""
    if _node is not None:
        _node.inbox.put(None)


@signals.worker_shutdown.connect
def left(**_: Any) -> None:
    """Let the goodbye be said before the process ends."""
    if _node is not None:
        _node.inbox.put(None)
        _node.join(timeout=5)


def in_child() -> bool:
    """Whether this is a child of a prefork pool."""
    from billiard.process import current_process

    return current_process().name != "MainProcess"


def _end_with_parent() -> None:
    """A child whose worker was killed ends too: nobody would enforce its time limit any more (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
