import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from ml.datasets.simulated import beat_picture, beat_png
from ml.pictures import UnreadableImageError
from ml.preprocessing.beat_image import (
    beat_window,
    examine_beat_image,
    prepare_beat_image,
    render_beat,
)

LABELS = st.sampled_from(["Normal", "LBBB", "RBBB", "PAC", "PVC", "VF"])
SEEDS = st.integers(0, 2**31)


def difference(one, other):
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def where(prepared):
    """Centre of the ink of every column, rows."""
    ink = prepared[..., 0].astype(float) + 1e-6
    return (ink * np.arange(64)[:, None]).sum(axis=0) / ink.sum(axis=0)


@given(
    arrays.arrays(
        np.uint8,
        st.one_of(
            arrays.array_shapes(min_dims=2, max_dims=2, max_side=40),
            st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([3, 4])),
        ),
    )
)
def test_any_picture_becomes_64_by_64(pixels):
    prepared = prepare_beat_image(Image.fromarray(pixels))
    assert prepared.shape == (64, 64, 1)
    assert prepared.dtype == np.uint8


@given(st.binary(max_size=200))
def test_any_bytes_are_a_picture_or_said_to_be_none(data):
    with pytest.raises(UnreadableImageError):
        prepare_beat_image(data)


@given(LABELS, SEEDS, st.integers(64, 500))
@settings(max_examples=40)
def test_polarity_does_not_matter(label, seed, size):
    light_on_dark = np.asarray(beat_picture(label, seed=seed, size=size, style="plain"))
    one = prepare_beat_image(Image.fromarray(light_on_dark))
    other = prepare_beat_image(Image.fromarray(255 - light_on_dark))
    if size <= 256:
        np.testing.assert_array_equal(one, other)
    else:  # shrinking rounds halves up, in light and in dark
        assert difference(one, other) < 1.0


@given(SEEDS, st.integers(64, 900))
@settings(max_examples=30)
def test_paper_is_drawn_at_any_size(seed, size):
    assert np.asarray(beat_picture("Normal", seed=seed, size=size)).shape == (size, size, 3)


@given(LABELS, SEEDS, st.sampled_from([128, 320, 640]))
@settings(max_examples=40)
def test_size_paper_and_grid_hardly_matter(label, seed, size):
    plain = prepare_beat_image(beat_picture(label, seed=seed, size=320, style="plain"))
    paper = prepare_beat_image(beat_picture(label, seed=seed, size=size, style="paper"))
    # Fibrillation is all steep flanks, where half a pixel across is several pixels up.
    assert np.median(np.abs(where(plain) - where(paper))) < (2.5 if label == "VF" else 0.8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_is_read(mode):
    grey = beat_picture("Normal", seed=3, size=200, style="plain")
    values = np.asarray(grey)
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16) * 200)
    elif mode in {"I", "F"}:
        image = Image.fromarray(values.astype(np.int32 if mode == "I" else np.float32))
    else:
        image = grey.convert(mode)
    assert difference(prepare_beat_image(image), prepare_beat_image(grey)) < 8


def test_transparent_background_is_paper():
    values = np.asarray(beat_picture("PVC", seed=1, size=200, style="plain"))
    overlay = np.zeros((*values.shape, 4), dtype=np.uint8)
    overlay[..., 3] = values
    assert (
        difference(prepare_beat_image(Image.fromarray(overlay)), prepare_beat_image(Image.fromarray(values)))
        < 2
    )


def test_frame_and_specks_are_forgotten():
    values = 255 - np.asarray(beat_picture("Normal", seed=2, size=300, style="plain"))
    marked = np.full((320, 320), 255, dtype=np.uint8)
    marked[10:310, 10:310] = values
    marked[[0, 1, 318, 319], :] = 0
    marked[:, [0, 1, 318, 319]] = 0
    marked[20:24, 20:24] = 0
    assert (
        difference(prepare_beat_image(Image.fromarray(marked)), prepare_beat_image(Image.fromarray(values)))
        < 3
    )


@pytest.mark.parametrize("colour", [(200, 30, 30), (31, 119, 180), (0, 120, 0)])
def test_coloured_traces_are_found(colour):
    ink = np.asarray(beat_picture("LBBB", seed=4, size=256, style="plain"))[..., None] / 255.0
    image = Image.fromarray(np.rint(255 * (1 - ink) + np.array(colour) * ink).astype(np.uint8))
    assert (
        difference(
            prepare_beat_image(image),
            prepare_beat_image(beat_picture("LBBB", seed=4, size=256, style="plain")),
        )
        < 3
    )


def test_photographed_beat_keeps_its_shape():
    stream = io.BytesIO()
    beat_picture("PVC", seed=5, size=500).save(stream, "JPEG", quality=60)
    clean = prepare_beat_image(beat_picture("PVC", seed=5, size=500, style="plain"))
    assert np.median(np.abs(where(prepare_beat_image(stream.getvalue())) - where(clean))) < 1.0


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (8, 8)])
def test_tiny_pictures_are_empty(size):
    assert not prepare_beat_image(Image.new("L", size)).any()


def test_blank_paper_is_empty():
    examined = examine_beat_image(Image.new("RGB", (300, 300), "white"))
    assert examined.trace.empty
    assert not examined.pixels.any()


def test_truncated_picture_is_unreadable():
    with pytest.raises(UnreadableImageError):
        prepare_beat_image(beat_png("Normal", seed=1)[:700])


def test_window_is_centred_on_the_peak():
    signal = np.zeros(1000)
    signal[500] = 1.0
    window = beat_window(signal, 250.0, 500.0, before_s=0.9, after_s=0.5, samples=351)
    assert window.shape == (351,)
    assert int(window.argmax()) == 225


def test_a_window_beyond_the_recording_repeats_its_end():
    window = beat_window(np.array([3.0, 4.0]), 1.0, 0.0, before_s=5.0, after_s=5.0, samples=11)
    np.testing.assert_array_equal(window, [3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4])


def test_paper_is_in_colour_and_plain_is_not():
    signal = np.sin(np.linspace(0, 20, 1000))
    assert render_beat(signal, 250.0, 500.0, size=200, style="paper").shape == (200, 200, 3)
    assert render_beat(signal, 250.0, 500.0).shape == (64, 64)


@pytest.mark.parametrize(("signal", "fs"), [(np.array([1.0, np.nan, 2.0]), 250.0), (np.zeros(9), 0.0)])
def test_unusable_signals_are_refused(signal, fs):
    with pytest.raises(ValueError, match=r"not finite|must be positive"):
        render_beat(signal, fs, 1.0)
