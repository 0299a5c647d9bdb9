"""Fixtures of the suite's tests. They need neither Django's database nor any server."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ml import registry

with warnings.catch_warnings():
    # wfdb 4.3 calls pandas in a way that pandas 3.1 warns about while wfdb is imported; nothing of ours can change it.
    warnings.filterwarnings("ignore", message="The inplace keyword", category=DeprecationWarning)
    import wfdb

if TYPE_CHECKING:
    from pathlib import Path

    from ml.registry import ModelContract

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(autouse=True)
def _private_storage() -> None:
    """The suite stores no uploads: the site's storage fixture is not needed here."""


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras, imported once. Its dependencies warn while they load, which is theirs to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
        import tensorflow  # noqa: F401, ICN001
    return keras


@pytest.fixture(scope="session")
def contract() -> ModelContract:
    return registry.load("beat-cnn")


@pytest.fixture(scope="session")
def keras_model(keras: Any, contract: ModelContract) -> Any:
    return keras.models.load_model(contract.folder / "model.keras", compile=False)


@pytest.fixture(scope="session")
def mitdb_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made database in the layout of MIT-BIH: record 119 (held out of training) and record 900 (unknown)."""
    from ml.datasets.simulated import simulate

    folder = tmp_path_factory.mktemp("mitdb")
    for name in ("119", "900"):
        parts, marks, symbols = [], [], []
        for i, (label, symbol) in enumerate([("Normal", "N"), ("PVC", "V"), ("PAC", "A"), ("Normal", "N")]):
            ecg = simulate(label, seed=i)
            marks.append(i * len(ecg.signal) + ecg.r_index)
            symbols.append(symbol)
            parts.append(ecg.signal)
        signal = np.concatenate(parts)[:, None]
        wfdb.wrsamp(
            name,
            fs=500.0,
            units=["mV", "mV"],
            sig_name=["V5", "MLII"],
            p_signal=np.hstack([-signal, signal]),
            fmt=["16", "16"],
            write_dir=str(folder),
        )
        order = [*marks, marks[-1] + 50]
        wfdb.wrann(name, "atr", np.array(order), symbol=[*symbols, "Q"], write_dir=str(folder))
    return folder
