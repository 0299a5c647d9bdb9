"""Whether the answers about a page hold when it is changed a little, and how much every lead weighs in them.

Both ask the networks again, about copies of the prepared page. Nothing here looks inside a network: what a lead weighs is how far the
probability of the answer falls when its ink is taken away (occlusion; Zeiler and Fergus, "Visualizing and Understanding Convolutional
Networks", 2014). Leads say much of the same, so that one alone may weigh little although the answer rests on several. A model that reads
the leads is given them as they were followed on the page itself: following them on every copy would take a second, so that its own
answer never changes there.
"""

from __future__ import annotations

import dataclasses
import io
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.contract import ModelResult, as_percent
from ml.pages.stability import VARIANTS, Variant, judged
from ml.preprocessing.page_image import PX_PER_MM, ROW_MM, PageImage, relaid
from ml.preprocessing.page_source import PageSource
from ml.recordings.leads import TWELVE
from ml.serving.analysis import calibrated
from ml.serving.page_models import FUSION, WINDOW, heat_png
from ml.serving.signals import signal_member
from ml.threads import SIDE_BY_SIDE

# Preparation evens out the contrast of every page: paler and darker copies would say nothing.
CHANGES = tuple(variant for variant in VARIANTS if variant.contrast == 1.0)
# Opinions beside those that the fusion joins: asked about the page alone, for eighteen pictures more of each would cost half a second.
ASKED_ONCE = frozenset({"page-efficientnet", "page-efficientnet-lstm"})
_AT_ONCE = 3  # pages; a batch of all of them would take a gigabyte
_Batches = dict[str, list[Future[list[NDArray[np.float32]]]]]  # what is being asked, by model


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAnswers:
    """Answers with what the checks found.

    Attributes:
        results: as given; but in those of `ASKED_ONCE` ``explanation`` holds ``stability`` (see `ml.pages.stability.Stability.as_json`)
            and ``leads``: ``label``, ``probability``, ``falls_by`` (of every lead, how far that probability falls without it, -1 to 1)
            and ``message``.
        maps: lead weights as a WebP over the page, by model: 0 (none) to 255 (most); none where no lead weighs for the answer.
    """

    results: tuple[ModelResult, ...]
    maps: dict[str, bytes]


NOTHING_CHECKED = CheckedAnswers(results=(), maps={})


def check_answers(
    results: tuple[ModelResult, ...],
    source: PageSource,
    prepared: PageImage,
    covered: tuple[float, float, float, float],
) -> CheckedAnswers:
    """Check the answers of page models.

    Args:
        results: as `ml.serving.page_models.answer_prepared` gives them.
        source: of the page that they are about.
        prepared: the same as the models saw it, with its leads.
        covered: left, top, right and bottom of what the maps cover, millimetres on the straightened page.

    Raises:
        ValueError: when the leads of `prepared` were not followed.
    """
    if not results:
        return NOTHING_CHECKED
    if prepared.leads is None:
        raise ValueError("the leads of the page were not followed")
    leads = tuple(lead for lead in TWELVE if any(piece.lead == lead for piece in prepared.placed))
    again = tuple(result for result in results if result.model not in ASKED_ONCE)
    names, followed = _slowest_first(again), prepared.leads
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        blanked = _begun(
            pool,
            names,
            [without(prepared, lead) for lead in leads],
            [without_lead(followed, lead) for lead in leads],
        )
        # Laid while the networks are busy with the others.
        copies = [relaid(altered(source, variant)).pixels for variant in CHANGES]
        changed = _begun(pool, names, copies, [followed] * len(copies))
        fallen, turned = (_shares(again, asked) for asked in (blanked, changed))
    told, maps = [], {}
    for result in results:
        if result.model in ASKED_ONCE:
            told.append(result)
            continue
        labels = signal_member(result.model).contract.labels
        own = np.array([result.probabilities[label] for label in labels])
        stability = judged(np.vstack([own, turned[result.model]]), labels=labels, variants=CHANGES)
        top = int(own.argmax())
        falls = dict(zip(leads, own[top] - fallen[result.model][:, top], strict=True))
        weights = _weights(labels[top], float(own[top]), falls)
        told.append(
            dataclasses.replace(result, explanation={"stability": stability.as_json(), "leads": weights})
        )
        shown = heat_png(_painted(prepared, falls), prepared, covered)
        if shown is not None:
            maps[result.model] = _webp(shown)
    return CheckedAnswers(results=tuple(told), maps=maps)


def altered(source: PageSource, variant: Variant) -> PageSource:
    """A page that is a little cut, or that was straightened a little wrongly; its leads are looked for in the same places.

    Args:
        source: the page.
        variant: a change without contrast; parts to cut are those of the traces' width and height.
    """
    scale, half = 2 * PX_PER_MM, ROW_MM / 2.0
    ink = source.ink
    if variant.turn:
        ink = np.asarray(Image.fromarray(ink).rotate(-variant.turn, Image.Resampling.BILINEAR))
    left, right = min(box.left for box in source.boxes), max(box.right for box in source.boxes)
    top = min(box.baseline for box in source.boxes) - half
    bottom = max(box.baseline for box in source.boxes) + half
    kept = np.zeros_like(ink)
    rows = slice(
        max(0, round((top + variant.crop[1] * (bottom - top)) * scale)),
        max(0, round((bottom - variant.crop[3] * (bottom - top)) * scale)),
    )
    columns = slice(
        max(0, round((left + variant.crop[0] * (right - left)) * scale)),
        max(0, round((right - variant.crop[2] * (right - left)) * scale)),
    )
    kept[rows, columns] = ink[rows, columns]
    return dataclasses.replace(source, ink=kept)


def without(prepared: PageImage, lead: str) -> NDArray[np.uint8]:
    """The picture without the ink of a lead, its strip included, shape (256, 512, 1)."""
    pixels = prepared.pixels.copy()
    for piece in prepared.placed:
        if piece.lead == lead:
            left, top, right, bottom = piece.target
            pixels[top:bottom, left:right] = 0
    return pixels


def without_lead(followed: NDArray[np.float32], lead: str) -> NDArray[np.float32]:
    """The leads of a page, shape (250, 12), without one of them: as one that could not be followed."""
    result = followed.copy()
    result[:, TWELVE.index(lead)] = 0.0
    return result


def _slowest_first(results: tuple[ModelResult, ...]) -> list[str]:
    """The networks that these answers need, the members of the fusion among them; begun in this order, threads end together."""
    took = {result.model: result.duration_ms for result in results}
    members = signal_member(FUSION).contract.training["members"] if FUSION in took else ()
    names = dict.fromkeys((*members, *(name for name in took if name != FUSION)))
    return sorted(names, key=lambda name: -took.get(name, 0.0))


def _begun(
    pool: ThreadPoolExecutor,
    names: list[str],
    pixels: list[NDArray[np.uint8]],
    leads: list[NDArray[np.float32]],
) -> _Batches:
    """Have networks asked about prepared pages: for logits, embeddings and evidence."""
    outputs = ["logits", "embedding", "evidence"]
    asked: _Batches = {}
    for name in names:
        session = signal_member(name).session
        given = session.get_inputs()[0].name
        pages = np.stack(leads if given == WINDOW else pixels)
        parts = [{given: pages[at : at + _AT_ONCE]} for at in range(0, len(pages), _AT_ONCE)]
        asked[name] = [pool.submit(session.run, outputs, part) for part in parts]
    return asked


def _shares(results: tuple[ModelResult, ...], asked: _Batches) -> dict[str, NDArray[np.float64]]:
    """Calibrated probabilities by the models of these answers, each shape (n, classes), when all are there."""
    logits: dict[str, NDArray[np.float32]] = {}
    joined: dict[str, NDArray[np.float32]] = {}
    for name, batches in asked.items():
        parts = zip(*(batch.result() for batch in batches), strict=True)
        logits[name], embedding, evidence = (np.concatenate(part) for part in parts)
        key = name.replace("-", "_")
        joined |= {f"embedding_{key}": embedding, f"evidence_{key}": evidence}
    names = [result.model for result in results]
    if FUSION in names:
        fusion = signal_member(FUSION).session
        (logits[FUSION],) = fusion.run(
            ["logits"], {given.name: joined[given.name] for given in fusion.get_inputs()}
        )
    return {
        name: np.stack([calibrated(signal_member(name).contract, one) for one in logits[name]])
        for name in names
    }


def _weights(label: str, probability: float, falls: dict[str, Any]) -> dict[str, Any]:
    """What every lead weighs, as JSON types, and a sentence."""
    most = max(falls, key=lambda lead: falls[lead])
    without_it = probability - float(falls[most])
    if falls[most] <= 0.0:
        message = f"No lead alone carries the answer: without any one of them {label} is as probable or more."
    else:
        message = (
            f"{most} weighs most: without it the probability of {label} falls from {as_percent(probability)} to "
            f"{as_percent(without_it)}."
        )
    return {
        "label": label,
        "probability": round(probability, 4),
        "falls_by": {lead: round(float(value), 4) for lead, value in falls.items()},
        "message": message,
    }


def _painted(prepared: PageImage, falls: dict[str, Any]) -> NDArray[np.float32]:
    """The weight of each lead over its places on the prepared picture; what speaks against the answer is left out."""
    result = np.zeros(prepared.pixels.shape[:2], dtype=np.float32)
    for piece in prepared.placed:
        left, top, right, bottom = piece.target
        result[top:bottom, left:right] = max(0.0, float(falls.get(piece.lead, 0.0)))
    return result


def _webp(png: bytes) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(png)).save(stream, "WEBP", lossless=True, method=2)
    return stream.getvalue()
