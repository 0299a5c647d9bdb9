"""What is kept of a page beside the models' answers: its leads as a recording, what was measured, and the pictures of each step."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.contract import RecordingFindings
from ml.pages.digitise import DigitisedPage
from ml.pages.measures import PageMeasures
from ml.pages.preparation import PreparedPage
from ml.recordings import tiles

Store = Callable[[str, bytes], None]
# Name of a kept picture -> what it shows, in the order of the steps.
PICTURES = {
    "cropped": "Cropped to the traces, straight, upright; header, footer and date are left out",
    "grey": "Grey",
    "blurred": "Blurred a little (Gaussian, 0.7 pixels)",
    "binary": "Black and white at Otsu's threshold",
    "trace": "The digitised trace",
}
LEADS_OF = "leads-"  # before the name of a model: what every lead weighs in its answer
_WIDEST = 1800  # pixels
_TRACE = (0, 70, 220, 235)
_FINER = 2  # the trace is drawn so many times larger, then reduced: smooth edges
_GOOD = 0.6  # quality of a lead at which it counts as analysable


def page_findings(
    page: DigitisedPage,
    prepared: PreparedPage,
    measures: PageMeasures,
    *,
    sheet: int | None,
    looked: dict[str, Any] | None,
    lead_maps: Mapping[str, bytes],
    store: Store | None,
) -> RecordingFindings:
    """Everything but the models' answers.

    Args:
        page: the digitised page.
        prepared: the same page as models see it.
        measures: what was measured on its leads.
        sheet: number of the page in its document, from 1; None for a picture.
        looked: which seconds the twelve-lead model read and where it looked; None without its answer.
        lead_maps: WebP of what every lead weighs, by model.
        store: given name and bytes of pictures and of the signal's tiles; None keeps neither.
    """
    recording = page.recording()
    pictures = _keep_pictures(page, prepared, store) if store else []
    maps = _keep_maps(lead_maps, store) if store else []
    return RecordingFindings(
        leads=recording.leads,
        fs=recording.fs,
        samples=recording.samples,
        summary=_summary(page, prepared, measures, sheet)
        | {"twelve_leads": looked, "pictures": pictures, "lead_maps": maps},
        classes=(),
        beat_samples=b"",  # no model has named the beats of a page
        beat_classes=b"",
        beat_confidences=b"",
        beat_heat=b"",
        heat=None,
        signal=tiles.keep(recording, store) if store else {},
    )


def _summary(
    page: DigitisedPage, prepared: PreparedPage, measures: PageMeasures, sheet: int | None
) -> dict[str, Any]:
    """As of a recording, with ``page`` beside it; JSON types."""
    told, measured = page.as_json(), measures.as_json()
    seconds = told["seconds"]
    shares = {lead: judged["quality"] for lead, judged in told["leads"].items()}
    printed = np.isfinite(page.signals).any(axis=0)
    rate = measured["heart_rate"]
    nothing = dict.fromkeys(
        ("ventricular_percent", "ventricular_per_hour", "atrial_percent", "atrial_per_hour")
    )
    return {
        "format": "page",
        "leads": list(shares),
        "fs": page.fs,
        "seconds": seconds,
        "analysable_s": float(printed.mean()) * seconds if max(shares.values()) >= _GOOD else 0.0,
        "best_lead": max(shares, key=lambda lead: (shares[lead], lead == "II")),
        "lead_shares": shares,
        "unanalysable": [],
        "measures": {
            "heart_rate": {"mean_bpm": rate, "min_bpm": None, "max_bpm": None},
            "burden": {"beats": measured["beats"], "counts": {}} | nothing,
            "durations": measured["durations"],
            "median_of": None,
            "qtc": measured["qtc"],
            "axis_deg": measured["axis_deg"],
            "variability": None,
            "shapes": {},
            "bands": None,
            "episodes": [],
            "notes": [],
        },
        "warnings": told["notes"],
        "pacemaker": None,
        "started_at": None,
        "rhythm": None,
        "page": {
            "sheet": sheet,
            "layout": told["layout"],
            "mm_per_s": told["mm_per_s"],
            "mm_per_mv": told["mm_per_mv"],
            "calibrated": page.reading.pulse is not None,
            "scale_from": told["scale_from"],
            "upside_down": told["upside_down"],
            "limb_residual": told["limb_residual"],
            "px_per_mm": told["px_per_mm"],
            "threshold": prepared.threshold,
            "leads": told["leads"],
            "outside": told["outside"],
            "notes": told["notes"],
        },
    }


def _keep_pictures(page: DigitisedPage, prepared: PreparedPage, store: Store) -> list[dict[str, Any]]:
    """Store every picture of `PICTURES`; what the result page must know of each."""
    height, width = prepared.grey.shape
    factor = min(1.0, _WIDEST / width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    pixels = {
        "cropped": prepared.cropped,
        "grey": prepared.grey,
        "blurred": prepared.blurred,
        "binary": prepared.binary,
    }
    kept = []
    for name, caption in PICTURES.items():
        image = (
            _overlay(page, prepared, size)
            if name == "trace"
            else Image.fromarray(pixels[name]).resize(size, Image.Resampling.BOX)
        )
        file = f"{name}.webp"
        store(file, _webp(image, lossless=name in {"binary", "trace"}))
        kept.append({"name": name, "file": file, "caption": caption, "width": size[0], "height": size[1]})
    return kept


def _keep_maps(maps: Mapping[str, bytes], store: Store) -> list[dict[str, str]]:
    """Store what every lead weighs in each model's answer."""
    kept = []
    for model, data in maps.items():
        name = f"{LEADS_OF}{model}"
        store(f"{name}.webp", data)
        kept.append({"name": name, "file": f"{name}.webp", "model": model})
    return kept


def _overlay(page: DigitisedPage, prepared: PreparedPage, size: tuple[int, int]) -> Image.Image:
    """What was read of every lead, over the cropped page, on a transparent ground."""
    left, top = prepared.box[:2]
    factor = _FINER * size[0] / prepared.grey.shape[1]
    image = Image.new("RGBA", (_FINER * size[0], _FINER * size[1]), (*_TRACE[:3], 0))
    pen = ImageDraw.Draw(image)
    for trace in page.reading.traces:
        points = np.column_stack(((trace.x - left) * factor, (trace.y - top) * factor))
        for piece in _pieces(points):
            pen.line([(float(x), float(y)) for x, y in piece], fill=_TRACE, width=2 * _FINER, joint="curve")
    return image.resize(size, Image.Resampling.BOX)


def _pieces(points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The stretches of a line, shape (n, 2), without its gaps."""
    held = np.isfinite(points).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
    return [points[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def _webp(image: Image.Image, *, lossless: bool) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "WEBP", lossless=lossless, quality=70, method=2)
    return stream.getvalue()
