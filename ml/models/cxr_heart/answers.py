"""What the networks of ``cxr-heart`` answer to films that they have not seen; kept as soon as a training has answered."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.chest.eligible import shape_of
from ml.chest.measuring import VARIANTS, coarse, outlined, read
from ml.chest.ratio import HEART, LEFT_LUNG, RIGHT_LUNG, NotMeasurable, heart_size
from ml.models.chest_pictures.data import Films
from ml.models.chest_pictures.drawn import CHESTS, drawn_films
from ml.models.chest_pictures.folds import Run
from ml.models.cxr_heart.export import OutlineGraph
from ml.models.cxr_heart.fitting import BATCH, fit_members
from ml.models.cxr_heart.ways import Way

SHAPE_NAMES = (
    "right_lung_area", "left_lung_area", "heart_area", "lung_balance", "right_of_heart", "left_of_heart", "heart_below_lungs",
    "lungs_level", "certainty",
)  # fmt: skip
# Certainty is no reason to refuse: it falls on films of another site, and where outlines are unsure the error model gives no answer.
LIMITED = SHAPE_NAMES[:-1]
NEIGHBOURS = 5
_TAILS = (0.01, 0.99)  # of known films; what lies beyond may be where a network failed
_WIDER = 0.5  # of the range between, to each side: what the gate lets through
_HALFWAY = 0.5  # from the farthest known films to the nearest pictures that are no upright chest
_TURNED = 40  # known films that are turned and inverted to know such pictures


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Answers to films, in one order.

    Attributes:
        positions: which films, shape (n,).
        ratio: measured; NaN where a part was not found, shape (n,).
        apart: measured without joining pieces of the heart, shape (n,).
        spread: over the variants of each film, shape (n,).
        variants: ratio of each variant by itself, shape (n, 5).
        dice: overlap of right lung, left lung and heart with what was drawn, 0 to 1, shape (n, 3).
        shapes: the figures of `SHAPE_NAMES`, shape (n, 9).
        distance: of each embedding from those of the films learnt from: 0 as far as these are from each other, 1 as far as pictures that
            are no upright chest (`reach`), shape (n,).
    """

    positions: NDArray[np.int64]
    ratio: NDArray[np.float64]
    apart: NDArray[np.float64]
    spread: NDArray[np.float64]
    variants: NDArray[np.float64]
    dice: NDArray[np.float64]
    shapes: NDArray[np.float64]
    distance: NDArray[np.float64]


def together(parts: list[Answers]) -> Answers:
    """Answers of several trainings as one."""
    return Answers(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in dataclasses.fields(Answers)
        }
    )


def picked(answers: Answers, chosen: NDArray[np.bool_]) -> Answers:
    """The answers about some of the films."""
    return Answers(
        **{field.name: getattr(answers, field.name)[chosen] for field in dataclasses.fields(Answers)}
    )


def gate_limits(parts: list[Answers], reach: tuple[float, float] = (0.0, 1.0)) -> dict[str, Any]:
    """Limits of what counts as a frontal chest film: a contract's ``gate``.

    Args:
        parts: answers to films that were not learnt from.
        reach: of the network whose gate it is; by default distances are told by it, as in `Answers`.
    """
    every = together(parts)
    shape = {}
    for place, name in enumerate(LIMITED):
        values = every.shapes[np.isfinite(every.shapes[:, place]), place]
        low, high = (float(edge) for edge in np.quantile(values, _TAILS))
        margin = _WIDER * (high - low)
        shape[name] = {"low": round(low - margin, 4), "high": round(high + margin, 4)}
    near, far = reach
    return {
        "neighbours": NEIGHBOURS,
        "max_distance": round(near + _HALFWAY * (far - near), 4),
        "shape": shape,
    }


def refused(answers: Answers, limits: dict[str, Any]) -> NDArray[np.bool_]:
    """Which films the gate with these limits refuses, shape (n,)."""
    low, high = (np.array([limits["shape"][name][side] for name in LIMITED]) for side in ("low", "high"))
    shapes = answers.shapes[:, : len(LIMITED)]
    inside = (shapes >= low) & (shapes <= high)
    return np.asarray((answers.distance > limits["max_distance"]) | ~inside.all(axis=1))


def embeddings_of(graph: OutlineGraph, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embeddings of length one, shape (n, 128)."""
    parts = [graph.call(pictures[i : i + BATCH])["embedding"].numpy() for i in range(0, len(pictures), BATCH)]
    return np.concatenate(parts)


def distances(
    embeddings: NDArray[np.float32], reference: NDArray[np.float32], *, own: bool = False
) -> NDArray[np.float64]:
    """Mean distance of each embedding from its nearest references, shape (n,).

    Args:
        embeddings: of length one, shape (n, d).
        reference: of length one, shape (m, d).
        own: whether each is among the references and must not count itself.
    """
    gaps = np.sqrt(np.maximum(2.0 - 2.0 * embeddings @ reference.T, 0.0))
    nearest = np.sort(gaps, axis=1)[:, int(own) : NEIGHBOURS + int(own)]
    return np.asarray(nearest.mean(axis=1), dtype=np.float64)


def reach(
    graph: OutlineGraph, pictures: NDArray[np.uint8], known: NDArray[np.float32]
) -> tuple[float, float]:
    """How far nearly all known films are from each other, and how far nearly all pictures are that are no upright chest.

    Such pictures are known films on a side, upside down and negative, and the drawn lateral chests and limbs: nothing of another site is
    needed.

    Args:
        graph: the network.
        pictures: films that it learnt from, shape (m, 256, 256, 1).
        known: their embeddings, shape (m, 128).
    """
    some = pictures[:: max(1, len(pictures) // _TURNED)]
    wrong = [np.rot90(some, axes=(1, 2)), some[:, ::-1], 255 - some, drawn_films()[0][CHESTS:]]
    far = distances(embeddings_of(graph, np.concatenate(wrong)), known)
    return float(np.quantile(distances(known, known, own=True), _TAILS[1])), float(
        np.quantile(far, _TAILS[0])
    )


def overlap(found: NDArray[np.integer], drawn: NDArray[np.integer]) -> list[float]:
    """Dice of right lung, left lung and heart."""
    return [
        2.0
        * float(((found == part) & (drawn == part)).sum())
        / max(int((found == part).sum() + (drawn == part).sum()), 1)
        for part in (RIGHT_LUNG, LEFT_LUNG, HEART)
    ]


def answer(members: Sequence[keras.Model], films: Films, run: Run) -> Answers:
    """Answer the films of a training that its networks have not seen."""
    graph = OutlineGraph(members)
    count = len(run.asked)
    found = Answers(
        positions=run.asked,
        ratio=np.full(count, np.nan),
        apart=np.full(count, np.nan),
        spread=np.full(count, np.nan),
        variants=np.full((count, VARIANTS), np.nan),
        dice=np.zeros((count, 3)),
        shapes=np.full((count, len(SHAPE_NAMES)), np.nan),
        distance=np.full(count, np.nan),
    )
    for row, place in enumerate(tqdm(run.asked, desc=f"{run.name} answers")):
        try:
            reading = read(films.pictures[place], lambda pictures: graph.call(pictures)["shares"].numpy())
        except NotMeasurable:
            continue
        found.ratio[row], found.spread[row], found.variants[row] = (
            reading.size.ratio,
            reading.spread,
            reading.ratios,
        )
        found.apart[row] = heart_size(outlined(reading.shares, gap=0.0)).ratio
        found.dice[row] = overlap(coarse(reading.shares), films.masks[place])
        shape = shape_of(reading.shares.argmax(axis=-1), reading.shares.max(axis=-1))
        if shape is not None:
            found.shapes[row] = [shape[name] for name in SHAPE_NAMES]
    known = embeddings_of(graph, films.pictures[run.learn])
    near, far = reach(graph, films.pictures[run.learn], known)
    found.distance[:] = (distances(embeddings_of(graph, films.pictures[run.asked]), known) - near) / (
        far - near
    )
    return found


def answers_of(films: Films, run: Run, *, way: Way, epochs: int, seed: int, folder: Path) -> Answers:
    """The answers of a training; both are done only where they are not kept yet.

    Args:
        films: all films.
        run: which training.
        way: how the network is made and taught.
        epochs: of the training.
        seed: of the training.
        folder: where trainings and answers are kept.
    """
    kept = folder / f"{run.name}-of-{run.members}.npz"
    if not kept.exists():
        members = fit_members(films, run, way, epochs=epochs, seed=seed, folder=folder)
        found = answer(members, films, run)
        np.savez(kept, **{field.name: getattr(found, field.name) for field in dataclasses.fields(Answers)})
    with np.load(kept) as arrays:
        return Answers(**{name: arrays[name] for name in arrays.files})
