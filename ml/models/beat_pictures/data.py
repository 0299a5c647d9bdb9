"""The pictures that models of one beat learn from and are measured on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.datasets import mitdb, ptbxl, vfdb
from ml.datasets.beats import LABELS, Beats, joined
from ml.models.beat_pictures.fitting import Examples
from ml.preprocessing.beat_image import AFTER_S, BEFORE_S, SIZE, prepare_beat_image
from ml.preprocessing.render import THICKNESS, render_traces
from ml.training.augment import crop, vary

# At most so many beats per class and record: a few long recordings must not be the class.
TRAINING_CAPS = {"Normal": 120, "LBBB": 600, "RBBB": 400, "PAC": 300, "PVC": 250, "VF": 500}
# For the models that are compared: what two cores can learn from five times over, per class and record, and of PTB-XL per person.
REDUCED_CAPS = {"Normal": 30, "LBBB": 150, "RBBB": 100, "PAC": 70, "PVC": 60, "VF": 120}
REDUCED_PEOPLE_CAPS = {"Normal": 1}
SIZES = (64, 128, 256)
SIZE_WEIGHTS = (0.5, 0.25, 0.25)
_CHUNK = 256


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything that models of one beat are made from.

    Attributes:
        annotated: beats of MIT-BIH and windows of the Malignant Ventricular Ectopy database, the six classes.
        tachycardia: windows of ventricular tachycardia, never trained on: a control.
        people_training: beats of PTB-XL, training folds.
        people_validation: beats of PTB-XL, fold 9.
        people_test: beats of PTB-XL, fold 10.
    """

    annotated: Beats
    tachycardia: Beats
    people_training: Beats
    people_validation: Beats
    people_test: Beats


def load(folder: Path) -> Sources:
    """Read the databases below a folder (``mitdb/``, ``vfdb/`` and ``ptbxl/``).

    Raises:
        DataNotFoundError: when a database is missing.
    """
    everything = joined([mitdb.load(folder / "mitdb"), vfdb.load(folder / "vfdb")])
    control = everything.labels == vfdb.CONTROL_LABEL
    return Sources(
        annotated=everything.take(~control),
        tachycardia=everything.take(control),
        people_training=ptbxl.load(folder / "ptbxl", ptbxl.TRAINING_FOLDS),
        people_validation=ptbxl.load(folder / "ptbxl", ptbxl.VALIDATION_FOLDS),
        people_test=ptbxl.load(folder / "ptbxl", ptbxl.TEST_FOLDS),
    )


def positions(labels: NDArray[np.str_]) -> NDArray[np.int64]:
    """Position of each label in ``LABELS``, shape (n,)."""
    return np.array([LABELS.index(str(label)) for label in labels], dtype=np.int64)


def pictures(
    beats: Beats, *, before_s: float = BEFORE_S, after_s: float = AFTER_S, quiet: bool = False
) -> NDArray[np.uint8]:
    """Prepared pictures of beats as recorded, drawn at 64x64.

    Returns:
        Shape (n, 64, 64, 1), 0 to 255.
    """
    made = np.empty((len(beats), SIZE, SIZE, 1), dtype=np.uint8)
    for start in tqdm(range(0, len(beats), _CHUNK), desc="drawing beats", disable=quiet):
        parts = crop(beats.windows[start : start + _CHUNK], before_s=before_s, after_s=after_s)
        for offset, drawn in enumerate(render_traces(parts)):
            made[start + offset] = prepare_beat_image(Image.fromarray(drawn))
    return made


def varied_pictures(
    beats: Beats,
    rng: np.random.Generator,
    *,
    before_s: float = BEFORE_S,
    after_s: float = AFTER_S,
    quiet: bool = False,
) -> NDArray[np.uint8]:
    """Prepared pictures of beats with augmentation, drawn at several sizes and with pens of several widths.

    Returns:
        Shape (n, 64, 64, 1), 0 to 255.
    """
    made = np.empty((len(beats), SIZE, SIZE, 1), dtype=np.uint8)
    for start in tqdm(range(0, len(beats), _CHUNK), desc="drawing variants", disable=quiet):
        parts = vary(beats.windows[start : start + _CHUNK], rng, before_s=before_s, after_s=after_s)
        chosen = rng.choice(SIZES, len(parts), p=SIZE_WEIGHTS)
        pens = rng.uniform(0.7, 1.5, len(SIZES))
        for size, pen in zip(SIZES, pens, strict=True):
            here = np.flatnonzero(chosen == size)
            if not len(here):
                continue
            drawn = render_traces(
                parts[here], size=size, thickness=float(pen) * THICKNESS * (size / SIZE) ** 0.5
            )
            for position, picture in zip(here, drawn, strict=True):
                made[start + position] = prepare_beat_image(Image.fromarray(picture))
    return made


def examples(beats: Beats, *, variants: int, seed: int, quiet: bool = False) -> Examples:
    """Beats drawn once as recorded and ``variants`` times with augmentation."""
    rng = np.random.default_rng(seed)
    drawn = [
        pictures(beats, quiet=quiet),
        *(varied_pictures(beats, rng, quiet=quiet) for _ in range(variants)),
    ]
    return Examples(variants=np.stack(drawn, axis=1), classes=positions(beats.labels))
