"""The quick PNG holds the picture as it was."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ml.dicom.png import png_of


@given(st.integers(1, 20), st.integers(1, 20), st.booleans(), st.integers(0, 2**32 - 1))
def test_every_picture_comes_back_as_it_was(rows, columns, colour, seed):
    shape = (rows, columns, 3) if colour else (rows, columns)
    picture = np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)
    with Image.open(io.BytesIO(png_of(picture))) as opened:
        opened.verify()
    with Image.open(io.BytesIO(png_of(picture))) as opened:
        assert opened.mode == ("RGB" if colour else "L")
        assert np.array_equal(np.asarray(opened), picture)
