"""A made-up study behind the addresses of the viewer, answered from memory: the viewer's page without server or database."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "http://viewer.test"
STUDY = "/dicom/studies/s1/viewer.json"
FRAME = re.compile(r"/dicom/instances/(\w+)/frames/(\d+)\.(raw|png)")
ROWS, COLUMNS = 200, 300
TISSUE, AIR = 1064, 24  # stored values; 1024 less in Hounsfield units
DAMAGED = "The image in the object is damaged: it breaks off. Export it again from the PACS."
STYLES = ("tokens", "base", "components", "dicom", "layout")
RAMP = np.tile(np.arange(COLUMNS, dtype="<u2") * 10, (ROWS, 1))


def instance(pk: str, **said: Any) -> dict[str, Any]:
    """What the server says of an instance."""
    given = {"pk": pk, "number": 1, "frames": 1, "rows": ROWS, "columns": COLUMNS, "spacing_mm": None, "spacing_kind": None,
             "windows": [], "photometric": "MONOCHROME2", "frame_ms": None, "overlays": []}  # fmt: skip
    return given | said


def series(number: int, modality: str, description: str, *instances: dict[str, Any]) -> dict[str, Any]:
    """What the server says of a series."""
    return {
        "pk": f"series{number}",
        "number": number,
        "modality": modality,
        "description": description,
        "instances": list(instances),
    }


def study() -> dict[str, Any]:
    """An X-ray with a window, an ultrasound cine in colour, three slices of a CT, and an X-ray of the year before."""
    xray = instance(
        "xray", spacing_mm=[0.5, 0.25], spacing_kind="detector", windows=[[1500.5, 1001]], photometric="MONOCHROME1",
        overlays=[{"name": name, "url": f"/overlay/{name}.png"} for name in ("heat", "outlines", "mask")],
    )  # fmt: skip
    slices = [instance(f"ct{i}", number=i, spacing_mm=[2.0, 1.0], spacing_kind="patient") for i in (1, 2, 3)]
    before = series(1, "DX", "PA, the year before", instance("before", windows=[[1000, 500]]))
    return {
        "study": {"pk": "s1", "description": "Chest <b>PA</b>", "date": "2026-02-03"},
        "series": [
            series(1, "DX", "PA <img src=x onerror=alert(1)>", xray),
            series(2, "US", "Four chambers", instance("cine", frames=6, frame_ms=40.0, photometric="RGB")),
            series(3, "CT", "", *slices),
        ],
        "prior": {"study": {"pk": "s0", "description": "Chest", "date": "2025-01-02"}, "series": [before]},
    }


def values(pk: str, frame: int) -> np.ndarray:
    """The stored values of a frame; each frame of the cine has a grey of its own, each slice a square of tissue in another place."""
    if pk == "cine":
        return np.full((ROWS, COLUMNS, 3), (40 * frame, 10, 200), dtype=np.uint8)
    if pk.startswith("ct"):
        slice_ = np.full((ROWS, COLUMNS), AIR, dtype="<i2")
        slice_[20 * int(pk[2:]) :, 40:80] = TISSUE
        return slice_
    return RAMP


def raw(pk: str, frame: int) -> dict[str, Any]:
    """The answer with the values."""
    stored = values(pk, frame)
    signed = stored.dtype.kind == "i"
    headers = {"X-Rows": ROWS, "X-Columns": COLUMNS, "X-Samples": 3 if stored.ndim == 3 else 1, "X-Bits": 8 if stored.ndim == 3 else 12,
               "X-Signed": int(signed), "X-Slope": 1.0, "X-Intercept": -1024.0 if signed else 0.0}  # fmt: skip
    texts = {name: str(value) for name, value in headers.items()} | {
        "Content-Type": "application/octet-stream"
    }
    return {"body": stored.tobytes(), "headers": texts}


def png(picture: np.ndarray) -> dict[str, Any]:
    """The answer with a picture."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return {"body": stream.getvalue(), "content_type": "image/png"}


def overlay(name: str) -> np.ndarray:
    """A heatmap whose left half is hot, outlines of which that is the heart beside a lung, or a mask in green with nothing around it."""
    if name in {"heat", "outlines"}:
        left = np.indices((20, 30))[1] < 15
        return np.where(left, 255, 200 if name == "heat" else 70).astype(np.uint8)
    mask = np.zeros((20, 30, 4), dtype=np.uint8)
    mask[:, 15:] = (0, 255, 0, 255)
    return mask


PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Study</title>
<script src="/static/js/theme.js"></script><script src="/static/js/heatmap.js" defer></script>{styles}</head>
<body><main class="wrap page"><h1>Study</h1><section class="card"><h2>Images</h2>{viewer}</section></main></body></html>"""


def page_with_viewer() -> str:
    """The viewer's markup with the site's own styles."""
    styles = "".join(f'<link rel="stylesheet" href="/static/css/{name}.css">' for name in STYLES)
    viewer = render_to_string("diagnostics/imaging/viewer.html", {"viewer_url": STUDY})
    return PAGE.format(styles=styles, viewer=viewer)


class Server:
    """Answers the browser; `refused` are addresses that fail, `asked` those that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.study = study()

    def answer(self, route: Any) -> None:
        path = route.request.url.removeprefix(HOST).split("?")[0]
        self.asked.append(path)
        route.fulfill(**self.found(path))

    def found(self, path: str) -> dict[str, Any]:
        if path in self.refused:
            return {
                "status": 422,
                "body": json.dumps({"message": DAMAGED}),
                "content_type": "application/json",
            }
        if path.startswith("/static/"):
            return {"path": finders.find(re.sub(r"\.[0-9a-f]{12}(?=\.)", "", path.removeprefix("/static/")))}
        if path.startswith("/overlay/"):
            return png(overlay(path.removeprefix("/overlay/").removesuffix(".png")))
        if path.endswith("/attributes.json"):
            said = {
                "depth": 1,
                "tag": "0010,0010",
                "name": "Patient's Name",
                "vr": "PN",
                "value": "<img src=x onerror=alert(1)>",
            }
            return {"body": json.dumps({"attributes": [said]}), "content_type": "application/json"}
        if frame := FRAME.fullmatch(path):
            grey = np.full((ROWS, COLUMNS), 77, dtype=np.uint8)
            return raw(frame[1], int(frame[2])) if frame[3] == "raw" else png(grey)
        texts = {
            "/": (page_with_viewer, "text/html"),
            STUDY: (lambda: json.dumps(self.study), "application/json"),
        }
        make, kind = texts[path]
        return {"body": make(), "content_type": kind}


@pytest.fixture
def server(page: Any) -> Iterator[Server]:
    """The made-up server behind the page."""
    made = Server()
    page.route(f"{HOST}/**", made.answer)
    yield made
    page.unroute_all(behavior="wait")


@pytest.fixture
def opened(page: Any, server: Server) -> Any:
    """The viewer with its first image drawn."""
    page.goto(HOST + "/")
    page.locator(".dicom-pane[data-complete]").wait_for()
    return page
