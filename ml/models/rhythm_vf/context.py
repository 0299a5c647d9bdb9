"""What ``rhythm-vf`` gains where more than one lead's four seconds are known: both leads, and the segment before.

A protocol of its own, declared beside the headline, never in its place: an answer then rests on 8 seconds, or on two leads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics import report
from ml.models.rhythm_vf.alarms import traces
from ml.models.rhythm_vf.data import Segments
from ml.models.rhythm_vf.network import LABELS
from ml.training.calibration import probabilities

PROTOCOL = (
    "Out-of-fold logits of vfdb averaged before the more probable class is taken: over both leads of the same four seconds, over a "
    "segment and the one before it on the same lead (8 s, also where the one before is noise or another rhythm), or over both. "
    "Segments counted as in the headline, no threshold moved, the temperature of the headline."
)
_FIGURES = ("sensitivity", "specificity", "accuracy", "ece")


def with_previous(logits: NDArray[np.float64], segments: Segments) -> NDArray[np.float64]:
    """Mean of each segment's logits and those of the one before it; the first of a recording stands alone, shape (n, 2)."""
    found = logits.copy()
    for trace in traces(segments):
        found[trace[1:]] = (logits[trace[1:]] + logits[trace[:-1]]) / 2.0
    return found


def both_leads(logits: NDArray[np.float64], segments: Segments) -> NDArray[np.float64]:
    """Mean of the logits of all leads of a recording, segment by segment, shape (n, 2)."""
    found = logits.copy()
    own = traces(segments)
    names = np.array([segments.records[trace[0]] for trace in own])
    for name in np.unique(names):
        leads = [trace for trace, of in zip(own, names, strict=True) if of == name]
        count = min(map(len, leads))
        mean = np.mean([logits[trace[:count]] for trace in leads], axis=0)
        for trace in leads:
            found[trace[:count]] = mean
    return found


def context_table(logits: NDArray[np.float64], segments: Segments, temperature: float) -> dict[str, Any]:
    """Figures of each context.

    Args:
        logits: out-of-fold, of consecutive segments, shape (n, 2).
        segments: all segments, those that are not counted too.
        temperature: above 0.
    """
    joined = both_leads(logits, segments)
    ways = {
        "one lead, 4 s (the headline)": logits,
        "one lead, with the 4 s before": with_previous(logits, segments),
        "both leads, 4 s": joined,
        "both leads, with the 4 s before": with_previous(joined, segments),
    }
    keep = segments.counted
    counted = segments.take(keep)
    rows = {}
    for name, answers in ways.items():
        shares = probabilities(answers[keep], temperature)
        found = report(shares, counted.classes, counted.records, labels=LABELS)
        found |= {
            "sensitivity": found["classes"][LABELS[1]]["recall"],
            "specificity": found["classes"][LABELS[0]]["recall"],
        }
        rows[name] = {figure: found[figure] for figure in _FIGURES}
    return {"protocol": PROTOCOL, **rows}
