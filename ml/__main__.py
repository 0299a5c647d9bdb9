"""Command line: ``python -m ml list | predict | train | search | evaluate | measure | qrs | digitise | dicom``. Needs no Django."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml import registry
from ml.contract import ModelResult
from ml.dicom import cli as dicom
from ml.pages import cli as pages
from ml.recordings.cli import add_commands
from ml.recordings.formats import HEAD, sniff
from ml.recordings.formats.sniffing import is_wfdb_header

OK, FAILED, USAGE = 0, 1, 2
CLINICAL = "clinical"
PAGE = "page"
COMPARISON = "comparison"
DIGITISER = "digitiser"
PAGES = "pages"


def _package(name: str) -> str:
    """Python package of a model that can be trained."""
    return f"ml.models.{name.replace('-', '_')}"


def _list(options: argparse.Namespace) -> int:
    """Print the installed models."""
    found = registry.contracts()
    if options.json:
        rows = [
            {
                "name": c.name,
                "version": c.version,
                "task": c.task,
                "labels": list(c.labels),
                "sha256": c.weights_sha256,
            }
            for c in found
        ]
        print(json.dumps(rows))
    else:
        for contract in found:
            print(
                f"{contract.name}  {contract.version}  {', '.join(contract.labels)}  {contract.weights_sha256[:12]}"
            )
    return OK


def _row(name: str, result: ModelResult) -> str:
    """One line of the readable table."""
    said = (
        f"{result.label} {result.confidence:.1%}"
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
    if kind == PAGE:
        from ml.serving.page_models import answer_picture

        return answer_picture(model, path.read_bytes())
    return _signal_answer(kind, path) if path.suffix == ".npz" else _recording_answer(model, path)


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


def _predict(options: argparse.Namespace) -> int:
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


def _recipe(options: argparse.Namespace, module: str) -> Any:
    """The training or evaluation code of a model.

    Raises:
        ModelNotFoundError: when there is no such model to train.
    """
    try:
        return importlib.import_module(f"{_package(options.model)}.{module}")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith(_package(options.model)):
            raise registry.ModelNotFoundError(
                f"no model called {options.model!r} can be trained here"
            ) from None
        raise


def _train(options: argparse.Namespace) -> int:
    """Train, calibrate and export a model."""
    recipe = _recipe(options, "train")
    contract = recipe.train(
        options.data, epochs=options.epochs or recipe.EPOCHS, target=options.target or recipe.ARTEFACT
    )
    metrics = contract["metrics"]
    tested = metrics.get("held_out_test") or metrics["cross_validation"]
    print(
        f"{contract['name']} {contract['version']}: records it had not seen: accuracy {tested['accuracy']['value']:.3f}, "
        f"macro F1 {tested['macro_f1']['value']:.3f}; weights {contract['sha256']['model.onnx'][:12]}"
    )
    return OK


def _search(options: argparse.Namespace) -> int:
    """Try the settings of a model and keep all trials."""
    recipe = _recipe(options, "train")
    from ml.models.beat_pictures import trials

    if not hasattr(recipe, "RECIPE"):
        raise registry.ModelNotFoundError(f"{options.model} has no settings to try")
    found = trials.search(recipe.RECIPE, options.data, epochs=options.epochs or trials.EPOCHS)
    trials.write(found, options.target or recipe.ARTEFACT)
    for trial in found["trials"]:
        print(f"macro F1 {trial['macro_f1']:.3f}  log loss {trial['log_loss']:.3f}  {trial['settings']}")
    return OK


def _compare(options: argparse.Namespace) -> int:
    """Compare the models of the source reports on the same beats and folds."""
    from ml.evaluation.comparison import run

    target = options.target or (run.RESULTS if options.write else None)
    measured = run.evaluate(options.data, epochs=options.epochs or run.EPOCHS, target=target)
    if options.json:
        print(json.dumps(measured))
        return OK
    print(measured["protocol"])
    for model in measured["models"]:
        shown = "  ".join(
            f"{name} {value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
            for name, value in model["figures"].items()
        )
        print(f"{model['name']:24} {shown}")
    return OK


def _evaluate_pages(options: argparse.Namespace) -> int:
    """Measure the models of whole pages on the same folds."""
    from ml.models.page_pictures import evaluate, results

    target = options.target or (results.RESULTS if options.write else None)
    measured = evaluate.evaluate(options.data, epochs=options.epochs or evaluate.EPOCHS, target=target)
    print(json.dumps(measured) if options.json else "\n".join(evaluate.lines(measured)))
    return OK


def _evaluate(options: argparse.Namespace) -> int:
    """Measure a model's recipe by cross-validation, its weights on what was held out, the comparison, or the digitiser."""
    if options.model == COMPARISON:
        return _compare(options)
    if options.model == DIGITISER:
        return pages.evaluate_digitiser(options)
    if options.model == PAGES:
        return _evaluate_pages(options)
    recipe = _recipe(options, "evaluate")
    target = options.target or (recipe.ARTEFACT if options.write else None)
    fewer = {"repeats": options.repeats} if options.repeats else {}
    measured = recipe.evaluate(options.data, epochs=options.epochs or recipe.EPOCHS, target=target, **fewer)
    if options.json:
        print(json.dumps(measured))
        return OK
    print("\n".join(getattr(recipe, "lines", _lines)(measured)))
    return OK


def _lines(measured: dict[str, Any]) -> list[str]:
    """Figures of a model with classes, for a terminal; recipes with other figures bring their own ``lines``."""
    figures = measured["cross_validation"]
    lines = [figures["protocol"]]
    for name in ("accuracy", "macro_f1", "ece"):
        value = figures[name]
        lines.append(f"{name:10} {value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})")
    for label, row in figures["classes"].items():
        shown = "  ".join(f"{name} {row[name]['value']:.3f}" for name in ("precision", "recall", "f1"))
        lines.append(f"{label:10} {shown}  {row['beats']} of {row['records']} records")
    return lines


def _positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="python -m ml", description="CardioCare's models of cardiac data.")
    commands = top.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="installed models")
    listing.set_defaults(run=_list)
    predict = commands.add_parser(
        "predict",
        help="answer for pictures, recordings, signals in .npz files or clinical records in .json files",
    )
    predict.add_argument(
        "model",
        help="name of an installed model, for example beat-cnn, or page: every model of 12-lead pages",
    )
    predict.add_argument("files", nargs="+", type=Path, metavar="FILE")
    predict.set_defaults(run=_predict)
    for name, run, text in (
        ("train", _train, "train, calibrate and export a model"),
        ("search", _search, "try the settings of a model of the comparison and keep all trials"),
        (
            "evaluate",
            _evaluate,
            "measure a model, or the comparison of models, on records they have not seen",
        ),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "model", help="name of a model, for example beat-cnn; to evaluate, also comparison"
        )
        command.add_argument(
            "--data",
            type=Path,
            required=True,
            metavar="DIR",
            help="folder with mitdb/, vfdb/, nstdb/, ptbxl/, clinical/ and, for EfficientNet, imagenet_weights/",
        )
        command.add_argument("--epochs", type=_positive, help="most epochs")
        command.add_argument(
            "--target",
            type=Path,
            metavar="PATH",
            help="folder of the artefact to write, or file of the comparison",
        )
        command.set_defaults(run=run)
        if name == "evaluate":
            command.add_argument(
                "--write", action="store_true", help="put the figures into the installed contract"
            )
            command.add_argument("--repeats", type=_positive, help="cross-validations, of clinical models")
            command.add_argument("--json", action="store_true", help="print JSON")
    add_commands(commands)
    pages.add_commands(commands)
    dicom.add_commands(commands)
    for command in (listing, predict):
        command.add_argument("--json", action="store_true", help="print JSON")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: words of the command line; those of the process if None.

    Returns:
        0 when all went well, 1 when something is missing or refused. Wrong usage exits with 2.
    """
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (registry.ModelNotFoundError, registry.TamperedArtefactError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
