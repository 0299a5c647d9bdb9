"""Drawn pages that the page models are asked about, and what they say. ``python -m tests.ml.golden_page_cases`` writes it anew."""

from __future__ import annotations

import functools
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from ml.datasets.simulated_recording import simulate_recording
from ml.pages.render import render_page
from ml.pages.style import PageStyle
from ml.recordings.leads import TWELVE

FILE = Path(__file__).with_name("golden_pages.json")
CASES = (("3x4+1", 3, "pink"), ("6x2", 4, "green"))


@functools.cache
def page_png(layout: str, seed: int, paper: str) -> bytes:
    """A drawn page of a simulated recording."""
    recording = simulate_recording(
        seconds=10.1, fs=500.0, leads=TWELVE, noise_mv=0.0, wander_mv=0.02, seed=seed
    )
    signals = recording.signals[:, 25:5025].astype(np.float64)
    picture = render_page(signals, 500.0, PageStyle(px_per_mm=5.0, layout=layout, paper=paper)).image
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


if __name__ == "__main__":
    from ml.serving.page_models import answer_picture, page_models

    rows = [
        {
            "layout": layout,
            "seed": seed,
            "paper": paper,
            "probabilities": {
                name: {
                    label: round(share, 6)
                    for label, share in answer_picture(name, page_png(layout, seed, paper))[
                        "probabilities"
                    ].items()
                }
                for name in page_models()
            },
        }
        for layout, seed, paper in CASES
    ]
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
