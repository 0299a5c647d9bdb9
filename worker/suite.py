"""The CNN suite as the worker uses it: loaded once per process, never in the parent of a prefork pool."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ml.contract import Analysis


def analyse(
    data: bytes, *, second_opinions: bool = False, store: Callable[[str, bytes], None] | None = None
) -> Analysis:
    """Run the models that read such a picture, of a heartbeat or of a 12-lead page; see `ml.serving.pictures.analyse_picture`."""
    from ml.serving import pictures

    return pictures.analyse_picture(data, second_opinions=second_opinions, store=store)


def analyse_recording(
    path: Path,
    *,
    fs: float | None,
    unit: str | None,
    progress: Callable[[float, str], None],
    store: Callable[[str, bytes], None] | None,
) -> Analysis:
    """Measure a recording and run every model that reads recordings; see `ml.serving.recordings.analyse_file`."""
    from ml.serving import recordings

    return recordings.analyse_file(path, fs=fs, unit=unit, progress=progress, store=store)


def analyse_imaging(path: Path) -> Analysis:
    """Run the models of chest X-rays; see `ml.serving.imaging.analyse_image`."""
    from ml.serving.imaging import analyse_image

    return analyse_image(path)


def analyse_clinical(files: Sequence[bytes]) -> list[Analysis]:
    """Run every clinical model and every score; see `ml.serving.clinical_snapshot.analyse_snapshots`."""
    from ml.serving.clinical_snapshot import analyse_snapshots

    return analyse_snapshots(files)


@functools.cache
def contracts() -> dict[str, dict[str, Any]]:
    """Each model's model.json by name, and what is kept of each score."""
    from ml import registry
    from ml.clinical.scores.register import SCORES

    return {score.name: score.contract() for score in SCORES} | {
        contract.name: json.loads((contract.folder / registry.CONTRACT_FILE).read_text(encoding="utf-8"))
        for contract in registry.contracts()
    }


def warm() -> None:
    """Load and warm the models of this process."""
    from ml import serving

    serving.warm()


def device() -> dict[str, Any]:
    """What the models run on: provider, name, gpu."""
    from ml import serving

    return dict(serving.device())
