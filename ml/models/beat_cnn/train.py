"""Trains, calibrates, checks and exports ``beat-cnn``: the weights that are shipped."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import LABELS, Beats, joined
from ml.evaluation.gate import measure_gate
from ml.evaluation.metrics import report
from ml.explain.checks import deletion, randomisation_likeness
from ml.explain.gradcam import gradcam
from ml.models.beat_cnn import card, data, network
from ml.models.beat_cnn.calibrate import ALPHA, Calibration, calibrate, gate_limits, reference
from ml.models.beat_cnn.fitting import Examples, fit, logits_of
from ml.preprocessing.beat_image import AFTER_S, BEFORE_S, VERSION
from ml.preprocessing.render import render_traces
from ml.registry import file_sha256, read_contract, verify
from ml.serving.session import Member, open_network
from ml.training.augment import crop
from ml.training.calibration import probabilities
from ml.training.card import write_contract
from ml.training.export import export_onnx

NAME = "beat-cnn"
RELEASE = "1.0.0"
ARTEFACT = Path(__file__).parent / "artefact"
# Held out of training; every class is on each side, so far as its few records allow.
CALIBRATION_RECORDS = (
    "mitdb/101",
    "mitdb/105",
    "mitdb/111",
    "mitdb/112",
    "mitdb/117",
    "mitdb/200",
    "mitdb/212",
    "mitdb/222",
    "mitdb/223",
    "vfdb/419",
    "vfdb/421",
    "vfdb/429",
)
TEST_RECORDS = (
    "mitdb/100",
    "mitdb/103",
    "mitdb/119",
    "mitdb/209",
    "mitdb/214",
    "mitdb/220",
    "mitdb/231",
    "mitdb/234",
    "vfdb/423",
    "vfdb/424",
    "vfdb/610",
)
EPOCHS = 12
VARIANTS = 2
SEED = 20
_SANITY_PER_CLASS = 20
_GATE_BEATS = 2000


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def sides(sources: data.Sources) -> tuple[Beats, Beats, Beats]:
    """Beats to train on, to calibrate on, and to test on; no record and no person is on two sides."""
    held = set(CALIBRATION_RECORDS) | set(TEST_RECORDS)
    rng = np.random.default_rng(SEED)
    inside = sources.annotated.of_records(set(sources.annotated.records.tolist()) - held)
    calibration_side = sources.annotated.of_records(CALIBRATION_RECORDS)
    return (
        joined([inside.capped(data.TRAINING_CAPS, rng), sources.people_training]),
        joined([calibration_side.capped(data.TRAINING_CAPS, rng), sources.people_validation]),
        joined([sources.annotated.of_records(TEST_RECORDS), sources.people_test]),
    )


def sanity(model: keras.Model, images: NDArray[np.uint8], temperature: float) -> dict[str, Any]:
    """Checks of the heatmap on some calibration beats of each predicted class."""
    predicted = logits_of(model, images).argmax(axis=1)
    chosen = np.concatenate([np.flatnonzero(predicted == i)[:_SANITY_PER_CLASS] for i in range(len(LABELS))])
    pictures, classes = images[chosen], predicted[chosen]
    likeness = randomisation_likeness(model, pictures, classes, layer=network.LAST_CONVOLUTION, seed=SEED)
    maps = gradcam(model, pictures, classes=classes, layer=network.LAST_CONVOLUTION)
    dropped = deletion(
        lambda some: probabilities(logits_of(model, some), temperature), pictures, maps, classes, seed=SEED
    )
    return {
        "randomised_weights_rank_correlation": round(likeness, 4),
        "deletion": dropped,
        "empty_maps": round(float((maps.max(axis=(1, 2)) <= 0).mean()), 4),
        "beats": len(chosen),
    }


def _contract(
    settled: Calibration, gate: dict[str, Any], checks: dict[str, Any], training: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """The contract of freshly trained weights, without figures."""
    files = ("model.onnx", "model.keras", "embeddings.npy")
    return {
        "name": NAME,
        "version": RELEASE,
        "task": "Which of six classes the heartbeat on a picture belongs to.",
        "labels": list(LABELS),
        "input": {
            "shape": [64, 64, 1],
            "range": [0, 255],
            "before_s": BEFORE_S,
            "after_s": AFTER_S,
            "description": (
                "A picture of one lead (lead II) from 0.9 s before to 0.5 s after the R peak, any size, polarity or grid; "
                "prepare_beat_image makes the model's input from it. Scaling to 0..1 is inside the model."
            ),
        },
        "preprocessing_version": VERSION,
        "temperature": round(settled.temperature, 5),
        "conformal": {
            "alpha": ALPHA,
            "min_probability": {
                label: round(float(p), 6) for label, p in zip(LABELS, settled.least, strict=True)
            },
            "notes": settled.notes,
        },
        "abstention_threshold": round(settled.threshold, 4),
        "gate": gate,
        "training": training,
        "metrics": {},
        "sanity": checks,
        "limits": list(card.LIMITS),
        "sha256": {name: file_sha256(folder / name) for name in files},
    }


def _training_facts(inside: Beats, calibration_side: Beats, epochs: int, best: int) -> dict[str, Any]:
    """What the contract says about data and settings."""
    named = ("mitdb/", "vfdb/")
    return {
        "data": {
            "mitdb": "MIT-BIH Arrhythmia Database, ODC-BY 1.0, lead MLII, without the paced records 102 104 107 217",
            "vfdb": "MIT-BIH Malignant Ventricular Ectopy Database, ODC-BY 1.0: VF, VFIB, VFL, and normal beats found by XQRS",
            "ptbxl": "PTB-XL 1.0.3, CC BY 4.0, lead II: beat labels derived from statements (folds to 8 train, 9 calibrates, 10 tests)",
        },
        "records": {
            "training": sorted({str(r) for r in inside.records if r.startswith(named)}),
            "calibration": list(CALIBRATION_RECORDS),
            "test": list(TEST_RECORDS),
        },
        "beats": {label: int((inside.labels == label).sum()) for label in LABELS},
        "calibration_beats": {label: int((calibration_side.labels == label).sum()) for label in LABELS},
        "caps_per_record": data.TRAINING_CAPS,
        "epochs": epochs,
        "best_epoch": best,
        "seed": SEED,
        "layers": {"convolution": network.LAST_CONVOLUTION, "embedding": network.EMBEDDING},
    }


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
    inside, calibration_side, test_side = sides(sources)
    _say(
        f"training on {len(inside)} beats, calibrating on {len(calibration_side)}, testing on {len(test_side)}"
    )
    training = data.examples(inside, variants=variants, seed=SEED)
    held = data.pictures(calibration_side)
    classes = data.positions(calibration_side.labels)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        model, best = fit(
            training,
            Examples(variants=held[:, None], classes=classes),
            epochs=epochs,
            seed=SEED,
            checkpoint=Path(scratch) / "best.keras",
            verbose=2,
        )
    settled = calibrate(logits_of(model, held), classes, calibration_side.records)
    near = reference(model, training.variants[:, 0], training.classes, SEED)
    np.save(target / "embeddings.npy", near)
    # Optimiser state is left out: it would triple the file.
    keras.Model(model.input, model.output, name="beat_cnn").save(target / "model.keras")
    export_onnx(
        model, target / "model.onnx", convolution=network.LAST_CONVOLUTION, embedding=network.EMBEDDING
    )
    contract = _contract(
        settled,
        gate_limits(model, near, held),
        sanity(model, held, settled.temperature),
        _training_facts(inside, calibration_side, epochs, best),
        target,
    )
    tested = probabilities(logits_of(model, data.pictures(test_side)), settled.temperature)
    contract["metrics"]["held_out_test"] = {
        "protocol": "Shipped weights on the test records of MIT-BIH and vfdb and on fold 10 of PTB-XL (derived labels).",
        **report(tested, data.positions(test_side.labels), test_side.records, labels=LABELS),
    }
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
