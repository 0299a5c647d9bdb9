"""How a probability is told to people."""

from __future__ import annotations

import pytest

from ml.contract import as_percent, share_as_percent


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "under 1 %"),
        (0.009, "under 1 %"),
        (0.01, "1 %"),
        (0.69, "69 %"),
        (0.99, "99 %"),
        (1.0, "over 99 %"),
    ],
)
def test_no_probability_is_told_as_certain(probability, said):
    assert as_percent(probability) == said


def test_what_was_counted_may_be_all_or_nothing():
    assert (share_as_percent(0.0), share_as_percent(1.0)) == ("0 %", "100 %")
