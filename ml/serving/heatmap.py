"""Class activation maps as pictures."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.preprocessing.beat_image import SIZE
from ml.preprocessing.render import MARGIN
from ml.preprocessing.trace import Trace

_EDGE = 64


def heatmap_png(activation: NDArray[np.float32], trace: Trace) -> bytes | None:
    """A class activation map as an 8-bit grey PNG that lies on the picture that was given.

    Args:
        activation: shape (h, w), 0 and above, over the prepared input.
        trace: the trace found on the picture; it says which part of the picture the prepared input shows.

    Returns:
        PNG in the proportions of the picture, at most 64 pixels wide or high, 0 (none, and outside the prepared part)
        to 255 (most); None when the map is zero everywhere: no positive evidence.
    """
    peak = float(activation.max())
    if not np.isfinite(peak) or peak <= 0.0:
        return None
    high = float(np.nanmin(trace.top))
    reach = max(float(np.nanmax(trace.bottom)) - high, 1.0)
    rows, columns = activation.shape
    # The map's cells are much bigger than a pixel of the picture, so that a smaller picture shows all of it.
    smaller = min(1.0, _EDGE / max(trace.width, trace.height))
    size = (max(1, round(trace.width * smaller)), max(1, round(trace.height * smaller)))
    # From a pixel of the heatmap to a cell of the map: undo the crop to the trace and its margins.
    across = columns / trace.top.size
    down = (SIZE - 2.0 * MARGIN) / reach * rows / SIZE
    start = MARGIN * rows / SIZE - high * down
    placed = Image.fromarray(np.pad((activation / peak).astype(np.float32), 1, mode="edge")).transform(
        size,
        Image.Transform.AFFINE,
        (
            across * trace.width / size[0],
            0.0,
            1.0 - trace.left * across,
            0.0,
            down * trace.height / size[1],
            1.0 + start,
        ),
        resample=Image.Resampling.BILINEAR,
    )
    stream = io.BytesIO()
    Image.fromarray(np.rint(np.clip(np.asarray(placed), 0.0, 1.0) * 255.0).astype(np.uint8)).save(
        stream, "PNG", compress_level=1
    )
    return stream.getvalue()
