"""Trains, calibrates, checks and exports ``beat-resnet``: the weights that are shipped."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.evaluation.ec57 import DS1, DS2, ec57_report
from ml.explain import signal_checks
from ml.models.beat_resnet import data, network
from ml.models.beat_resnet.classes import LABELS
from ml.models.beat_resnet.data import Examples
from ml.models.beat_resnet.fitting import Settings, balanced_sample, fit, logits_of
from ml.models.beat_resnet.shift import best_shift, move
from ml.preprocessing.beat_signal import CENTRE, FEATURES, LEADS, LENGTH, RATE_HZ, VERSION
from ml.registry import file_sha256
from ml.training.augment_signal import noise_bank
from ml.training.calibration import Calibration, probabilities, settle
from ml.training.card import write_contract
from ml.training.export import export_signal_onnx
from ml.training.resequence import KINDS
from ml.training.splits import folds

NAME = "beat-resnet"
RELEASE = "2.1.0"
ARTEFACT = Path(__file__).parent / "artefact"
EPOCHS = 7
PLAIN_EPOCHS = 10
COPIES = 3
SEED = 20
FOLDS = 5
ALPHA = 0.10
WANTED_ACCURACY = 0.97
LEAST_COVERAGE = 0.85
_FEWEST_PREMATURE = 10
_SANITY_PER_CLASS = 20
TESTED = (
    "Shipped weights on DS2 of de Chazal and others 2004 (22 records, none of them in training or calibration, though 202 "
    "and 201 of DS1 come from one person, as in that split), annotated positions, two leads. AAMI EC57 classes, gross; Se is recall, +P is "
    "precision. Macro F1 is over N, S, V and F; macro_f1_nsv over N, S and V. Q (7 unclassifiable beats) is not counted."
)
LIMITS = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device.",
    "It classifies beats that a detector found: missed and false complexes are not its to see, and disturb the rhythm it reads.",
    "Fusion beats are hardly recognised: nine in ten of those it learnt from are of one person.",
    (
        "Bundle branch block that comes and goes was learnt from made recordings only, in which one person's complexes follow "
        "another's P waves."
    ),
    (
        "Bundle branch block was learnt mostly from ten-second recordings of PTB-XL, by statements about whole recordings: treat the name "
        "with reserve, and N, S, V as what it is for."
    ),
    "Premature beats from the atria in atrial fibrillation, and aberrant ones, are often confused with normal or ventricular beats.",
    "Paced beats were not learnt: a paced recording is outside what it can read.",
    "With less than about thirty beats the usual beat and rhythm are poorly known: give it minutes where there are minutes.",
    "The heat says where the model looked in the signal, never why; how early a beat came is not in it.",
    (
        "The signal is read from 0.29 s before to 0.16 s after the middle of the complex, and the heat lies there only: a T wave counts as "
        "a figure of form, which has no heat."
    ),
    (
        "Where premature atrial beats are the majority of a recording (as in sick sinus syndrome) they may be called normal: it learnt "
        "such rhythms mostly from real beats laid in made rhythms."
    ),
)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def cross_validated(
    examples: Examples,
    splits: Iterator[tuple[set[str], set[str]]],
    bank: NDArray[np.float32],
    *,
    strips: Examples,
    epochs: int,
    settings: Settings | None = None,
) -> tuple[NDArray[np.float64], list[keras.Model]]:
    """Logits of networks that had not seen the record, and the networks.

    Args:
        examples: all beats.
        splits: records of the training and the held-out side of each fold.
        bank: noise for augmentation.
        strips: beats of people of another database, on the training side of every fold.
        epochs: epochs per fold; all are trained, so that the held-out side decides nothing.
        settings: see ``Settings``.

    Returns:
        Shape (n, classes), the mean of the fold's two networks (residual, and of rhythm and form alone), and all networks.
    """
    found = np.zeros((len(examples), len(LABELS)))
    members = []
    for fold, (inside, outside) in enumerate(splits):
        started = time.monotonic()
        here = np.isin(examples.records, sorted(outside))
        known = examples.of_records(inside)
        made = data.remade(known, KINDS, fewest=_FEWEST_PREMATURE, copies=COPIES, seed=SEED + fold)
        extra = data.joined([strips, made])
        pair = []
        for plain in (False, True):
            with tempfile.TemporaryDirectory() as scratch:
                model = fit(
                    known,
                    bank,
                    extra=extra,
                    epochs=PLAIN_EPOCHS if plain else epochs,
                    seed=SEED + fold,
                    checkpoint=Path(scratch) / "best.weights.h5",
                    settings=settings,
                    plain=plain,
                )
            pair.append(model)
        found[here] = np.mean([logits_of(model, examples.take(here)) for model in pair], axis=0)
        members += pair
        _say(f"fold {fold + 1}: {len(outside)} records held out, {time.monotonic() - started:.0f} s")
    return found, members


def sanity(model: keras.Model, examples: Examples, temperature: float) -> dict[str, Any]:
    """Checks of the heat on some beats of each predicted class."""
    some = examples.take(balanced_sample(examples, 50, SEED))
    predicted = logits_of(model, some).argmax(axis=1)
    chosen = np.concatenate([np.flatnonzero(predicted == i)[:_SANITY_PER_CLASS] for i in range(len(LABELS))])
    inputs = {network.WINDOW: some.windows[chosen], network.FEATURE_INPUT: some.features[chosen]}
    found = signal_checks.sanity(
        model,
        inputs,
        predicted[chosen],
        layers=network.LAYERS,
        signal=network.WINDOW,
        temperature=temperature,
        seed=SEED,
    )
    return {**found, "beats": len(chosen)}


def _contract(
    settled: Calibration, checks: dict[str, Any], training: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """The contract of freshly trained weights, without figures."""
    return {
        "name": NAME,
        "version": RELEASE,
        "task": "Which class every heartbeat of a recording belongs to.",
        "labels": list(LABELS),
        "input": {
            "kind": "beats",
            "shape": [LEADS, LENGTH, 2],
            "features": FEATURES,
            "range": [-6, 6],
            "before_s": CENTRE / RATE_HZ,
            "after_s": (LENGTH - CENTRE) / RATE_HZ,
            "description": (
                "A recording of one or two leads (any pair; lead II and V1 as in MIT-BIH are best), at least 100 Hz, any gain, "
                "with the positions of its QRS complexes; prepare_beats makes the model's input from it: per beat the signal and "
                "its difference from the recording's usual beat, and 73 figures of rhythm, form, and what beats of like form in the "
                "recording have in common. Scaling is inside the model."
            ),
        },
        "preprocessing_version": VERSION,
        **settled.as_contract(LABELS, ALPHA),
        "gate": {},
        "training": training,
        "metrics": {},
        "sanity": checks,
        "limits": list(LIMITS),
        "sha256": {name: file_sha256(folder / name) for name in ("model.onnx", "model.keras")},
    }


def _training_facts(
    inside: Examples, strips: Examples, shift: NDArray[np.float64], epochs: int, settings: Settings
) -> dict[str, Any]:
    """What the contract says about data and settings."""
    return {
        "data": {
            "mitdb": "MIT-BIH Arrhythmia Database, ODC-BY 1.0, both leads, without the paced records 102 104 107 217",
            "nstdb": "MIT-BIH Noise Stress Test Database, ODC-BY 1.0: noise added in training",
            "ptbxl": "PTB-XL 1.0.3, CC BY 4.0, folds 5 to 8 at 100 Hz: beats with labels derived from statements about recordings, and "
            "made recordings of them in which bundle branch block comes and goes",
        },
        "records": {"training": list(DS1), "calibration": list(DS1), "test": list(DS2)},
        "calibration_protocol": (
            f"{FOLDS}-fold cross-validation by record inside the training records. Temperature, prediction sets and abstention "
            "come from its pooled answers, each of networks that had not seen the record; the shift "
            "of the logits of S and V too (largest mean F1 of N, S and V). The networks of the folds (in each a "
            "residual one, and one of rhythm and form alone) are shipped together: the mean of their logits is the answer, so "
            "every training record was learnt from by four fifths of them."
        ),
        "beats": {label: int((inside.classes == i).sum()) for i, label in enumerate(LABELS)},
        "further_beats": _counted(strips),
        "shift": {label: float(value) for label, value in zip(LABELS, shift, strict=True) if value},
        "settings": {name: getattr(settings, name) for name in settings.__dataclass_fields__},
        "epochs": epochs,
        "best_epoch": epochs,
        "seed": SEED,
        "layers": network.LAYERS,
    }


def _counted(examples: Examples) -> dict[str, str]:
    """Beats and recordings of each class that are PTB-XL's own, not laid in other rhythms."""
    own = examples.take(np.char.startswith(examples.records, "ptbxl/"))
    found = {}
    for place, label in enumerate(LABELS):
        here = own.classes == place
        if here.any():
            found[label] = f"{int(here.sum())} of {len(np.unique(own.records[here]))} recordings"
    return found


def train(folder: Path, *, epochs: int = EPOCHS, target: Path = ARTEFACT) -> dict[str, Any]:
    """Train the shipped weights and write the artefact.

    Args:
        folder: holds ``mitdb/``, ``nstdb/`` and ``ptbxl/`` in their public layouts.
        epochs: epochs to train.
        target: folder of the artefact.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        DataNotFoundError: when a database is missing.
        ExportError: when the conversion to ONNX fails.
    """
    everything = data.load(folder / "mitdb")
    bank = noise_bank(folder / "nstdb")
    inside, tested = everything.of_records(DS1), everything.of_records(DS2)
    _say(f"training on {len(inside)} beats, testing on {len(tested)}")
    settings = Settings()
    splits = folds(np.array(LABELS)[inside.classes], inside.records, count=FOLDS, seed=SEED)
    strips = data.strips(folder / "ptbxl")
    _say(f"{len(strips)} further beats of PTB-XL, as recorded and in made rhythms")
    held_out, members = cross_validated(inside, splits, bank, strips=strips, epochs=epochs, settings=settings)
    shift = best_shift(held_out, inside.classes)
    move(members, shift)
    held_out = held_out + shift
    settled = settle(
        held_out,
        inside.classes,
        inside.records,
        labels=LABELS,
        alpha=ALPHA,
        accuracy=WANTED_ACCURACY,
        least_coverage=LEAST_COVERAGE,
    )
    target.mkdir(parents=True, exist_ok=True)
    model = network.together(members)
    model.save(target / "model.keras")
    export_signal_onnx(model, target / "model.onnx", layers=network.LAYERS)
    contract = _contract(
        settled,
        sanity(model, tested, settled.temperature),
        _training_facts(inside, strips, shift, epochs, settings),
        target,
    )
    contract["metrics"] = {
        "held_out_test": {
            "protocol": TESTED,
            **_reported(logits_of(model, tested), tested, settled.temperature),
        },
        "inside_training": {
            "protocol": f"{FOLDS}-fold cross-validation by record inside DS1, pooled; what every choice was made by.",
            **_reported(held_out, inside, settled.temperature),
        },
    }
    write_contract(target, contract)
    return contract


def _reported(logits: NDArray[np.float64], examples: Examples, temperature: float) -> dict[str, Any]:
    """EC57 figures of logits."""
    shares = probabilities(logits, temperature)
    return ec57_report(shares, examples.classes, examples.records, labels=LABELS)
