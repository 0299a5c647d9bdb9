"""How well the gate tells pictures of one heartbeat from everything else."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.datasets
from numpy.typing import NDArray
from PIL import Image

from ml.contract import Outcome
from ml.datasets.simulated import as_png, bad_input
from ml.preprocessing.beat_image import examine_beat_image
from ml.preprocessing.render import render_traces
from ml.serving.analysis import answer_prepared
from ml.serving.session import Member

KINDS = ("blank", "flat", "noise", "text", "photo", "shapes", "page")
PER_KIND = 40
_EDGES = (96, 200, 320, 640)
_TILE = 160


def _curves(kind: str, rng: np.random.Generator) -> bytes:
    """A line that is no ECG: a stock chart (random walk), a saw tooth, a pure sine, or steps."""
    at = np.linspace(0.0, 1.0, 257)
    turns = rng.uniform(1.0, 9.0)
    shapes: dict[str, NDArray[np.float64]] = {
        "random walk": np.cumsum(rng.normal(0.0, 1.0, at.size)),
        "saw tooth": (at * turns) % 1.0,
        "sine": np.sin(2.0 * np.pi * turns * at),
        "steps": np.repeat(rng.normal(0.0, 1.0, 16), 17)[: at.size],
    }
    return as_png(Image.fromarray(render_traces(shapes[kind][None], size=int(rng.choice(_EDGES)))[0]))


def _photographs() -> list[bytes]:
    """Tiles of the sample photographs that scikit-learn brings along."""
    tiles = []
    for name in ("china.jpg", "flower.jpg"):
        photo = Image.open(
            io.BytesIO((Path(sklearn.datasets.__file__).parent / "images" / name).read_bytes())
        )
        corners = itertools.product(
            range(0, photo.width - _TILE + 1, _TILE), range(0, photo.height - _TILE + 1, _TILE)
        )
        tiles += [as_png(photo.crop((left, top, left + _TILE, top + _TILE))) for left, top in corners]
    return tiles


def measure_gate(opened: Member, beats: NDArray[np.uint8], *, seed: int) -> dict[str, Any]:
    """Rates at which the gate refuses held-out beats and pictures that are no heartbeat.

    Args:
        opened: the served model.
        beats: pictures of held-out beats, shape (n, 64, 64), 0 to 255.
        seed: seed of the made pictures.

    Returns:
        JSON types: ``beats_refused`` (part of the beats that get no answer), ``beats``, and ``others_refused`` by kind.
    """

    def refused(pictures: list[bytes] | list[Image.Image]) -> float:
        outcomes = Counter(
            answer_prepared(opened, examine_beat_image(picture))["outcome"] for picture in pictures
        )
        return round((outcomes[Outcome.NOT_ELIGIBLE] + outcomes[Outcome.POOR_INPUT]) / len(pictures), 4)

    rng = np.random.default_rng(seed)
    others = {
        kind: refused([bad_input(kind, seed=seed + i, edge=_EDGES[i % len(_EDGES)]) for i in range(PER_KIND)])
        for kind in KINDS
    }
    others["photographs"] = refused(_photographs())
    for kind in ("random walk", "saw tooth", "sine", "steps"):
        others[kind] = refused([_curves(kind, rng) for _ in range(PER_KIND)])
    return {
        "beats": len(beats),
        "beats_refused": refused([Image.fromarray(beat) for beat in beats]),
        "others_refused": others,
    }
