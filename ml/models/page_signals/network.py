"""The network of ``page-signals``: both networks of ``ecg-signals``, as they are, up to their last convolutions."""

from __future__ import annotations

from pathlib import Path

import keras

from ml.models import ecg_signals
from ml.models.ecg_signals.network import LAST_CONVOLUTION, WINDOW
from ml.models.page_pictures.head import EMBEDDING, EVIDENCE, decided
from ml.preprocessing.page_leads import SHAPE

_ARTEFACT = Path(ecg_signals.__file__).parent / "artefact" / "model.keras"


def whole(classes: int) -> keras.Model:
    """From leads (n, 250, 12), millivolt at 100 Hz, to logits; all but the last layer has the weights of the installed ``ecg-signals``."""
    source = keras.models.load_model(_ARTEFACT, compile=False)
    members = [layer for layer in source.layers if isinstance(layer, keras.Model)]
    window = keras.Input(SHAPE, name=WINDOW)
    places = [
        keras.Model(one.input, one.get_layer(LAST_CONVOLUTION).output, name=f"network_{number}")(window)
        for number, one in enumerate(members)
    ]
    evidence = keras.layers.Concatenate(name=EVIDENCE)(places)
    embedding = keras.layers.GlobalAveragePooling1D(name=EMBEDDING)(evidence)
    return keras.Model(window, decided(embedding, classes=classes), name="page_signals")
