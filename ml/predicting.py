"""The command ``python -m ml predict``: one model's answer to files of any kind it reads, by the functions that the worker calls."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ml import registry
from ml.contract import ModelResult
from ml.recordings.formats import HEAD, sniff
from ml.recordings.formats.sniffing import is_wfdb_header

OK, FAILED = 0, 1
CHEST = "chest"
CLINICAL = "clinical"
PAGE = "page"


def _row(name: str, result: ModelResult) -> str:
    """One line of the readable table."""
    said = (
        f"{result.label} {100 * result.confidence:.1f} %"
        if result.confidence is not None
        else str(result.reason_code)
    )
    return f"{name}\t{result.outcome.value}\t{said}\t{', '.join(result.prediction_set)}\t{result.message}"


def _signal_answer(kind: str, path: Path) -> dict[str, Any]:
    """What a model of signals answers to arrays in an ``.npz`` file, as JSON types.

    Raises:
        ValueError: when the file is no such file or its arrays do not fit.
    """
    from ml.serving.beats import classify_beats
    from ml.serving.rhythm import classify_segments
    from ml.serving.twelve_lead import classify_leads

    try:
        with np.load(path, allow_pickle=False) as arrays:
            signal, fs = arrays["signal"], float(arrays["fs"])
            given: dict[str, Callable[[], Any]] = {
                "beats": lambda: classify_beats(signal, fs, arrays["r_samples"]),
                "leads": lambda: classify_leads(signal, fs),
                "segment": lambda: classify_segments(signal, fs),
            }
            answers = given[kind]()
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"no arrays signal, fs (and r_samples) in it: {error}") from error
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in dataclasses.asdict(answers).items()
    }


def _answer_to(model: str, kind: str, path: Path) -> dict[str, Any]:
    if kind == CLINICAL:
        return _clinical_answer(model, path)
    if kind == CHEST:
        return _chest_answer(model, path)
    if kind == PAGE:
        from ml.serving.page_models import answer_picture

        return answer_picture(model, path.read_bytes())
    return _signal_answer(kind, path) if path.suffix == ".npz" else _recording_answer(model, path)


def _chest_answer(model: str, path: Path) -> dict[str, Any]:
    """What a chest model answers to a DICOM file, with the measurement and what a person must check.

    Raises:
        ValueError: when the object or its pixels cannot be read.
    """
    from ml.dicom.reasons import UnusableDicom
    from ml.serving.chest import analyse_chest

    try:
        answer = analyse_chest(path)
    except UnusableDicom as refusal:
        raise ValueError(refusal.message) from refusal
    (result,) = [one for one in answer.results if one.model == model]
    return result.as_json() | {"warnings": answer.warnings}


def _clinical_answer(model: str, path: Path) -> dict[str, Any]:
    """What a clinical model answers to a record in a JSON file: values by name, and ``heart_failure`` if it is known.

    Raises:
        ValueError: when the file holds no such record.
    """
    from ml.serving.clinical import analyse_clinical

    record = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(record, dict):
        raise ValueError("expected one record, a JSON object of values by name")  # noqa: TRY004 -- the file is wrong, not a type
    heart_failure = record.pop("heart_failure", None)
    (answer,) = analyse_clinical(record, heart_failure=heart_failure, models=(model,))
    return answer.as_json()


def _recording_answer(model: str, path: Path) -> dict[str, Any]:
    """What a model answers to a recording of any format, or to a WFDB record (its header, or the header's path without ``.hea``).

    The same function as the worker's, so the same numbers.
    """
    from ml.serving.recordings import analyse_file
    from ml.serving.session import PICTURE

    header = path.with_suffix(".hea")
    with tempfile.TemporaryDirectory(prefix="cardiocare-") as folder:
        if header.is_file() and (path == header or not path.is_file()):
            bundle = Path(folder) / f"{header.stem}.zip"
            with zipfile.ZipFile(bundle, "w") as archive:
                for part in (header, *path.parent.glob(f"{header.stem}.d*")):
                    archive.write(part, part.name)
            path = bundle
        naming = {} if registry.load(model).input.get("kind", PICTURE) != PICTURE else {"model": model}
        answer = analyse_file(path, fs=None, unit=None, progress=lambda *_: None, store=None, **naming)
    mine = [result.as_json() for result in answer.results if result.model == model] or [
        {"model": model, "label": None, "message": f"{model} has no answer to this recording."}
    ]
    findings = answer.findings
    if findings is None:
        return mine[0]
    return mine[0] | {
        "summary": findings.summary,
        "classes": list(findings.classes),
        "beat_samples": np.frombuffer(findings.beat_samples, "<i4").tolist(),
        "beat_classes": np.frombuffer(findings.beat_classes, np.int8).tolist(),
        "beat_confidences": list(findings.beat_confidences),
    }


def _is_recording(path: Path) -> bool:
    """Whether a path leads to a recording of a known format, or to a WFDB record."""
    if not path.is_file():
        return path.with_suffix(".hea").is_file()
    with path.open("rb") as file:
        head = file.read(HEAD)
    return sniff(head) is not None or (path.suffix == ".hea" and is_wfdb_header(head))


def predict_files(options: argparse.Namespace) -> int:
    """Let one model answer for each file; files that cannot be opened are named and make the command fail."""
    from ml.serving.analysis import answer_one
    from ml.serving.session import PICTURE

    if options.model == PAGE:
        return _predict_page(options)
    kind = registry.load(options.model).input.get("kind", PICTURE)
    code = OK
    for path in options.files:
        try:
            picture = kind == PICTURE and not _is_recording(path)
            data = path.read_bytes() if picture else b""
            answer = None if picture else _answer_to(options.model, kind, path)
        except (OSError, ValueError) as error:
            print(f"{path}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            code = FAILED
            continue
        if answer is None:
            result = answer_one(options.model, data)
            row = {"file": str(path), **result.as_json()}
            print(json.dumps(row) if options.json else _row(str(path), result))
        else:
            print(json.dumps({"file": str(path), **answer}))
    return code


def _predict_page(options: argparse.Namespace) -> int:
    """Let every model answer that reads such a picture, and measure a 12-lead page; the same function as the worker's."""
    from ml.serving.pictures import analyse_picture

    code = OK
    for path in options.files:
        try:
            answer = analyse_picture(path.read_bytes())
        except OSError as error:
            print(f"{path}: {error.strerror or error}", file=sys.stderr)
            code = FAILED
            continue
        if not options.json:
            print("\n".join(_row(str(path), result) for result in answer.results))
            continue
        summary = answer.findings.summary if answer.findings else None
        results = [result.as_json() for result in answer.results]
        print(json.dumps({"file": str(path), "results": results, "summary": summary}))
    return code
