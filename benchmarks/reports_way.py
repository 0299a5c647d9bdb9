"""The way of the source reports: a Flask view that calls `model.predict` and a new Grad-CAM for each image.

Written as such applications are written: the model is loaded when the server starts; each POST prepares one image, predicts,
builds the gradient model and the tape anew, and inserts one row into a plain table. To compare like with like it uses our
preparation of the image, our network, and the same PostgreSQL; it has no users, no queue, no audit trail.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import psycopg2
import psycopg2.extras
import tensorflow as tf
from flask import Flask, jsonify, request
from PIL import Image

from ml.models.beat_cnn.network import LAST_CONVOLUTION
from ml.preprocessing.beat_image import prepare_beat_image

if TYPE_CHECKING:
    from flask import Response
    from numpy.typing import NDArray

LABELS = ("Normal", "LBBB", "RBBB", "PAC", "PVC", "VF")
INSERT = "INSERT INTO reports_way (name, label, probabilities, heatmap) VALUES (%s, %s, %s, %s) RETURNING id"


def grad_cam(model: keras.Model, image: NDArray[np.float32], position: int) -> NDArray[np.uint8]:
    """Grad-CAM of one class, as the Keras guide writes it: a gradient model and a tape for each image."""
    gradients_of = keras.Model(model.inputs, [model.get_layer(LAST_CONVOLUTION).output, model.output])
    with tf.GradientTape() as tape:
        activation, logits = gradients_of(image)
        score = logits[:, position]
    gradients = tape.gradient(score, activation)
    weights = tf.reduce_mean(gradients, axis=(0, 1, 2))
    heatmap = tf.nn.relu(tf.reduce_sum(activation[0] * weights, axis=-1))
    heatmap /= tf.reduce_max(heatmap) + 1e-9
    return np.uint8(255 * heatmap.numpy())


def png_of(heatmap: NDArray[np.uint8], size: tuple[int, int]) -> bytes:
    """The heatmap in the size of the uploaded image."""
    stream = io.BytesIO()
    Image.fromarray(heatmap).resize(size, Image.Resampling.BILINEAR).save(stream, "PNG")
    return stream.getvalue()


def create_app(model_path: str = "", database_url: str = "") -> Flask:
    """The application, with its model loaded and one database connection."""
    app = Flask(__name__)
    stored = keras.models.load_model(model_path or os.environ["MODEL_PATH"], compile=False)
    model = keras.Model(stored.inputs[0], stored.outputs[0])  # one image in, one row of logits out
    database = psycopg2.connect(database_url or os.environ["DATABASE_URL"])
    database.autocommit = True

    @app.get("/health")
    def health() -> str:
        return "ok"

    @app.post("/predict")
    def predict() -> Response:
        file = request.files["file"]
        data = file.read()
        image = prepare_beat_image(data)[None].astype(np.float32)
        logits = model.predict(image, verbose=0)[0]
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        position = int(probabilities.argmax())
        heatmap = png_of(grad_cam(model, image, position), Image.open(io.BytesIO(data)).size)
        answer: dict[str, Any] = {
            "label": LABELS[position],
            "probabilities": {label: float(p) for label, p in zip(LABELS, probabilities, strict=True)},
        }
        with database.cursor() as cursor:
            values = [file.filename, answer["label"], psycopg2.extras.Json(answer["probabilities"]), heatmap]
            cursor.execute(INSERT, values)
            answer["id"] = cursor.fetchone()[0]
        return jsonify(answer)

    return app
