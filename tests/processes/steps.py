"""Steps of the tests: stop a diagnosis in its middle, let it go on, and look at what became of it.

A named pipe in place of the stored file holds the worker inside its read until the test writes the file's bytes: the middle of
a diagnosis, as long as the test needs it.
"""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import os
from typing import TYPE_CHECKING

from django.utils import timezone

from accounts.models import AuditEvent
from deploy.processes import wait_until
from diagnostics.models import Diagnosis, Heatmap, Prediction
from diagnostics.services.queue import publish
from diagnostics.states import SETTLED, Status
from ml.datasets import simulated
from tests import factories
from tests.workers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.models import User
    from tests.workers import Service


_seeds = itertools.count(1)


def beat(seed: int | None = None) -> bytes:
    """A PNG of one simulated heartbeat, small enough for a pipe; without a seed a new one each time."""
    return simulated.beat_png("Normal", seed=next(_seeds) if seed is None else seed, size=128, style="plain")


class Held:
    """A queued diagnosis whose stored file does not come before `release`."""

    def __init__(self, doctor: User, media: Path) -> None:
        self.row = factories.diagnosis(factories.patient(team=(doctor,)), doctor, data=beat())
        self.path = media / self.row.upload.storage_name
        self.data = self.path.read_bytes()
        self.hold()

    def hold(self) -> None:
        """Put a new pipe in the file's place; who reads the old one goes on reading that."""
        self.path.unlink(missing_ok=True)
        os.mkfifo(self.path)

    def put_back(self) -> None:
        """Put the file itself in its place, for whoever opens it from now on."""
        self.path.unlink()
        self.path.write_bytes(self.data)

    def being_read(self) -> bool:
        """Whether a process has opened the pipe and waits for its bytes."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno == errno.ENXIO:
                return False
            raise
        return True

    def pipe(self) -> int:
        """The writing end, once a process waits at the other; keeps that process waiting."""
        descriptors: list[int] = []

        def opened() -> bool:
            try:
                descriptors.append(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            return bool(descriptors)

        assert wait_until(opened, timeout_s=PATIENCE_S), "no worker reads the stored file"
        return descriptors[0]

    def release(self, pipe: int | None = None) -> None:
        """Write the file's bytes to the process that waits."""
        pipe = self.pipe() if pipe is None else pipe
        assert os.write(pipe, self.data) == len(self.data)
        os.close(pipe)

    def publish(self, attempt: int = 1, times: int = 1, limit_s: int | None = None) -> None:
        for _ in range(times):
            assert publish([(self.row.pk, attempt)], limit_s=limit_s)

    def wait_running(self, service: Service, *, attempt: int = 1) -> int:
        """Wait until an attempt is in its middle; returns the pipe that holds it there."""
        service.wait(
            lambda: Diagnosis.objects.filter(pk=self.row.pk, status=Status.RUNNING, attempt=attempt).exists(),
            f"attempt {attempt} runs",
        )
        return self.pipe()


def settle(service: Service, *rows: Diagnosis) -> list[Diagnosis]:
    """Wait until nothing more happens to these diagnoses; returns them as they are then."""
    ids = [row.pk for row in rows]
    settled = Diagnosis.objects.filter(pk__in=ids, status__in=SETTLED)
    service.wait(lambda: settled.count() == len(ids), "the diagnoses settle")
    return [Diagnosis.objects.get(pk=pk) for pk in ids]


def expire_lease(row: Diagnosis) -> None:
    """As if the time limit and its margin had passed."""
    updated = Diagnosis.objects.filter(pk=row.pk, status=Status.RUNNING).update(lease_until=timezone.now())
    assert updated == 1


def make_overdue(*rows: Diagnosis) -> None:
    """As if these had waited in the queue for a minute."""
    Diagnosis.objects.filter(pk__in=[row.pk for row in rows]).update(
        queued_at=timezone.now() - dt.timedelta(minutes=1)
    )


def assert_answered_once(row: Diagnosis, *, attempt: int) -> None:
    """Completed, with one prediction, one heatmap and one audit event of that attempt, and none of any other."""
    row.refresh_from_db()
    assert (row.status, row.attempt, row.reason_code) == (Status.COMPLETED, attempt, ""), row.technical_detail
    predictions = list(Prediction.objects.filter(diagnosis=row).select_related("model_version"))
    assert [(p.attempt, p.model_version.name) for p in predictions] == [(attempt, "beat-cnn")]
    assert Heatmap.objects.filter(prediction__diagnosis=row).count() == 1
    done = AuditEvent.objects.filter(object_id=str(row.pk), action="analyse", outcome="allowed")
    assert [event.detail["attempt"] for event in done] == [attempt]
