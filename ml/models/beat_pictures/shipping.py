"""Trains, calibrates, checks and exports the weights of a model of the comparison, on the sides that ``beat-cnn`` has, too."""

from __future__ import annotations

import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras

from ml.explain.cam import class_activation
from ml.models.beat_pictures import data
from ml.models.beat_pictures.calibrate import calibrate
from ml.models.beat_pictures.contract import fields, tested, training_facts
from ml.models.beat_pictures.fitting import Examples, Schedule, fit, logits_of
from ml.models.beat_pictures.recipe import EMBEDDING, EVIDENCE, Recipe
from ml.models.beat_pictures.sanity import sanity
from ml.models.beat_pictures.split import sides
from ml.registry import SECOND_OPINION
from ml.training.calibration import probabilities
from ml.training.card import write_contract
from ml.training.export import export_onnx

EPOCHS = 6
VARIANTS = 2
SEED = 20
LAYERS = {"evidence": EVIDENCE, "embedding": EMBEDDING}


def ship(recipe: Recipe, folder: Path, *, epochs: int = EPOCHS, target: Path) -> dict[str, Any]:
    """Train the shipped weights and write the artefact.

    Args:
        recipe: the model.
        folder: holds ``mitdb/``, ``vfdb/`` and ``ptbxl/`` in their public layouts, and transferred weights.
        epochs: most epochs.
        target: folder of the artefact.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        DataNotFoundError: when a database or transferred weights are missing.
        ExportError: when the conversion to ONNX fails.
    """
    inside, calibration_side, test_side = sides(
        data.load(folder), seed=SEED, caps=data.REDUCED_CAPS, people_caps=data.REDUCED_PEOPLE_CAPS
    )
    print(
        f"training on {len(inside)} beats, calibrating on {len(calibration_side)}, testing on {len(test_side)}",
        file=sys.stderr,
        flush=True,
    )
    ready = recipe.network(folder)
    held = data.pictures(calibration_side)
    classes = data.positions(calibration_side.labels)
    with tempfile.TemporaryDirectory() as scratch:
        model, best = fit(
            functools.partial(recipe.network, folder),
            recipe.seen_examples(ready, data.examples(inside, variants=VARIANTS, seed=SEED)),
            recipe.seen_examples(ready, Examples(variants=held[:, None], classes=classes)),
            schedule=Schedule(epochs=epochs, seed=SEED, rate=recipe.rate),
            checkpoint=Path(scratch) / "best.keras",
            learner=recipe.learner,
            verbose=2,
        )
    settled = calibrate(logits_of(model, held), classes, calibration_side.records)
    target.mkdir(parents=True, exist_ok=True)
    # Optimiser state is left out: it would triple the file.
    keras.Model(model.input, model.output, name=recipe.name.replace("-", "_")).save(target / "model.keras")
    export_onnx(model, target / "model.onnx", layers=LAYERS)
    settings = {
        "settings": recipe.settings,
        "caps_per_record": data.REDUCED_CAPS,
        "caps_per_person": data.REDUCED_PEOPLE_CAPS,
        "epochs": epochs,
        "best_epoch": best,
        "seed": SEED,
        "layers": LAYERS,
    }
    training = training_facts(inside, calibration_side, settings)
    training["data"] = training["data"] | recipe.data
    maps = functools.partial(class_activation, layer=EVIDENCE)
    contract = fields(
        target,
        ("model.onnx", "model.keras"),
        settled,
        role=SECOND_OPINION,
        name=recipe.name,
        version=recipe.release,
        task=recipe.task,
        gate={},
        training=training,
        sanity=sanity(model, held, settled.temperature, maps=maps, seed=SEED),
        limits=list(recipe.limits),
    )
    shares = probabilities(logits_of(model, data.pictures(test_side)), settled.temperature)
    contract["metrics"]["held_out_test"] = tested(shares, test_side)
    write_contract(target, contract)
    return contract
