"""How well the gate of ``cxr-heart`` tells frontal chest films from everything else that could be sent as one."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.chest.reasons import NotEligible
from ml.datasets.simulated_chest import draw_chest, draw_lateral, draw_limb
from ml.models.chest_pictures.data import Films
from ml.models.cxr_heart import answers as hearts
from ml.models.cxr_heart.answers import Answers
from ml.preprocessing.chest_image import prepare_chest
from ml.serving.chest import read_film
from ml.serving.signals import SignalMember

PER_KIND = 20
_SEED = 90_000  # far from the drawn films that were learnt from
PROTOCOL = (
    "The gate by the picture alone (all tags would have let it through). Other patients of known sites are judged by the networks of four "
    "fifths of both sites, with limits from answers of the sites' networks about other films, as the shipped limits are made; films of a "
    "site never seen by the network of the other site, with limits from held-out answers about films of its own site; all else by the "
    "shipped weights, which learnt from the real films themselves; drawn ones have other seeds than in training."
)


def _photographs() -> Iterator[NDArray[np.uint8]]:
    """Tiles of the sample photographs that scikit-learn brings along."""
    for name in ("china.jpg", "flower.jpg"):
        with (importlib.resources.files("sklearn.datasets") / "images" / name).open("rb") as file:
            photo = np.asarray(Image.open(file).convert("L"))
        for top in range(0, photo.shape[0] - 200, 200):
            for left in range(0, photo.shape[1] - 200, 200):
                yield photo[top : top + 200, left : left + 200]


def _others() -> dict[str, list[NDArray[Any]]]:
    """Pictures that must be refused, and drawn chests that must not, by kind."""
    rng = np.random.default_rng(_SEED)
    seeds = range(_SEED, _SEED + PER_KIND)
    chests = [draw_chest(seed=seed, ratio=float(rng.uniform(0.38, 0.68))).grey for seed in seeds]
    return {
        "drawn chests": list(chests),
        "drawn lateral chests": [draw_lateral(seed=seed) for seed in seeds],
        "drawn limbs": [draw_limb(seed=seed) for seed in seeds],
        "drawn chests on a side": [np.rot90(chest) for chest in chests],
        "drawn chests upside down": [chest[::-1] for chest in chests],
        "noise": [rng.integers(0, 256, (256, 256), dtype=np.uint8) for _ in seeds],
        "photographs": list(_photographs()),
    }


def measure_gate(
    opened: SignalMember, films: Films, within: list[Answers], across: list[Answers]
) -> dict[str, Any]:
    """Numbers of pictures that the gate refuses, by kind.

    Args:
        opened: the served ``cxr-heart``.
        films: the real films.
        within: answers of the five folds of both sites.
        across: answers to each site by the network of the other.
    """
    shown: dict[str, list[NDArray[Any]]] = {"real films": [one[..., 0] for one in films.pictures[::4]]}
    step = max(1, len(films) // PER_KIND)
    shown["real films on a side"] = [np.rot90(one[..., 0]) for one in films.pictures[::step]]
    shown["real films upside down"] = [one[::-1, :, 0] for one in films.pictures[::step]]
    shown["real films, negative"] = [255 - one[..., 0] for one in films.pictures[::step]]
    found = {
        kind: {"shown": len(pictures), "refused": sum(_is_refused(opened, one) for one in pictures)}
        for kind, pictures in (shown | _others()).items()
    }
    sites, known = hearts.together(across), hearts.together(within)
    held_out = {
        "real films, other patients of known sites": _held_out(
            [(one, _without(sites, one)) for one in within]
        ),
        "real films, a site never seen": _held_out([(one, _without(known, one)) for one in across]),
    }
    return {"protocol": PROTOCOL, "refused": held_out | found}


def _without(answers: Answers, films: Answers) -> Answers:
    """The answers that are not about films of another training's answers."""
    return hearts.picked(answers, ~np.isin(answers.positions, films.positions))


def _held_out(asked: list[tuple[Answers, Answers]]) -> dict[str, int]:
    """Numbers of real films that a gate refuses: answers, and those that its limits come from."""
    refusals = [hearts.refused(one, hearts.gate_limits([others])) for one, others in asked]
    return {"shown": sum(map(len, refusals)), "refused": int(sum(one.sum() for one in refusals))}


def _is_refused(opened: SignalMember, picture: NDArray[Any]) -> bool:
    try:
        read_film(opened, prepare_chest(picture))
    except NotEligible:
        return True
    return False
