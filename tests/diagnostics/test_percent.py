"""No page tells a probability as certain: neither in words nor in the chart of all findings."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string

from diagnostics.views.shown import percent

SAID = [
    (0.0, "under 0.1 %"),
    (0.0009, "under 0.1 %"),
    (0.342, "34.2 %"),
    (0.9994, "over 99.9 %"),
    (1.0, "over 99.9 %"),
]


@pytest.mark.parametrize(("share", "said"), SAID)
def test_words_and_chart_say_the_same(share, said):
    assert percent(share) == said
    rows = [{"label": "Sinus rhythm", "percent": share * 100, "chosen": True}]
    shown = render_to_string("components/probabilities.html", {"rows": rows})
    assert f'<td class="probability-value">{said}' in shown


def test_no_probability_is_said_to_be_none():
    assert percent(None) == "none"
