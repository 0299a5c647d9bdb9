"""From a straightened page to the answers of every page model: side by side, the fusion of three of them last."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml import registry
from ml.contract import ModelResult, Outcome, as_percent
from ml.pages.reasons import UnusablePage
from ml.preprocessing.page_image import HEIGHT, VERSION, WIDTH, PageImage, page_image
from ml.serving.analysis import calibrated, prediction_set
from ml.serving.gate import Refusal
from ml.serving.signals import SignalMember, signal_member
from ml.serving.unanswered import unanswered
from ml.threads import SIDE_BY_SIDE

if TYPE_CHECKING:
    from ml.pages.reading import Reading
    from ml.pages.rectify import StraightPage

KIND = "page"
FUSION = "page-fusion"
WINDOW = "window"  # the input of a model that reads the leads
CODE_VERSION = f"{VERSION}+serving-2"
_HEAT_WIDTH = 256
_READABLE = {
    "Normal ECG": "a normal ECG",
    "Abnormal heartbeat": "an abnormal heartbeat",
    "Myocardial infarction": "myocardial infarction",
    "History of MI": "an infarction in the past",
}


@functools.cache
def page_models() -> tuple[str, ...]:
    """Names of the installed page models, the fusion last."""
    names = [one.name for one in registry.contracts() if one.input.get("kind") == KIND]
    return tuple(sorted(names, key=lambda name: (name == FUSION, name)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Given:
    """What a network gave for one page: logits (c,), maps (c, h, w), and what the fusion needs; and milliseconds."""

    logits: NDArray[np.float32]
    cam: NDArray[np.float32]
    embedding: NDArray[np.float32] | None
    evidence: NDArray[np.float32] | None
    duration_ms: float


def answer_page(
    page: StraightPage,
    reading: Reading,
    *,
    input_sha256: str = "",
    models: tuple[str, ...] | None = None,
    box: tuple[int, int, int, int] | None = None,
) -> tuple[ModelResult, ...]:
    """Let the page models answer.

    Args:
        page: as `ml.pages.digitise.DigitisedPage.page` or `ml.pages.digitise.oriented_page` gives it.
        reading: of the same page.
        input_sha256: hash of the file that the page comes from, for the results.
        models: names; all installed page models if None.
        box: left, top, right and bottom of the part of ``page.image`` that the heatmaps cover, pixels, for example
            `ml.pages.preparation.PreparedPage.box`; all of it if None.

    Returns:
        One result per model, the fusion last. ``heatmap_png`` lies over the box, in its proportions, 256 pixels wide.

    Raises:
        TamperedArtefactError: when a model's files are not the ones that were measured.
    """
    height, width = page.inside.shape
    covered = in_mm(box or (0, 0, width, height), page)
    return answer_prepared(page_image(page, reading), covered, input_sha256=input_sha256, models=models)


def in_mm(box: tuple[int, int, int, int], page: StraightPage) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in millimetres of a box in pixels of a straightened page."""
    left, top, right, bottom = (value / page.scale for value in box)
    return left, top, right, bottom


def answer_prepared(
    prepared: PageImage,
    covered: tuple[float, float, float, float],
    *,
    input_sha256: str = "",
    models: tuple[str, ...] | None = None,
) -> tuple[ModelResult, ...]:
    """Answers to a prepared page.

    Args:
        prepared: as `ml.preprocessing.page_image.page_image` gives it.
        covered: left, top, right and bottom of what the heatmaps cover, millimetres on the straightened page.
        input_sha256: hash of the file that the page comes from.
        models: names; all installed page models if None.

    Raises:
        ValueError: when a model reads the leads, and `prepared` has none.
    """
    wanted = page_models() if models is None else models
    members = signal_member(FUSION).contract.training["members"] if FUSION in wanted else ()
    names = list(dict.fromkeys((*members, *(one for one in wanted if one != FUSION))))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        given = pool.map(lambda name: _ask(signal_member(name), prepared), names)
        asked = dict(zip(names, given, strict=True))
    if FUSION in wanted:
        asked[FUSION] = _fuse(_whole_fusion(), asked)
    return tuple(
        _decided(signal_member(name), asked[name], prepared, covered, input_sha256) for name in wanted
    )


@functools.cache
def _whole_fusion() -> SignalMember:
    """The fusion, whose members are the ones that it was trained with.

    Raises:
        TamperedArtefactError: when a member was trained anew without it.
    """
    opened = signal_member(FUSION)
    for name, sha256 in opened.contract.training["members"].items():
        if signal_member(name).contract.weights_sha256 != sha256:
            raise registry.TamperedArtefactError(
                f"{FUSION} {opened.contract.version} joins other weights of {name} than are installed; train {FUSION} again"
            )
    return opened


def _ask(opened: SignalMember, prepared: PageImage) -> _Given:
    """Run one network on one page: on its picture, or on its leads."""
    started = time.perf_counter()
    name = opened.session.get_inputs()[0].name
    given = prepared.leads if name == WINDOW else prepared.pixels
    if given is None:
        raise ValueError(f"{opened.contract.name} reads the leads of a page, and none were followed")
    names = ["logits", "cam", "embedding", "evidence"]
    logits, cam, embedding, evidence = opened.session.run(names, {name: given[None]})
    return _Given(
        logits=logits[0],
        cam=cam[0],
        embedding=embedding,
        evidence=evidence,
        duration_ms=(time.perf_counter() - started) * 1000.0,
    )


def _fuse(opened: SignalMember, asked: dict[str, _Given]) -> _Given:
    """Run the head over what its members gave; the time is theirs, too."""
    started = time.perf_counter()
    members = opened.contract.training["members"]
    fields = {}
    for name in members:
        key = name.replace("-", "_")
        fields[f"embedding_{key}"] = asked[name].embedding
        fields[f"evidence_{key}"] = asked[name].evidence
    logits, cam = opened.session.run(["logits", "cam"], fields)
    own = (time.perf_counter() - started) * 1000.0
    return _Given(
        logits=logits[0],
        cam=cam[0],
        embedding=None,
        evidence=None,
        duration_ms=own + sum(asked[name].duration_ms for name in members),
    )


def _decided(
    opened: SignalMember,
    given: _Given,
    prepared: PageImage,
    covered: tuple[float, float, float, float],
    input_sha256: str,
) -> ModelResult:
    """A prediction, or an abstention when the confidence is below the model's threshold."""
    contract = opened.contract
    shares = calibrated(contract, given.logits)
    top = int(shares.argmax())
    label, confidence = contract.labels[top], float(shares[top])
    chosen = prediction_set(contract, shares)
    sure = confidence >= contract.abstention_threshold
    if sure:
        message = (
            f"The page is most like {_READABLE.get(label, label)} ({as_percent(confidence)} probability)."
        )
    else:
        named = ", ".join(_READABLE.get(one, one) for one in chosen)
        message = f"The model is not sure enough to name one class; compatible with: {named}. Please read the page yourself."
    return ModelResult(
        model=contract.name,
        version=contract.version,
        weights_sha256=contract.weights_sha256,
        outcome=Outcome.PREDICTED if sure else Outcome.ABSTAINED,
        label=label if sure else None,
        confidence=confidence if sure else None,
        probabilities={name: float(share) for name, share in zip(contract.labels, shares, strict=True)},
        prediction_set=chosen,
        threshold=contract.abstention_threshold,
        reason_code=None if sure else "low_confidence",
        message=message,
        heatmap_png=heat_png(given.cam[top], prepared, covered),
        duration_ms=given.duration_ms,
        input_sha256=input_sha256,
        code_version=CODE_VERSION,
        device=opened.device["name"],
    )


def heat_by_lead(activation: NDArray[np.float32], prepared: PageImage) -> dict[str, float]:
    """How much of a map lies on each lead, 0 to 1, summing to 1; empty when the map is zero everywhere.

    Args:
        activation: shape (h, w), 0 and above, over the prepared picture.
        prepared: the page.
    """
    full = _enlarged(activation)
    if full.sum() <= 0.0:
        return {}
    heat: dict[str, float] = {}
    for piece in prepared.placed:
        left, top, right, bottom = piece.target
        heat[piece.lead] = heat.get(piece.lead, 0.0) + float(full[top:bottom, left:right].sum())
    total = sum(heat.values())
    return {lead: value / total for lead, value in heat.items()} if total > 0 else {}


def _enlarged(activation: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map as large as the prepared picture."""
    return np.asarray(Image.fromarray(activation).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))


def heat_png(
    activation: NDArray[np.float32], prepared: PageImage, covered: tuple[float, float, float, float]
) -> bytes | None:
    """A class activation map as an 8-bit grey PNG over the straightened page: every piece goes back to where it was cut.

    Args:
        activation: shape (h, w), 0 and above, over the prepared picture.
        prepared: the page.
        covered: left, top, right and bottom of what the PNG covers, millimetres on the straightened page.

    Returns:
        PNG, 0 (none, and what no model saw) to 255 (most); None when the map is zero everywhere: no positive evidence.
    """
    peak = float(activation.max())
    if not np.isfinite(peak) or peak <= 0.0:
        return None
    full = _enlarged(activation / peak)
    left, top, right, bottom = covered
    scale = _HEAT_WIDTH / (right - left)
    result = np.zeros((max(1, round((bottom - top) * scale)), _HEAT_WIDTH), dtype=np.float32)
    for piece in prepared.placed:
        x0, y0, x1, y1 = piece.target
        at = [
            round((value - edge) * scale)
            for value, edge in zip(piece.source, (left, top, left, top), strict=True)
        ]
        size = (at[2] - at[0], at[3] - at[1])
        if min(size) < 1:
            continue
        part = np.asarray(Image.fromarray(full[y0:y1, x0:x1]).resize(size, Image.Resampling.BILINEAR))
        inner = (max(0, at[0]), max(0, at[1]), min(_HEAT_WIDTH, at[2]), min(len(result), at[3]))
        if inner[2] <= inner[0] or inner[3] <= inner[1]:
            continue
        seen = part[inner[1] - at[1] : inner[3] - at[1], inner[0] - at[0] : inner[2] - at[0]]
        place = result[inner[1] : inner[3], inner[0] : inner[2]]
        np.maximum(place, seen, out=place)  # rows that stand close overlap
    stream = io.BytesIO()
    Image.fromarray(np.rint(np.clip(result, 0.0, 1.0) * 255.0).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def answer_picture(name: str, data: bytes) -> dict[str, Any]:
    """What a page model answers to the bytes of a picture, as JSON types; a page that cannot be read gives the reason.

    Args:
        name: of the model.
        data: a picture file.

    Raises:
        ModelNotFoundError: when no model has that name.
        TamperedArtefactError: when a file of the model is not the one that was measured.
    """
    from ml.pages.digitise import oriented_page
    from ml.pages.picture import open_picture

    sha256 = hashlib.sha256(data).hexdigest()
    try:
        page, reading, _ = oriented_page(open_picture(data))
    except UnusablePage as refusal:
        opened, why = signal_member(name), Refusal(Outcome.POOR_INPUT, refusal.reason_code, refusal.message)
        return unanswered(
            opened.contract,
            why,
            input_sha256=sha256,
            code_version=CODE_VERSION,
            device=opened.device["name"],
        ).as_json()
    (result,) = answer_page(page, reading, input_sha256=sha256, models=(name,))
    return result.as_json()
