"""Opening models before the first patient waits for them."""

from __future__ import annotations

import numpy as np

from ml import registry
from ml.serving.clinical import MODELS, coalitions_of
from ml.serving.session import PICTURE, member
from ml.serving.signals import signal_member


def warm(*, second_opinions: bool = False) -> tuple[str, ...]:
    """Verify and open models and run each once, so that the first patient does not wait.

    Args:
        second_opinions: whether the models that are asked only when asked for are opened, too.

    Returns:
        Their names.
    """
    found = [one for one in registry.contracts() if second_opinions or not one.second_opinion]
    for contract in found:
        if contract.input.get("kind", PICTURE) == PICTURE:
            member(contract.name).network(np.zeros((1, *contract.input["shape"]), dtype=np.uint8))
        else:
            signal_member(contract.name).warm()
        if contract.name == MODELS[0]:
            coalitions_of(contract)
    return tuple(contract.name for contract in found)
