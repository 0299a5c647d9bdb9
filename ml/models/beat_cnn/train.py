"""Trains, calibrates, checks and exports ``beat-cnn``: the weights that are shipped."""

from __future__ import annotations

import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.datasets.beats import Beats
from ml.evaluation.gate import measure_gate
from ml.explain.gradcam import gradcam
from ml.models.beat_cnn import card, network
from ml.models.beat_cnn.gate import gate_limits, reference
from ml.models.beat_pictures import data
from ml.models.beat_pictures.calibrate import calibrate
from ml.models.beat_pictures.contract import fields, tested, training_facts
from ml.models.beat_pictures.fitting import Examples, Schedule, fit, logits_of
from ml.models.beat_pictures.sanity import sanity
from ml.models.beat_pictures.split import sides
from ml.preprocessing.beat_image import AFTER_S, BEFORE_S
from ml.preprocessing.render import render_traces
from ml.registry import read_contract, verify
from ml.serving.session import Member, open_network
from ml.training.augment import crop
from ml.training.calibration import probabilities
from ml.training.card import write_contract
from ml.training.export import export_onnx

NAME = "beat-cnn"
RELEASE = "1.0.0"
ARTEFACT = Path(__file__).parent / "artefact"
EPOCHS = 12
VARIANTS = 2
SEED = 20
_GATE_BEATS = 2000


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def train(
    folder: Path, *, epochs: int = EPOCHS, variants: int = VARIANTS, target: Path = ARTEFACT
) -> dict[str, Any]:
    """Train the shipped weights and write the artefact.

    Args:
        folder: holds ``mitdb/``, ``vfdb/`` and ``ptbxl/`` in their public layouts.
        epochs: most epochs.
        variants: augmented pictures per beat.
        target: folder of the artefact.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        DataNotFoundError: when a database is missing.
        ExportError: when the conversion to ONNX fails.
    """
    sources = data.load(folder)
    inside, calibration_side, test_side = sides(sources, seed=SEED)
    _say(
        f"training on {len(inside)} beats, calibrating on {len(calibration_side)}, testing on {len(test_side)}"
    )
    training = data.examples(inside, variants=variants, seed=SEED)
    held = data.pictures(calibration_side)
    classes = data.positions(calibration_side.labels)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        model, best = fit(
            network.build,
            training,
            Examples(variants=held[:, None], classes=classes),
            schedule=Schedule(epochs=epochs, seed=SEED),
            checkpoint=Path(scratch) / "best.keras",
            verbose=2,
        )
    settled = calibrate(logits_of(model, held), classes, calibration_side.records)
    near = reference(model, training.variants[:, 0], training.classes, SEED)
    np.save(target / "embeddings.npy", near)
    # Optimiser state is left out: it would triple the file.
    keras.Model(model.input, model.output, name="beat_cnn").save(target / "model.keras")
    layers = {"convolution": network.LAST_CONVOLUTION, "embedding": network.EMBEDDING}
    export_onnx(model, target / "model.onnx", layers=layers)
    settings = {"epochs": epochs, "best_epoch": best, "seed": SEED, "layers": layers}
    contract = fields(
        target,
        ("model.onnx", "model.keras", "embeddings.npy"),
        settled,
        name=NAME,
        version=RELEASE,
        task="Which of six classes the heartbeat on a picture belongs to.",
        gate=gate_limits(model, near, held),
        training=training_facts(inside, calibration_side, settings),
        sanity=sanity(
            model,
            held,
            settled.temperature,
            maps=functools.partial(gradcam, layer=network.LAST_CONVOLUTION),
            seed=SEED,
        ),
        limits=list(card.LIMITS),
    )
    shares = probabilities(logits_of(model, data.pictures(test_side)), settled.temperature)
    contract["metrics"]["held_out_test"] = tested(shares, test_side)
    write_contract(target, contract)
    _add_gate_rates(contract, test_side, target)
    return contract


def _add_gate_rates(contract: dict[str, Any], test_side: Beats, target: Path) -> None:
    """Measure the gate with the artefact as it will be served, and write the rates into the contract."""
    verified = read_contract(target)
    verify(verified)
    near = np.load(target / "embeddings.npy").astype(np.float32)
    opened = Member(contract=verified, network=open_network(verified), reference=near)
    rng = np.random.default_rng(SEED)
    some = test_side.take(
        np.sort(rng.choice(len(test_side), min(_GATE_BEATS, len(test_side)), replace=False))
    )
    drawn = render_traces(crop(some.windows, before_s=BEFORE_S, after_s=AFTER_S))
    contract["gate"]["measured"] = measure_gate(opened, drawn, seed=SEED)
    write_contract(target, contract)
