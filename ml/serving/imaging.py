"""What the suite says about one image of an imaging study, in the shape of every other analysis."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import time
from pathlib import Path

import numpy as np
from PIL import Image

from ml.contract import Analysis, ModelResult, Outcome
from ml.dicom.reasons import UnusableDicom
from ml.serving.chest import CLASSIFIER, CODE_VERSION, HEART_MODEL, analyse_chest
from ml.serving.gate import Refusal
from ml.serving.signals import signal_member
from ml.serving.unanswered import unanswered

# Of the mask's classes: background, right lung, left lung, heart.
_SHADES = np.array([0, 70, 70, 255], dtype=np.uint8)


def analyse_image(path: Path) -> Analysis:
    """Run the models of chest X-rays; the measured outlines stand where other models say where they looked.

    Args:
        path: a DICOM file.

    Raises:
        TamperedArtefactError: when a model's files are not the ones that were measured.
    """
    started = time.perf_counter()
    try:
        found = analyse_chest(path)
    except UnusableDicom as refusal:
        return Analysis(
            results=tuple(_unreadable(name, path, refusal, started) for name in (HEART_MODEL, CLASSIFIER))
        )
    measured, *others = found.results
    if found.mask_png is not None:
        measured = dataclasses.replace(measured, heatmap_png=_outlines(found.mask_png))
    said = measured.explanation | ({"warnings": found.warnings} if found.warnings else {})
    return Analysis(results=(dataclasses.replace(measured, explanation=said), *others))


def _outlines(mask_png: bytes) -> bytes:
    """The mask as an 8-bit grey PNG of the same size: the heart white, the lungs grey."""
    with Image.open(io.BytesIO(mask_png), formats=["PNG"]) as mask:
        classes = np.asarray(mask.convert("L"))
    stream = io.BytesIO()
    Image.fromarray(_SHADES[np.minimum(classes, len(_SHADES) - 1)]).save(stream, "PNG")
    return stream.getvalue()


def _unreadable(name: str, path: Path, refusal: UnusableDicom, started: float) -> ModelResult:
    """The answer about an object whose image cannot be read."""
    opened = signal_member(name)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return unanswered(
        opened.contract,
        Refusal(Outcome.POOR_INPUT, refusal.reason_code, refusal.message),
        input_sha256=sha256,
        code_version=CODE_VERSION,
        started=started,
        device=opened.device["name"],
    )
