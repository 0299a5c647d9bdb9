import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.preprocessing.render import fill_columns, render_traces


def test_ink_is_the_length_of_the_stretch():
    ink = fill_columns(np.array([[2.25, np.nan]]), np.array([[5.0, np.nan]]), height=8, thickness=1.0)
    np.testing.assert_allclose(ink.sum(axis=1), [[3.75, 0.0]])


@given(arrays.arrays(np.float64, (2, 40), elements=st.floats(-1e6, 1e6)))
@settings(max_examples=50)
def test_every_column_holds_one_unbroken_stretch(signals):
    for image in render_traces(signals, size=64):
        inked = image > 0
        starts = inked[0].astype(int) + (inked[1:] & ~inked[:-1]).sum(axis=0)
        np.testing.assert_array_equal(starts, 1)


def test_gain_and_offset_do_not_matter():
    signal = np.random.default_rng(0).normal(size=(1, 300))
    np.testing.assert_array_equal(render_traces(signal), render_traces(signal * 40.0 + 7.0))


def test_up_is_positive():
    image = render_traces(np.linspace(0.0, 1.0, 100)[None])[0]
    assert image[:, 0].argmax() > image[:, -1].argmax()


def test_flat_signal_lies_in_the_middle():
    image = render_traces(np.zeros((1, 10)))[0]
    assert set(np.flatnonzero(image.any(axis=1))) == {31, 32}


@pytest.mark.parametrize("signals", [np.zeros(5), np.zeros((1, 1)), np.array([[0.0, np.inf]])])
def test_unusable_signals_are_refused(signals):
    with pytest.raises(ValueError, match=r"expected an array|not finite"):
        render_traces(signals)
