"""`python -m benchmarks.compute`: the models' part alone, without web, queue and database; prints JSON.

Both ways in one process, in turn on the same pictures: picture bytes to probabilities and heatmap PNG.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks import pictures
from benchmarks.reports import MODEL
from benchmarks.reports_way import grad_cam, png_of
from ml import serving
from ml.preprocessing.beat_image import prepare_beat_image

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = 40


def milliseconds(step: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Measure and print the medians, milliseconds per image."""
    stored = keras.models.load_model(MODEL, compile=False)
    model = keras.Model(stored.inputs[0], stored.outputs[0])
    serving.warm()

    def theirs(data: bytes) -> bytes:
        image = prepare_beat_image(data)[None].astype(np.float32)
        logits = model.predict(image, verbose=0)[0]
        return png_of(grad_cam(model, image, int(logits.argmax())), (320, 320))

    images = list(pictures.beats(IMAGES + 3).values())
    for data in images[:3]:
        theirs(data)
        serving.analyse(data)
    figures = [
        (
            milliseconds(lambda data=data: theirs(data)),
            milliseconds(lambda data=data: serving.analyse(data)),
            milliseconds(lambda data=data: prepare_beat_image(data)),
        )
        for data in images[3:]
    ]
    reports, ours, preparation = (statistics.median(column) for column in zip(*figures, strict=True))
    print(json.dumps({"reports_ms": reports, "platform_ms": ours, "of_which_preparation_ms": preparation}))


if __name__ == "__main__":
    main()
