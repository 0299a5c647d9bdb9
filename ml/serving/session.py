"""One inference session per model and process: ONNX Runtime, on the GPU where its provider is there."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import threading
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors

from ml import registry
from ml.registry import ModelContract

# Networks are small and workers many: a second thread costs more in hand-overs than it computes.
_THREADS = 1
PICTURE = "picture"
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_OUTPUTS = ("logits", "embedding", "cam")
_SESSION_ERRORS = (
    RuntimeError,
    onnxruntime_errors.Fail,
    onnxruntime_errors.EPFail,
    onnxruntime_errors.RuntimeException,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.InvalidProtobuf,
    onnxruntime_errors.NotImplemented,
)
_log = logging.getLogger(__name__)
_lock = threading.Lock()


class Device(TypedDict):
    """Where models run: ``provider`` of ONNX Runtime or ``TensorFlow``, ``name`` (``cpu``, ``cuda``), ``gpu``."""

    provider: str
    name: str
    gpu: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a network gives for prepared images.

    Attributes:
        logits: shape (n, c).
        embedding: shape (n, d).
        cam: class activation maps, shape (n, c, h, w), 0 and above.
    """

    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    cam: NDArray[np.float32]


class Network(Protocol):
    """Something that runs a network."""

    @property
    def device(self) -> Device:
        """Where it runs."""

    def __call__(self, images: NDArray[np.uint8]) -> Answer:
        """Run it on prepared images, shape (n, 64, 64, 1), 0 to 255."""


def open_session(contract: ModelContract) -> tuple[onnxruntime.InferenceSession, Device]:
    """A session of ONNX Runtime for a model of any input, and where it runs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, min(_THREADS, os.cpu_count() or 1))
    options.inter_op_num_threads = 1
    # Sessions of one process would otherwise burn each other's cores while they wait.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    wanted = [name for name in (_CUDA, _CPU) if name in onnxruntime.get_available_providers()]
    session = onnxruntime.InferenceSession(str(contract.folder / "model.onnx"), options, providers=wanted)
    provider = session.get_providers()[0]
    gpu = provider == _CUDA
    return session, {"provider": provider, "name": "cuda" if gpu else "cpu", "gpu": gpu}


class OnnxNetwork:
    """A network of pictures in ONNX Runtime."""

    def __init__(self, contract: ModelContract) -> None:
        self._session, self.device = open_session(contract)

    def __call__(self, images: NDArray[np.uint8]) -> Answer:
        """Run it on prepared images, shape (n, 64, 64, 1), 0 to 255."""
        logits, embedding, cam = self._session.run(list(_OUTPUTS), {"image": np.ascontiguousarray(images)})
        return Answer(logits=logits, embedding=embedding, cam=cam)


class TensorFlowNetwork:
    """The same graph as a compiled TensorFlow function on a GPU, when ONNX Runtime cannot make a session."""

    def __init__(self, contract: ModelContract) -> None:
        import keras
        import tensorflow as tf

        from ml.training.export import picture_graph

        if not tf.config.list_physical_devices("GPU"):
            raise RuntimeError("TensorFlow sees no GPU")
        model = keras.models.load_model(contract.folder / "model.keras", compile=False)
        self._graph = picture_graph(model, contract.training["layers"])
        self.device: Device = {"provider": "TensorFlow", "name": "cuda", "gpu": True}

    def __call__(self, images: NDArray[np.uint8]) -> Answer:
        """Run it on prepared images, shape (n, 64, 64, 1), 0 to 255."""
        outputs = self._graph.call(images)
        return Answer(**{name: outputs[name].numpy() for name in _OUTPUTS})


def open_network(contract: ModelContract) -> Network:
    """Open a model's network: ONNX Runtime, else TensorFlow on a GPU.

    Raises:
        RuntimeError: or another error of ONNX Runtime, when there is no other way.
    """
    try:
        return OnnxNetwork(contract)
    except _SESSION_ERRORS:
        try:
            return TensorFlowNetwork(contract)
        except (ImportError, RuntimeError):
            _log.warning("ONNX Runtime could not open %s and TensorFlow sees no GPU", contract.name)
        raise


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A verified model that is ready to answer.

    Attributes:
        contract: its contract.
        network: its network.
        reference: embeddings of training beats, of length one, shape (m, d); none without a gate.
    """

    contract: ModelContract
    network: Network
    reference: NDArray[np.float32]


@functools.cache
def _opened(name: str) -> Member:
    contract = registry.load(name)
    path = contract.folder / "embeddings.npy"
    reference = np.load(path).astype(np.float32) if contract.gate else np.zeros((0, 0), dtype=np.float32)
    return Member(contract=contract, network=open_network(contract), reference=reference)


def member(name: str) -> Member:
    """A model, verified and opened once per process.

    Raises:
        ModelNotFoundError: when no model has that name.
        TamperedArtefactError: when a file is not the one that was measured.
    """
    with _lock:
        return _opened(name)


def device() -> Device:
    """Where models run on this machine.

    Opens no session: a worker's main process asks, and a session opened there would be broken in its children.
    """
    gpu = _CUDA in onnxruntime.get_available_providers() and Path("/dev/nvidiactl").exists()
    return {"provider": _CUDA if gpu else _CPU, "name": "cuda" if gpu else "cpu", "gpu": gpu}
