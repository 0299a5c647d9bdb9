"""`manage.py replay_prediction` on predictions that the suite itself has made."""

from __future__ import annotations

import contextlib
import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM
from diagnostics.models import Prediction
from diagnostics.services import lifecycle
from diagnostics.services.claims import stored_bytes
from ml.contract import Analysis
from tests import factories
from tests.processes.steps import beat
from worker import suite

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.models import User

pytestmark = pytest.mark.django_db


def answered(doctor: User, **changes: Any) -> Prediction:
    """A diagnosis of the real suite, stored; `changes` falsify what it answered."""
    import dataclasses

    row = factories.diagnosis(factories.patient(team=(doctor,)), doctor, data=beat())
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(row.pk, 1)], worker="w")
        results = [dataclasses.replace(one, **changes) for one in suite.analyse(stored_bytes(claim)).results]
        lifecycle.record_results({claim: Analysis(results=tuple(results))}, contracts=suite.contracts())
    return Prediction.objects.get(diagnosis=row)


def replay(*predictions: Prediction) -> list[dict[str, Any]]:
    out = StringIO()
    with contextlib.suppress(CommandError):
        call_command("replay_prediction", *(str(p.pk) for p in predictions), json=True, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_same_answer_again(doctor: User) -> None:
    prediction = answered(doctor)
    (done,) = replay(prediction)
    assert (done["same"], done["differences"]) == (True, {})
    assert (
        done["stored_weights_sha256"]
        == done["installed_weights_sha256"]
        == prediction.model_version.weights_sha256
    )
    event = AuditEvent.objects.filter(object_id=str(prediction.pk)).get()
    assert (event.action, event.detail) == ("read", {"replay": True})


def test_another_answer_is_named_and_fails(doctor: User) -> None:
    prediction = answered(doctor, weights_sha256="0" * 64, reason_code="something_else")
    (done,) = replay(prediction)
    assert (done["same"], list(done["differences"])) == (False, ["reason_code"])
    assert done["installed_weights_sha256"] != "0" * 64
    with pytest.raises(CommandError, match="1 of 1 predictions differ") as failure:
        call_command("replay_prediction", str(prediction.pk), stdout=StringIO())
    assert failure.value.returncode == 1


def test_a_changed_or_missing_file_cannot_be_replayed(doctor: User, media: Path) -> None:
    prediction = answered(doctor)
    path = media / prediction.diagnosis.upload.storage_name
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(CommandError, match="not the one uploaded") as changed:
        call_command("replay_prediction", str(prediction.pk))
    path.unlink()
    with pytest.raises(CommandError, match="cannot be read") as missing:
        call_command("replay_prediction", str(prediction.pk))
    with pytest.raises(CommandError, match="no prediction") as unknown:
        call_command("replay_prediction", "00000000-0000-0000-0000-000000000000")
    assert {error.value.returncode for error in (changed, missing, unknown)} == {2}
