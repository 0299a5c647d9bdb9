"""A picture of a page in, twelve calibrated leads out."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.pages.gridless import gridless_page
from ml.pages.reading import FS, Reading, limb_residual, read_page, rhythm_lead, sampled
from ml.pages.reasons import PageReason, UnusablePage, named
from ml.pages.rectify import StraightPage, quarter_turned, straightened, turned_over
from ml.recordings.leads import TWELVE
from ml.recordings.recording import Recording

_SMALLEST = 380  # pixels of the shorter side
_LEAST_PX_PER_MM = 2.2
_PULSE_SURE = 0.6
_DOUBTFUL_LIMB, _FITTING_LIMB = 0.35, 0.3
_CONTRADICTING_LIMB = (
    0.55  # of 49 real pages that were read, two had more: both of an arrangement unknown here, and misread
)
_FAINT = 0.22
_TINTED = 150.0  # grey level of paper that is in the light, but not mirrored
_BLACK, _MOST_BLACK = 64.0, 0.08  # grey level, and part of a page: more cannot be traces
_LEAST_QUALITY = 0.3
_DARK = 112.0  # grey level: paper that fills a picture is lighter than that in any light to read in


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeadQuality:
    """How far a digitised lead can be trusted.

    Attributes:
        score: 0 to 1.
        reasons: sentences about what lowers it.
    """

    score: float
    reasons: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DigitisedPage:
    """A page as signals.

    Attributes:
        signals: shape (12, n), millivolt, in the order of `ml.recordings.leads.TWELVE`; NaN where a lead is not printed or
            cannot be read. 0 mV is the median of each lead.
        fs: sampling rate, Hz.
        layout: name of the layout.
        mm_per_s: paper speed.
        mm_per_mv: gain.
        assumptions: sentences about what the page does not show and was taken to be the standard.
        quality: of every lead, by name.
        outside: leads that lie outside the picture.
        limb_residual: departure from Einthoven's law, 0 to about 1; NaN when it cannot be checked.
        upside_down: whether the picture showed the page upside down.
        page: the straightened page, upright.
        reading: where every trace lies on it.
    """

    signals: NDArray[np.float32]
    fs: float
    layout: str
    mm_per_s: float
    mm_per_mv: float
    assumptions: tuple[str, ...]
    quality: dict[str, LeadQuality]
    outside: tuple[str, ...]
    limb_residual: float
    upside_down: bool
    page: StraightPage
    reading: Reading

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything a reader of the signals must know."""
        missing = (
            (UnusablePage(PageReason.LEADS_OUTSIDE, leads=named(self.outside)).message,)
            if self.outside
            else ()
        )
        return (*missing, *self.assumptions)

    def recording(self) -> Recording:
        """The leads as a recording, for everything that measures recordings."""
        return Recording(
            leads=TWELVE,
            signals=self.signals,
            fs=self.fs,
            started_at=None,
            source_format="page",
            units=("mV",) * len(TWELVE),
            warnings=self.notes,
        )

    def as_json(self) -> dict[str, Any]:
        """Everything but signals and pictures, as JSON types."""
        residual = self.limb_residual
        return {
            "layout": self.layout,
            "fs": self.fs,
            "seconds": self.signals.shape[1] / self.fs,
            "mm_per_s": self.mm_per_s,
            "mm_per_mv": self.mm_per_mv,
            "scale_from": self.page.scale_from,
            "px_per_mm": [round(v, 3) for v in self.page.grid.px_per_mm],
            "upside_down": self.upside_down,
            "turned_degrees": self.page.turned,
            "limb_residual": round(residual, 4) if np.isfinite(residual) else None,
            "leads": {
                lead: {"quality": round(judged.score, 3), "reasons": list(judged.reasons)}
                for lead, judged in self.quality.items()
            },
            "outside": list(self.outside),
            "notes": list(self.notes),
        }


def _why_no_grid(picture: NDArray[np.uint8]) -> PageReason:
    """The likeliest reason why no grid was found."""
    grey = picture[::2, ::2].mean(axis=2)
    if np.median(grey) < _DARK:
        return PageReason.NOT_ECG
    rest = grey[grey <= 252]
    if 0.2 < rest.size / grey.size < 0.8 and np.median(rest) > _TINTED:  # not the white of a letter
        return PageReason.COVERED if (grey < _BLACK).mean() > _MOST_BLACK else PageReason.GLARE
    steep = np.abs(np.diff(grey, axis=1))
    if grey.std() > 6 and np.percentile(steep, 99.5) < 0.35 * grey.std():
        return PageReason.BLURRED
    return PageReason.NO_GRID


def _oriented(page: StraightPage) -> tuple[StraightPage, Reading]:
    """The page and its reading the right way up: as it lies, upside down, or turned by 90 degrees to either side.

    A grid looks the same from all four sides. Rows of a layout show the side, most often the long one.
    """
    sides = [page, quarter_turned(page)]
    if page.inside.shape[0] > page.inside.shape[1]:
        sides.reverse()
    likely = _upright(sides[0])
    if likely is not None:
        return likely
    other = _upright(sides[1])
    if other is not None and (_sure(other[1]) or _limb_residual(*other) < _FITTING_LIMB):
        return other
    raise UnusablePage(PageReason.LAYOUT_UNKNOWN)


def _sure(reading: Reading | None) -> bool:
    """Whether a calibration pulse stands upright beyond doubt."""
    return reading is not None and reading.pulse is not None and reading.pulse.score > _PULSE_SURE


def _limb_residual(page: StraightPage, reading: Reading) -> float:
    return limb_residual(_by_lead(reading, page.scale))


def _upright(page: StraightPage) -> tuple[StraightPage, Reading] | None:
    """The page as it is or turned over, and its reading; None when neither shows the rows of a layout.

    A pulse stands upright only the right way up; without one, Einthoven's law holds only then.
    """
    first = read_page(page)
    if first is not None and _sure(first):
        return page, first
    turned = turned_over(page)
    second = read_page(turned)
    if first is None or second is None:
        if second is not None:
            return turned, second
        return (page, first) if first is not None else None
    if _sure(second):
        return turned, second
    if _limb_residual(page, first) <= _limb_residual(turned, second):
        return page, first
    return turned, second


def _by_lead(reading: Reading, scale: int) -> dict[str, NDArray[np.float64]]:
    """Signals of the columns (not of rhythm strips), millivolt."""
    return {trace.lead: sampled(trace, reading, scale) for trace in reading.traces if not trace.rhythm}


_OTHER_PAPER = (
    "The squares of the grid are not the 5 mm of standard paper: time and voltage were taken from the calibration pulse, "
    "as 0.2 s and 1 mV."
)


_NO_GRID = (
    "The paper has no grid: time and voltage were taken from the calibration pulses (1 mV) and from the length of the rows "
    "(ten seconds, where they are of the usual 250 mm)."
)
_SCALE_ASSUMED = (
    "The paper has neither a grid nor a calibration pulse: it is assumed that every row lasts ten seconds and that the gain is "
    "10 mm/mV. Intervals and voltages are not measured on such a page; compare with what is printed on it."
)


def _assumptions(page: StraightPage, reading: Reading, strip: str | None) -> tuple[str, ...]:
    unknown = (
        ("The rhythm strip is like none of the leads above it and was left out.",)
        if strip is None and reading.layout.rhythm
        else ()
    )
    if page.scale_from != "grid":
        return (*unknown, _NO_GRID if page.scale_from == "pulse" else _SCALE_ASSUMED)
    if reading.pulse is not None:
        return unknown if reading.pulse.standard else (*unknown, _OTHER_PAPER)
    return (
        *unknown,
        "The page shows no calibration pulse: 25 mm/s and 10 mm/mV are assumed; compare with what is printed on it.",
    )


def _judged(
    reading: Reading, signals: NDArray[np.float32], residual: float, columns: dict[str, NDArray[np.float64]]
) -> dict[str, LeadQuality]:
    """Quality of every lead."""
    result = {}
    for index, lead in enumerate(TWELVE):
        if lead in reading.outside:
            result[lead] = LeadQuality(score=0.0, reasons=("It lies outside the picture.",))
            continue
        traces = [trace for trace in reading.traces if trace.lead == lead]
        support = max(trace.support for trace in traces)
        held = float(np.isfinite(columns[lead]).mean()) if lead in columns else 0.0
        score, reasons = support * held, []
        if support < 0.9 or held < 0.9:
            reasons.append(
                f"The trace is interrupted or pale: {100 * min(held, support):.0f} % of it could be followed."
            )
        if index < 6 and residual > _DOUBTFUL_LIMB:
            score *= 0.5
            reasons.append(
                "I, II and III do not fit each other (Einthoven), so that one of the limb leads was misread."
            )
        if reading.contrast < _FAINT:
            score *= 0.8
            reasons.append("The ink is hardly darker than the grid.")
        if (
            np.isfinite(signals[index]).any()
            and float(np.nanmax(signals[index]) - np.nanmin(signals[index])) < 0.03
        ):
            score *= 0.5
            reasons.append("The trace is flat.")
        result[lead] = LeadQuality(score=float(np.clip(score, 0.0, 1.0)), reasons=tuple(reasons))
    return result


def _without_grid(picture: NDArray[np.uint8]) -> tuple[StraightPage, Reading]:
    """The page and its reading where no grid was found."""
    why = _why_no_grid(picture)
    found = gridless_page(picture) if why != PageReason.NOT_ECG else None
    if found is None:
        raise UnusablePage(why)
    return found


def oriented_page(picture: NDArray[np.uint8]) -> tuple[StraightPage, Reading, bool]:
    """Straighten a picture of a page and turn it the right way up.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255.

    Returns:
        The page, what was read from it, and whether the picture showed it upside down. `StraightPage.turned` tells quarters, too.

    Raises:
        UnusablePage: too small, no grid, blurred, glare, or unknown layout.
    """
    if min(picture.shape[:2]) < _SMALLEST:
        raise UnusablePage(PageReason.TOO_SMALL, width=picture.shape[1], height=picture.shape[0])
    reading: Reading | None = None
    page = straightened(picture)
    if page is None:
        page, reading = _without_grid(picture)
    if min(page.grid.px_per_mm) < _LEAST_PX_PER_MM:
        raise UnusablePage(PageReason.TOO_SMALL, width=picture.shape[1], height=picture.shape[0])
    if reading is None:
        page, reading = _oriented(page)
    return page, reading, page.turned == 180


def digitise(picture: NDArray[np.uint8]) -> DigitisedPage:
    """Read the twelve leads of a scanned or photographed page.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255; the paper may be turned by up to 15 degrees, tilted, upside down, or on its side.

    Raises:
        UnusablePage: too small, no ECG, no grid, blurred, glare, unknown layout, limb leads that contradict each other, or
            nothing that can be followed.
    """
    page, reading, turned = oriented_page(picture)
    try:
        return _assembled(page, reading, turned=turned)
    except UnusablePage as refusal:
        # A pale grid may be found where it is not: what its pulses say is taken, if the limb leads agree then.
        doubtful = refusal.reason_code == PageReason.LEADS_DOUBTFUL and page.scale_from == "grid"
        other = gridless_page(picture) if doubtful else None
        if other is None or not _limb_residual(*other) < _FITTING_LIMB:
            raise
    return _assembled(*other, turned=other[0].turned == 180)


def _assembled(page: StraightPage, reading: Reading, *, turned: bool) -> DigitisedPage:
    px_per_s = reading.mm_per_s * page.scale
    start = min(trace.left for trace in reading.traces)
    end = max(trace.right for trace in reading.traces)
    signals = np.full((len(TWELVE), round((end - start) / px_per_s * FS)), np.nan, dtype=np.float32)
    strip = rhythm_lead(reading, page.scale)
    # A strip over the whole width is the better copy, and comes last.
    for trace in sorted(reading.traces, key=lambda t: t.rhythm):
        lead = strip if trace.rhythm else trace.lead
        if lead is None:
            continue
        values = sampled(trace, reading, page.scale)
        at = round((trace.left - start) / px_per_s * FS)
        row = signals[TWELVE.index(lead)]
        part = row[at : at + len(values)]
        part[:] = np.where(np.isfinite(values[: len(part)]), values[: len(part)], part)
    columns = _by_lead(reading, page.scale)
    residual = limb_residual(columns)
    if residual > _CONTRADICTING_LIMB:
        raise UnusablePage(PageReason.LEADS_DOUBTFUL)
    quality = _judged(reading, signals, residual, columns)
    if max(judged.score for judged in quality.values()) < _LEAST_QUALITY:
        raise UnusablePage(PageReason.NO_TRACES)
    return DigitisedPage(
        signals=signals,
        fs=FS,
        layout=reading.layout.name,
        mm_per_s=reading.mm_per_s,
        mm_per_mv=reading.mm_per_mv,
        assumptions=_assumptions(page, reading, strip),
        quality=quality,
        outside=reading.outside,
        limb_residual=residual,
        upside_down=turned,
        page=page,
        reading=reading,
    )
