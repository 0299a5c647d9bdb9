"""`manage.py replay_prediction ID...`: compute stored predictions again and compare.

Exit code 0 when each answer is the same, 1 when one differs, 2 when one cannot be computed again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit
from accounts.actor import acting_as
from accounts.roles import SYSTEM
from diagnostics.models import Prediction
from diagnostics.opinions import PRIMARY
from diagnostics.services.claims import OF_FILE, Claim, StoredFileMissing, stored_file
from worker import suite

if TYPE_CHECKING:
    from pathlib import Path

    from ml.contract import ModelResult

TOLERANCE = 1e-4
DIFFERS, IMPOSSIBLE = 1, 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replay:
    """A stored prediction beside the one computed now."""

    prediction: str
    model: str
    same: bool
    differences: dict[str, tuple[Any, Any]]
    largest_difference: float | None
    stored_weights_sha256: str
    installed_weights_sha256: str
    stored_code_version: str
    installed_code_version: str


class Command(BaseCommand):
    """Compute predictions again from their stored files."""

    help = "Compute stored predictions again from the stored files and compare; probabilities within 0.0001."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="+", type=uuid.UUID, metavar="ID", help="Id of a prediction")
        parser.add_argument("--json", action="store_true", help="print one JSON object per prediction")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_as(SYSTEM):
            replays = [replay(prediction_id) for prediction_id in options["ids"]]
        for done in replays:
            self.stdout.write(json.dumps(dataclasses.asdict(done)) if options["json"] else described(done))
        different = sum(not done.same for done in replays)
        if different:
            raise CommandError(f"{different} of {len(replays)} predictions differ.", returncode=DIFFERS)


def untold(part: float, step: str) -> None:
    """Progress that nobody waits for."""


def computed(path: Path, claim: Claim) -> tuple[str, tuple[ModelResult, ...]]:
    """Hash of a stored file, and what the models answer now."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if claim.is_clinical:
        return sha256, suite.analyse_clinical([path.read_bytes()])[0].results
    if claim.is_imaging:
        return sha256, suite.analyse_imaging(path).results
    if claim.is_picture:
        return sha256, suite.analyse(path.read_bytes(), second_opinions=claim.second_opinions).results
    answer = suite.analyse_recording(
        path, fs=claim.sampling_rate_hz, unit=claim.unit or None, progress=untold, store=None
    )
    return sha256, answer.results


def replay(prediction_id: uuid.UUID) -> Replay:
    """Compute one prediction again. Raises CommandError if that cannot be done."""
    stored = (
        Prediction.objects.select_related("model_version", "diagnosis__upload")
        .filter(pk=prediction_id)
        .first()
    )
    if stored is None:
        raise CommandError(f"There is no prediction {prediction_id}.", returncode=IMPOSSIBLE)
    diagnosis, name = stored.diagnosis, stored.model_version.name
    try:
        of_file: dict[str, Any] = {field: getattr(diagnosis.upload, field) for field in OF_FILE}
        claim = Claim(diagnosis.pk, stored.attempt, **of_file, second_opinions=name != PRIMARY)
        with stored_file(claim) as path:
            sha256, answers = computed(path, claim)
    except StoredFileMissing as error:
        raise CommandError(
            f"The stored file of {prediction_id} cannot be read: {error}", returncode=IMPOSSIBLE
        ) from None
    if sha256 != diagnosis.upload.sha256:
        raise CommandError(
            f"The stored file of {prediction_id} is not the one uploaded.", returncode=IMPOSSIBLE
        )
    now = next((result for result in answers if result.model == name), None)
    if now is None:
        raise CommandError(
            f"The model {name} is not installed or does not take this file.", returncode=IMPOSSIBLE
        )
    audit.record(audit.Action.READ, obj=stored, patient_id=diagnosis.patient_id, detail={"replay": True})
    return compare(stored, now)


def compare(stored: Prediction, now: ModelResult) -> Replay:
    """Put a stored prediction beside a computed one."""
    pairs = {
        "outcome": (stored.outcome, now.outcome.value),
        "label": (stored.label, now.label or ""),
        "reason_code": (stored.reason_code, now.reason_code or ""),
        "prediction_set": (list(stored.prediction_set), list(now.prediction_set)),
        "input_sha256": (stored.input_sha256, now.input_sha256),
    }
    differences: dict[str, tuple[Any, Any]] = {
        name: pair for name, pair in pairs.items() if pair[0] != pair[1]
    }
    before, after = stored.probabilities, now.probabilities
    largest = None
    if before.keys() == after.keys():
        largest = max((abs(before[label] - after[label]) for label in before), default=None)
    if before.keys() != after.keys() or (largest is not None and largest > TOLERANCE):
        differences["probabilities"] = (before, after)
    if not alike(stored.explanation, now.explanation):
        differences["explanation"] = (stored.explanation, now.explanation)
    version = stored.model_version
    return Replay(
        prediction=str(stored.pk),
        model=version.name,
        same=not differences,
        differences=differences,
        largest_difference=largest,
        stored_weights_sha256=version.weights_sha256,
        installed_weights_sha256=now.weights_sha256,
        stored_code_version=stored.code_version,
        installed_code_version=now.code_version,
    )


def alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, numbers within the tolerance."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    if numbers:
        return abs(one - other) <= TOLERANCE
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


def described(done: Replay) -> str:
    """A few lines for a person."""
    weights = "the same weights are installed"
    if done.stored_weights_sha256 != done.installed_weights_sha256:
        weights = f"made with weights {done.stored_weights_sha256[:12]}, installed are {done.installed_weights_sha256[:12]}"
    largest = "" if done.largest_difference is None else f", largest difference {done.largest_difference:.1e}"
    lines = [f"{done.prediction} {done.model}: {'same' if done.same else 'DIFFERENT'}{largest}; {weights}."]
    lines += [f"  {name}: stored {before}, now {after}" for name, (before, after) in done.differences.items()]
    return "\n".join(lines)
