"""Published weights of networks that learnt from ImageNet, as they lie in the data folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets.beats import DataNotFoundError


def published_weights(folder: Path, file: str, network: str) -> dict[str, NDArray[np.float32]]:
    """The arrays of a network by their names, ascending.

    Args:
        folder: holds ``imagenet_weights/``.
        file: name of the file there, arrays in half precision.
        network: its name, for the sentence of the error.

    Raises:
        DataNotFoundError: when the file is missing.
    """
    path = folder / "imagenet_weights" / file
    if not path.exists():
        raise DataNotFoundError(
            f"no weights of {network} in {path}; save the published arrays there (NOTICE says which)"
        )
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in sorted(stored.files)}
