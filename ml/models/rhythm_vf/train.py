"""Trains, calibrates, checks and exports ``rhythm-vf``: the weights that are shipped."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import report
from ml.explain import signal_checks
from ml.models.rhythm_vf import data, network
from ml.models.rhythm_vf.alarms import alarm_table
from ml.models.rhythm_vf.context import context_table
from ml.models.rhythm_vf.data import Segments, joined
from ml.models.rhythm_vf.fitting import Settings, fit, logits_of
from ml.models.rhythm_vf.network import LABELS
from ml.preprocessing.rhythm_segment import FEATURES, LEAST_REACH_MV, LENGTH, SECONDS, VERSION, held
from ml.registry import file_sha256
from ml.training import loop
from ml.training.augment_signal import noise_bank
from ml.training.calibration import Calibration, probabilities, settle
from ml.training.card import write_contract
from ml.training.export import export_signal_onnx
from ml.training.splits import folds, patients_of

NAME = "rhythm-vf"
RELEASE = "1.1.0"
ARTEFACT = Path(__file__).parent / "artefact"
EPOCHS = 8
SEED = 20
FOLDS = 5
ALPHA = 0.10
WANTED_ACCURACY = 0.98
LEAST_COVERAGE = 0.85
_SANITY_PER_CLASS = 40
_EVERY_OF_MITDB = 8
PROTOCOL = (
    f"{FOLDS}-fold cross-validation by record over the 18 records of vfdb, pooled out-of-fold: consecutive 4-s segments, each "
    "of the two channels an example of its own, ventricular fibrillation, flutter and tachycardia against every other rhythm; "
    "segments of NOISE and segments in which the rhythm changes are left out (see other_segments). No threshold was moved: "
    "the more probable class is the answer, and a segment below 0.2 mV from peak to peak is never called VF/VT. The figures of pace, "
    "the augmentation (tachycardias slowed below 118 a minute are other rhythms) and that limit were chosen with errors on records of "
    "vfdb known, so the figures are flattered; trials.json has those without. MIT-BIH (its records of the fold held out too), "
    "PTB-XL (folds 5 to 8) and noise alone are on the training side only."
)
LIMITS = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device. It must not control a defibrillator.",
    "Fibrillation comes from few people (VF, VFIB and VFL from nine records): the intervals by record are wide, read them.",
    f"Below {LEAST_REACH_MV:g} mV from peak to peak nothing is called VF/VT: fine fibrillation and asystole look alike there.",
    "A ventricular tachycardia below about 120 beats a minute is another rhythm to it: only the rate tells it from a wide rhythm.",
    "Fast supraventricular rhythms with wide complexes are often called ventricular tachycardia.",
    "Noise is not recognised as such: a loose electrode can look like fibrillation.",
    "One answer is for four seconds; a short run of ventricular beats within normal rhythm is not what it was trained on.",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything that ``rhythm-vf`` is made from.

    Attributes:
        training: vfdb cut at several offsets, segments of one rhythm without noise.
        every: vfdb cut once, all segments.
        mitdb: MIT-BIH cut once, all segments.
        normal: every eighth of them, of one rhythm, to learn from.
        others: PTB-XL, and noise alone, to learn from.
        noise: for augmentation.
    """

    training: Segments
    every: Segments
    mitdb: Segments
    normal: Segments
    others: Segments
    noise: NDArray[np.float32]


def load(folder: Path) -> Sources:
    """Read the databases below a folder (``vfdb/``, ``mitdb/``, ``ptbxl/`` and ``nstdb/``).

    Raises:
        DataNotFoundError: when a database is missing.
    """
    many = data.load(folder / "vfdb", offsets_s=data.OFFSETS_S)
    mitdb = data.load(folder / "mitdb")
    normal = mitdb.take(np.arange(len(mitdb)) % _EVERY_OF_MITDB == 0)
    noise = noise_bank(folder / "nstdb")
    return Sources(
        training=many.take(many.counted),
        every=data.load(folder / "vfdb"),
        mitdb=mitdb,
        normal=normal.take(normal.counted),
        others=joined([data.load_ptbxl(folder / "ptbxl"), data.noise_alone(noise, SEED)]),
        noise=noise,
    )


def fold_of_mitdb(segments: Segments) -> NDArray[np.int64]:
    """Which fold holds out each record of MIT-BIH, shape (n,); records of one person share a fold."""
    return np.unique(patients_of(segments.records), return_inverse=True)[1] % FOLDS


def cross_validated(
    sources: Sources, *, epochs: int, settings: Settings | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logits of networks that had not seen the record.

    Args:
        sources: the data.
        epochs: epochs per fold; all are trained, so that the held-out side decides nothing.
        settings: see ``Settings``.

    Returns:
        For every segment of vfdb, shape (n, 2), and of MIT-BIH, shape (m, 2), as ``answers_of`` gives them.
    """
    every, mitdb = sources.every, sources.mitdb
    found, others = np.zeros((len(every), len(LABELS))), np.zeros((len(mitdb), len(LABELS)))
    counted = every.take(every.counted)
    side, taught = fold_of_mitdb(mitdb), fold_of_mitdb(sources.normal)
    names = np.array(LABELS)[counted.classes]
    for fold, (_, outside) in enumerate(folds(names, counted.records, count=FOLDS, seed=SEED)):
        started = time.monotonic()
        inside = set(np.unique(every.records).tolist()) - outside
        with tempfile.TemporaryDirectory() as scratch:
            model, _ = fit(
                joined(
                    [
                        sources.training.of_records(inside),
                        sources.normal.take(taught != fold),
                        sources.others,
                    ]
                ),
                None,
                sources.noise,
                epochs=epochs,
                seed=SEED + fold,
                checkpoint=Path(scratch) / "best.weights.h5",
                settings=settings,
            )
        here = np.isin(every.records, sorted(outside))
        found[here] = answers_of(model, every.take(here))
        others[side == fold] = answers_of(model, mitdb.take(side == fold))
        print(
            f"fold {fold + 1}: {len(outside)} records held out, {time.monotonic() - started:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return found, others


def answers_of(model: keras.Model, segments: Segments) -> NDArray[np.float64]:
    """Logits as they are served: a stretch below 0.2 mV is never called VF/VT, shape (n, 2)."""
    return held(logits_of(model, segments), segments.reach_mv)


def figures(logits: NDArray[np.float64], segments: Segments, temperature: float) -> dict[str, Any]:
    """Figures of segments; Se is the recall of ``VF/VT``, Sp the recall of ``other``."""
    shares = probabilities(logits, temperature)
    found = report(shares, segments.classes, segments.records, labels=LABELS)
    return {
        "sensitivity": found["classes"][LABELS[1]]["recall"],
        "specificity": found["classes"][LABELS[0]]["recall"],
        **found,
    }


def _sanity(model: keras.Model, segments: Segments, temperature: float) -> dict[str, Any]:
    """Checks of the heat on some segments of each predicted class."""
    rng = np.random.default_rng(SEED)
    some = segments.take(loop.balanced(segments.records, segments.classes, 40, rng))
    predicted = logits_of(model, some).argmax(axis=1)
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(predicted == i))[:_SANITY_PER_CLASS] for i in range(len(LABELS))]
    )
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
    return {**found, "segments": len(chosen)}


def _contract(
    settled: Calibration, checks: dict[str, Any], training: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """The contract of freshly trained weights, without figures."""
    return {
        "name": NAME,
        "version": RELEASE,
        "task": "Whether four seconds of one lead show ventricular fibrillation, flutter or tachycardia.",
        "labels": list(LABELS),
        "input": {
            "kind": "segment",
            "shape": [LENGTH, 1],
            "features": FEATURES,
            "range": [-8, 8],
            "before_s": 0.0,
            "after_s": SECONDS,
            "description": (
                "One lead, at least 100 Hz, millivolt; prepare_segments cuts it into stretches of four seconds at 125 Hz and adds "
                "61 figures of spectrum, form and pace. Scaling of the figures is inside the model."
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


def _training_facts(sources: Sources, epochs: int, settings: Settings) -> dict[str, Any]:
    """What the contract says about data and settings."""
    counted = sources.every.take(sources.every.counted)
    names, counts = np.unique(counted.rhythms, return_counts=True)
    return {
        "data": {
            "vfdb": "MIT-BIH Malignant Ventricular Ectopy Database, ODC-BY 1.0, 18 of its 22 records, both channels",
            "mitdb": "MIT-BIH Arrhythmia Database, ODC-BY 1.0, both leads, every eighth segment: mostly other rhythms",
            "ptbxl": "PTB-XL 1.0.3, CC BY 4.0, folds 5 to 8, leads II, V1 and V5 of at most 250 recordings a statement: other rhythms",
            "nstdb": "MIT-BIH Noise Stress Test Database, ODC-BY 1.0: noise added in training, and alone as asystole",
        },
        "records": {
            "training": sorted({str(name) for name in (*counted.records, *sources.normal.records)}),
            "calibration": sorted({str(name) for name in counted.records}),
            "test": [],
        },
        "calibration_protocol": (
            f"Temperature, prediction sets and abstention come from {FOLDS}-fold cross-validation by record: every answer is of a "
            "network that had not seen the record. The shipped network learnt from all records; no record is left to test it on, so its "
            "figures are those of the cross-validation."
        ),
        "segments": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
        "settings": dataclasses.asdict(settings),
        "epochs": epochs,
        "best_epoch": epochs,
        "seed": SEED,
        "layers": network.LAYERS,
    }


def other_segments(
    logits: NDArray[np.float64], others: NDArray[np.float64], sources: Sources
) -> dict[str, Any]:
    """Out-of-fold answers that the headline leaves out: noise, changes of rhythm, single rhythms, and MIT-BIH."""
    called, alarmed = logits.argmax(axis=1) == 1, others.argmax(axis=1) == 1
    every = sources.every
    rows = {
        str(name): {
            "segments": int((every.rhythms == name).sum()),
            "records": len(np.unique(every.records[every.rhythms == name])),
            "called_vf_vt": round(float(called[every.rhythms == name].mean()), 4),
        }
        for name in np.unique(every.rhythms)
        if name
    }
    return {
        "protocol": (
            "Out-of-fold answers by annotated rhythm of vfdb, and of MIT-BIH records held out of each fold (both leads). An alarm is "
            "so many consecutive segments called VF/VT; it is false when it touches neither VF/VT nor a change of rhythm, and an "
            "episode is found when an alarm touches it. In vfdb, stretches of NOISE count as time in which an alarm is false."
        ),
        "vfdb": rows,
        "vfdb_alarms": alarm_table(called, every),
        "mitdb_alarms": alarm_table(alarmed, sources.mitdb),
    }


def train(folder: Path, *, epochs: int = EPOCHS, target: Path = ARTEFACT) -> dict[str, Any]:
    """Train the shipped weights and write the artefact.

    Args:
        folder: holds ``vfdb/``, ``mitdb/``, ``ptbxl/`` and ``nstdb/`` in their public layouts.
        epochs: epochs to train.
        target: folder of the artefact.

    Returns:
        The contract, as written to ``model.json``.

    Raises:
        DataNotFoundError: when a database is missing.
        ExportError: when the conversion to ONNX fails.
    """
    sources, settings = load(folder), Settings()
    logits, others = cross_validated(sources, epochs=epochs, settings=settings)
    keep = sources.every.counted
    counted = sources.every.take(keep)
    settled = settle(
        logits[keep],
        counted.classes,
        counted.records,
        labels=LABELS,
        alpha=ALPHA,
        accuracy=WANTED_ACCURACY,
        least_coverage=LEAST_COVERAGE,
    )
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        model, _ = fit(
            joined([sources.training, sources.normal, sources.others]),
            None,
            sources.noise,
            epochs=epochs,
            seed=SEED,
            checkpoint=Path(scratch) / "best.weights.h5",
            settings=settings,
            verbose=2,
        )
    # Optimiser state is left out: it would triple the file.
    keras.Model(model.inputs, model.output, name="rhythm_vf").save(target / "model.keras")
    export_signal_onnx(model, target / "model.onnx", layers=network.LAYERS)
    contract = _contract(
        settled,
        _sanity(model, counted, settled.temperature),
        _training_facts(sources, epochs, settings),
        target,
    )
    contract["metrics"] = {
        "cross_validation": {"protocol": PROTOCOL, **figures(logits[keep], counted, settled.temperature)},
        "other_segments": other_segments(logits, others, sources),
        "context": context_table(logits, sources.every, settled.temperature),
    }
    write_contract(target, contract)
    return contract
