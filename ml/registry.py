"""Finds the suite's models and proves that their files are the ones that were measured. Standard library only."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

MODELS = Path(__file__).parent / "models"
CONTRACT_FILE = "model.json"
SECOND_OPINION = "second_opinion"


class ModelNotFoundError(LookupError):
    """No model of that name is installed."""


class TamperedArtefactError(RuntimeError):
    """A file of a model is missing or is not the one that its contract describes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelContract:
    """What a trained model promises; read from ``artefact/model.json``.

    Attributes:
        name: for example ``beat-cnn``.
        version: semantic version.
        task: what it decides, in one sentence.
        labels: classes in the order of the logits.
        input: what it takes: ``kind`` (``picture``, which is meant where it is missing, ``beats``, ``segment``, ``leads``, ``page`` or
            ``clinical``), ``shape``, ``range``, ``description``, ``before_s`` and ``after_s`` (seconds); ``role`` is
            ``second_opinion`` for a model that is asked beside another, and only when asked for.
        preprocessing_version: version of the shared preparation that it was trained with.
        temperature: logits are divided by it before the softmax, above 0.
        conformal: ``alpha``; ``min_probability`` per label (a class is in the prediction set from there); ``notes``. Where several
            classes may hold at once, also ``suspected_from``, ``platt_slope`` and ``platt_offset`` per label.
        abstention_threshold: confidence below which the model abstains, 0 to 1.
        gate: limits of what counts as a picture of one heartbeat, and how they were measured; empty for signals, and
            for second opinions, which leave it to the model they are asked beside.
        training: data, records of each side, and settings.
        metrics: measured figures with 95 % intervals, and the protocol of each.
        sanity: score of the weight-randomisation and deletion checks of the heatmap.
        limits: sentences for the clinician.
        sha256: hash of each file of the artefact, by file name.
        folder: where the artefact lies.
        levels: of models of a risk: ``low_below`` and ``high_from``, 0 to 1; else empty.
    """

    name: str
    version: str
    task: str
    labels: tuple[str, ...]
    input: dict[str, Any]
    preprocessing_version: str
    temperature: float
    conformal: dict[str, Any]
    abstention_threshold: float
    gate: dict[str, Any]
    training: dict[str, Any]
    metrics: dict[str, Any]
    sanity: dict[str, Any]
    limits: tuple[str, ...]
    sha256: dict[str, str]
    folder: Path
    levels: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def second_opinion(self) -> bool:
        """Whether the model is asked beside another, and only when asked for."""
        return self.input.get("role") == SECOND_OPINION

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights that are served."""
        return self.sha256["model.onnx"]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, lower-case hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_contract(folder: Path) -> ModelContract:
    """Read the contract of an artefact's folder.

    Raises:
        TamperedArtefactError: when ``model.json`` is missing or does not hold the fields of a contract.
    """
    try:
        fields = json.loads((folder / CONTRACT_FILE).read_text(encoding="utf-8"))
        fields["labels"] = tuple(fields["labels"])
        fields["limits"] = tuple(fields["limits"])
        return ModelContract(**fields, folder=folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TamperedArtefactError(
            f"{folder / CONTRACT_FILE} is missing or is no model contract: {error}"
        ) from error


def verify(contract: ModelContract) -> None:
    """Compare every file of a model with the hash in its contract.

    Raises:
        TamperedArtefactError: when a file is missing or differs. Such a model must not be used.
    """
    for name, expected in contract.sha256.items():
        path = contract.folder / name
        if not path.exists():
            raise TamperedArtefactError(
                f"{contract.name} {contract.version}: {name} is missing from {contract.folder}"
            )
        if file_sha256(path) != expected:
            raise TamperedArtefactError(
                f"{contract.name} {contract.version}: {name} is not the file that was measured (SHA-256 differs); "
                "the model is refused. Restore the file, or train and release a new version."
            )


def contracts(models: Path = MODELS) -> tuple[ModelContract, ...]:
    """Contracts of all installed models, by name. Nothing is verified."""
    found = [read_contract(path.parent) for path in sorted(models.glob(f"*/artefact/{CONTRACT_FILE}"))]
    return tuple(sorted(found, key=lambda contract: contract.name))


def second_opinions(models: Path = MODELS) -> tuple[str, ...]:
    """Names of the installed models that are asked beside another, and only when asked for, by name."""
    return tuple(contract.name for contract in contracts(models) if contract.second_opinion)


def load(name: str, models: Path = MODELS) -> ModelContract:
    """The verified contract of one model.

    Raises:
        ModelNotFoundError: when no model has that name.
        TamperedArtefactError: when one of its files is not the one that was measured.
    """
    known = contracts(models)
    for contract in known:
        if contract.name == name:
            verify(contract)
            return contract
    names = ", ".join(contract.name for contract in known) or "none"
    raise ModelNotFoundError(f"no model is called {name!r}; installed: {names}")
