"""Command line: ``python -m ml list | predict | train | search | evaluate | measure | qrs | digitise | dicom | deidentify``; no Django."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml import registry
from ml.dicom import cli as dicom
from ml.evaluating import TOGETHER
from ml.measuring import add_commands
from ml.pages import cli as pages
from ml.predicting import predict_files

OK, FAILED, USAGE = 0, 1, 2


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
    if hasattr(recipe, "summary"):
        print(recipe.summary(contract))
        return OK
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
    if hasattr(recipe, "search"):
        print("\n".join(recipe.search(options.data, target=options.target or recipe.ARTEFACT)))
        return OK
    from ml.models.beat_pictures import trials

    if not hasattr(recipe, "RECIPE"):
        raise registry.ModelNotFoundError(f"{options.model} has no settings to try")
    found = trials.search(recipe.RECIPE, options.data, epochs=options.epochs or trials.EPOCHS)
    trials.write(found, options.target or recipe.ARTEFACT)
    for trial in found["trials"]:
        print(f"macro F1 {trial['macro_f1']:.3f}  log loss {trial['log_loss']:.3f}  {trial['settings']}")
    return OK


def _evaluate(options: argparse.Namespace) -> int:
    """Measure a model's recipe by cross-validation, its weights on what was held out, the comparison, the digitiser, or the gate."""
    if options.model in TOGETHER:
        return TOGETHER[options.model](options)
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
        help="answer for pictures, recordings, signals in .npz files or clinical records in .json files, DICOM",
    )
    predict.add_argument(
        "model",
        help="name of an installed model, for example beat-cnn, or page: every model of 12-lead pages",
    )
    predict.add_argument("files", nargs="+", type=Path, metavar="FILE")
    predict.set_defaults(run=predict_files)
    for name, run, text in (
        ("train", _train, "train, calibrate and export a model"),
        ("search", _search, "try the settings of a model and keep all trials"),
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
            help="folder with mitdb/, vfdb/, nstdb/, ptbxl/, clinical/, chest_xray_ctr/ and, for EfficientNet, imagenet_weights/",
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
