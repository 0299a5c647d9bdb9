"""Why a page cannot be read: stable codes with a sentence each (what happened, why, what to do next)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from ml.recordings.leads import TWELVE


class PageReason(StrEnum):
    """Stable reason codes; a code never changes its meaning."""

    UNREADABLE = "page_unreadable"
    TOO_SMALL = "page_too_small"
    NOT_ECG = "page_not_ecg"
    NO_GRID = "page_no_grid"
    BLURRED = "page_blurred"
    GLARE = "page_glare"
    COVERED = "page_covered"
    LAYOUT_UNKNOWN = "page_layout_unknown"
    LEADS_DOUBTFUL = "page_leads_doubtful"
    NO_TRACES = "page_no_traces"
    LEADS_OUTSIDE = "page_leads_outside"


SENTENCES: dict[PageReason, str] = {
    PageReason.UNREADABLE: "The file is no picture that can be read: {detail}. Photograph or scan the page again.",
    PageReason.TOO_SMALL: "The picture is too small to measure on ({width} x {height} pixels). Scan with at least 100 dpi, or "
    "photograph the page so that it fills the picture.",
    PageReason.NOT_ECG: "The picture does not show an ECG on paper: most of it is dark, and it has no grid. Upload the page of the ECG; "
    "if this is one, photograph it in better light, so that the paper fills the picture.",
    PageReason.NO_GRID: "Neither a grid of ECG paper nor rows of traces with their calibration pulses were found, so that neither time "
    "nor voltage can be measured. If this is an ECG, photograph the whole page from above, in even light.",
    PageReason.BLURRED: "The picture is blurred: the lines of the grid cannot be told apart. Hold the camera still, let it focus, and "
    "photograph again.",
    PageReason.GLARE: "The light mirrors on the paper and hides its grid. Turn the page or the lamp, and photograph again without flash.",
    PageReason.COVERED: "Black covers so much of the page that its traces cannot be told apart, as interference of the mains or a loose "
    "electrode makes it. Check the electrodes and record again; read the other leads on the page yourself.",
    PageReason.LAYOUT_UNKNOWN: "The traces on the page fit none of the arrangements that are read here (3x4, 3x4 with a rhythm strip, "
    "6x2, 6x2 with a rhythm strip, 12x1). Make sure that the whole page is in the picture.",
    PageReason.LEADS_DOUBTFUL: "The limb leads read from the page contradict each other (Einthoven's law), so that leads may have been "
    "taken for others. A row may be outside the picture, or the arrangement may be one that is not read here. Photograph the whole "
    "page; arrangements that are read are 3x4 and 6x2, each also with a rhythm strip, and 12x1.",
    PageReason.NO_TRACES: "The grid was found, but no trace that can be followed on it. Photograph the page in better light.",
    PageReason.LEADS_OUTSIDE: "{leads} outside the picture. Photograph the page again with all its edges in view.",
}


class UnusablePage(Exception):
    """A page cannot be read.

    Attributes:
        reason_code: stable code, one of `PageReason`.
        message: sentence for the clinician.
        values: what was filled into the sentence.
    """

    def __init__(self, reason: PageReason, **values: Any) -> None:
        self.reason_code = reason.value
        self.message = SENTENCES[reason].format(**values)
        self.values: dict[str, Any] = values
        super().__init__(self.message)


def named(leads: Sequence[str]) -> str:
    """Leads as a clinician would say them: ``V4 to V6 are``, ``aVF is``, ``I, V1 and V2 are``."""
    places = sorted(TWELVE.index(lead) for lead in leads)
    groups = [
        [place for _, place in group]
        for _, group in itertools.groupby(enumerate(places), key=lambda pair: pair[1] - pair[0])
    ]
    parts: list[str] = []
    for group in groups:
        names = [TWELVE[place] for place in group]
        parts.extend([f"{names[0]} to {names[-1]}"] if len(names) > 2 else names)
    joined = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{joined} {'is' if len(leads) == 1 else 'are'}"
