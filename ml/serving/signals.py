"""Models whose input is a signal: opened once per process and run in batches."""

from __future__ import annotations

import dataclasses
import functools
import threading

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ml import registry
from ml.registry import ModelContract
from ml.serving.session import Device, open_session

_BATCH = 512
_lock = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SignalMember:
    """A verified model of signals that is ready to answer.

    Attributes:
        contract: its contract.
        session: its session; inputs and outputs are float32 with the examples along the first axis.
        device: where it runs.
    """

    contract: ModelContract
    session: onnxruntime.InferenceSession
    device: Device

    def run(self, output: str, **inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """One output for all examples, computed in batches; what it does not need is not computed.

        Args:
            output: its name, for example ``logits``.
            **inputs: each input of the network, examples along the first axis, at least one.
        """
        count = len(next(iter(inputs.values())))
        parts = [
            self.session.run(
                [output],
                {name: np.ascontiguousarray(value[i : i + _BATCH]) for name, value in inputs.items()},
            )[0]
            for i in range(0, count, _BATCH)
        ]
        return np.concatenate(parts)

    def probabilities(self, **inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated probabilities, shape (n, c); no examples give shape (0, c)."""
        if not len(next(iter(inputs.values()))):
            return np.zeros((0, len(self.contract.labels)), dtype=np.float32)
        return self.shares(self.run("logits", **inputs)).astype(np.float32)

    def shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities of logits, shape (..., c)."""
        scaled = logits.astype(np.float64) / self.contract.temperature
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
        return shares

    def decide(self, shares: NDArray[np.float32]) -> NDArray[np.int8]:
        """Most probable class of each row, shape (n,); -1 where its probability is below the model's threshold."""
        sure = shares.max(axis=1, initial=0.0) >= self.contract.abstention_threshold
        return np.where(sure, shares.argmax(axis=1), -1).astype(np.int8)

    def _sizes(self, shape: list[int | str]) -> list[int]:
        """The shape of an input, with the size of the contract where any size is taken."""
        return [
            size if isinstance(size, int) else self.contract.input["shape"][axis]
            for axis, size in enumerate(shape)
        ]

    def warm(self) -> None:
        """Run once on zeros."""
        inputs = {
            given.name: np.zeros(
                (1, *self._sizes(given.shape[1:])), dtype=np.uint8 if "uint8" in given.type else np.float32
            )
            for given in self.session.get_inputs()
        }
        self.session.run(None, inputs)


def opened_from(contract: ModelContract) -> SignalMember:
    """Open a model whose contract has been verified."""
    session, device = open_session(contract)
    return SignalMember(contract=contract, session=session, device=device)


@functools.cache
def _opened(name: str) -> SignalMember:
    return opened_from(registry.load(name))


def signal_member(name: str) -> SignalMember:
    """A model of signals, verified and opened once per process.

    Raises:
        ModelNotFoundError: when no model has that name.
        TamperedArtefactError: when a file is not the one that was measured.
    """
    with _lock:
        return _opened(name)
