"""`python -m benchmarks.pages`: one 12-lead page through everything, against `model.predict` and a new Grad-CAM per model; prints JSON.

Both ways in one process on the same drawn scan and photograph: bytes of the file to leads, measurements, the answers of every model of
pages with their heatmaps, and of the twelve-lead model. Reading the leads is shared, for the reports had none.
"""

from __future__ import annotations

import io
import json
import os
import time
from typing import TYPE_CHECKING

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import psutil
from PIL import Image

from ml import registry
from ml.datasets.simulated_recording import simulate_recording
from ml.pages.damage import Damage, damaged
from ml.pages.digitise import digitise
from ml.pages.picture import open_picture
from ml.pages.render import render_page
from ml.pages.style import PageStyle
from ml.preprocessing.page_image import page_image
from ml.recordings.leads import TWELVE
from ml.serving.page_models import FUSION, WINDOW, page_models
from ml.serving.pictures import analyse_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from numpy.typing import NDArray

FS = 500.0
REPEATED = 5
EVIDENCE, EMBEDDING = "evidence", "embedding"


def drawn() -> dict[str, bytes]:
    """A scan at 200 dpi as PNG, and a photograph of it as JPEG."""
    made = simulate_recording(seconds=10.2, fs=FS, leads=TWELVE, seed=3)
    page = render_page(made.signals[:, 50:5050].astype(np.float64), FS, PageStyle(px_per_mm=200 / 25.4))
    photo = damaged(
        page.image,
        Damage(rotation=4.0, perspective=0.02, margin=0.03, noise=2.0, background=(70, 60, 50)),
        seed=1,
    )
    files = {}
    for name, kind, pixels in (("scan", "PNG", page.image), ("photo", "JPEG", photo.image)):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind)
        files[name] = stream.getvalue()
    return files


def grad_cam(model: keras.Model, image: NDArray[np.float32], position: int) -> NDArray[np.float32]:
    """As the Keras guide writes it: a gradient model and a tape for each picture."""
    import keras
    import tensorflow as tf

    gradients_of = keras.Model(model.inputs, [model.get_layer(EVIDENCE).output, model.output])
    with tf.GradientTape() as tape:
        activation, logits = gradients_of(image)
        score = logits[:, position]
    places = tuple(range(1, len(activation.shape) - 1))  # of a picture, or of its columns alone
    weights = tf.reduce_mean(tape.gradient(score, activation), axis=places, keepdims=True)
    heatmap: NDArray[np.float32] = tf.nn.relu(tf.reduce_sum(activation * weights, axis=-1))[0].numpy()
    return heatmap


def main() -> None:
    """Measure and print the medians, and the memory of this process, which holds what a worker holds for pages."""
    files = drawn()
    for data in files.values():
        analyse_picture(data)  # opens and warms what it needs
    ours = {name: _median(lambda data=data: analyse_picture(data)) for name, data in files.items()}
    digitising = {
        name: _median(lambda data=data: digitise(open_picture(data))) for name, data in files.items()
    }
    memory = psutil.Process().memory_info().rss / 2**20
    theirs = _predict_each(files["scan"])
    figures = {
        "models": [*page_models(), "ecg-signals"],
        "seconds": {name: round(value, 3) for name, value in ours.items()},
        "of_which_digitising": {name: round(value, 3) for name, value in digitising.items()},
        "memory_mb": round(memory),
        "predict_each_seconds": round(theirs + digitising["scan"], 3),
        "ratio": round((theirs + digitising["scan"]) / ours["scan"], 2),
    }
    print(json.dumps(figures))


def _median(run: Callable[[], object]) -> float:
    """Seconds of the middle one of some runs."""
    times = []
    for _ in range(REPEATED):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _predict_each(data: bytes) -> float:
    """Seconds of the networks alone, each loaded once, by `model.predict` and a gradient tape."""
    import keras  # here, for a worker holds no TensorFlow and its memory is measured before
    import tensorflow as tf

    tf.get_logger().setLevel(
        "ERROR"
    )  # the way of the guide traces anew for every picture, and says so every time
    found = digitise(open_picture(data))
    prepared = page_image(found.page, found.reading)
    members = [name for name in page_models() if name != FUSION]
    models = {name: keras.models.load_model(_file(name), compile=False) for name in members}
    fusion = keras.models.load_model(_file(FUSION), compile=False)

    def run() -> None:
        embeddings = {}
        for name, model in models.items():
            given = prepared.leads if model.inputs[0].name == WINDOW else prepared.pixels
            image = np.asarray(given, dtype=np.float32)[None]
            logits = model.predict(image, verbose=0)[0]
            grad_cam(model, image, int(logits.argmax()))
            embedding = keras.Model(model.inputs, model.get_layer(EMBEDDING).output)
            embeddings[f"embedding_{name.replace('-', '_')}"] = embedding.predict(image, verbose=0)
        fusion.predict([embeddings[tensor.name] for tensor in fusion.inputs], verbose=0)

    run()
    return _median(run)


def _file(name: str) -> str:
    return str(registry.load(name).folder / "model.keras")


if __name__ == "__main__":
    main()
