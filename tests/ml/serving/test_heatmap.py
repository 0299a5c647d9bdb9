import io

import numpy as np
import pytest
from PIL import Image

from ml.datasets.simulated import beat_picture, beat_png
from ml.preprocessing.beat_image import examine_beat_image
from ml.serving import analyse
from ml.serving.heatmap import heatmap_png


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(
    ("size", "expected"), [((320, 320), (64, 64)), ((400, 200), (32, 64)), ((100, 64), (41, 64))]
)
def test_heatmap_has_the_proportions_of_the_picture(size, expected):
    stream = io.BytesIO()
    beat_picture("PVC", seed=1, size=320).resize(size).save(stream, "PNG")
    (result,) = analyse(stream.getvalue())
    picture = opened(result.heatmap_png)
    assert picture.shape == expected
    assert picture.dtype == np.uint8
    assert picture.max() > 200


def test_heatmap_lies_where_the_trace_was_found():
    paper = np.full((200, 400), 255, dtype=np.uint8)
    beat = 255 - np.asarray(beat_picture("Normal", seed=1, size=120, style="plain"))
    paper[60:180, 250:370] = beat
    trace = examine_beat_image(Image.fromarray(paper)).trace
    activation = np.zeros((16, 16), dtype=np.float32)
    activation[:8, :8] = 1.0  # upper left quarter of the prepared picture
    found = np.argwhere(opened(heatmap_png(activation, trace)) > 128) * (400 / 64)
    assert found[:, 1].min() == pytest.approx(250, abs=8)
    assert found[:, 1].max() == pytest.approx(310, abs=8)
    assert found[:, 0].min() == pytest.approx(60, abs=10)
    assert found[:, 0].max() == pytest.approx(120, abs=10)


def test_no_positive_evidence_is_no_heatmap():
    trace = examine_beat_image(beat_png("Normal", seed=1)).trace
    assert heatmap_png(np.zeros((16, 16), dtype=np.float32), trace) is None
