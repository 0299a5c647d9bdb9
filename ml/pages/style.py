"""What a printed page looks like: paper, grid, pen, letters and words, all made up."""

from __future__ import annotations

import dataclasses
import importlib.util
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import ImageFont

from ml.pages.layouts import LAYOUTS

Colour = tuple[int, int, int]
Grid = Literal["lines", "dots", "bold", "none"]

FONTS = ("default", "DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "STIXGeneral", "cmss10")
# Paper, 1-mm lines, 5-mm lines.
PAPERS: dict[str, tuple[Colour, Colour, Colour]] = {
    "pink": ((255, 247, 245), (250, 208, 205), (238, 160, 158)),
    "white": ((254, 254, 254), (236, 214, 216), (226, 178, 182)),
    "salmon": ((252, 232, 222), (240, 182, 162), (222, 130, 110)),
    "red": ((255, 252, 250), (244, 150, 150), (220, 80, 84)),
    "orange": ((255, 250, 240), (250, 212, 160), (238, 170, 96)),
    "green": ((248, 254, 246), (190, 226, 188), (120, 186, 122)),
    "blue": ((247, 250, 255), (190, 210, 240), (128, 164, 218)),
    "grey": ((252, 252, 252), (222, 222, 222), (188, 188, 188)),
}
INKS: tuple[Colour, ...] = ((12, 12, 14), (0, 0, 0), (40, 40, 46), (28, 30, 78), (64, 58, 58))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PageStyle:
    """Everything about a page but the heartbeats.

    Attributes:
        layout: a name of `ml.pages.layouts.LAYOUTS`.
        px_per_mm: pixels per millimetre of paper; 4 is about 100 dpi.
        mm_per_s: paper speed, 25 or 50.
        mm_per_mv: gain, 5, 10 or 20.
        paper_mm: width and height of the sheet.
        margins_mm: left, top, right and bottom of the grid.
        paper: a name of `PAPERS`.
        grid: ``lines``; ``dots``, where the 1-mm lines are dots; ``bold``, where there are only 5-mm lines;
            ``none``, plain paper.
        frame: whether a line runs around the grid.
        ink: colour of trace and letters.
        pen_mm: width of the trace.
        font: a name of `FONTS`.
        letter_mm: height of the lead names.
        name_at: where the lead names stand: over the trace, or well above it.
        separators: between columns: nothing, short ticks on each row, or long lines.
        gap_mm: empty paper between columns.
        pulse: side on which the calibration pulse stands.
        pulse_s: its duration; 0.2 s is the standard, some printers draw 0.1 s.
        words: lines of the header, and one of the footer; empty for none.
    """

    layout: str = "3x4+1"
    px_per_mm: float = 4.0
    mm_per_s: float = 25.0
    mm_per_mv: float = 10.0
    paper_mm: tuple[float, float] = (297.0, 210.0)
    margins_mm: tuple[float, float, float, float] = (8.0, 36.0, 8.0, 9.0)
    paper: str = "pink"
    grid: Grid = "lines"
    frame: bool = False
    ink: Colour = (12, 12, 14)
    pen_mm: float = 0.35
    font: str = "default"
    letter_mm: float = 3.0
    name_at: Literal["near", "above"] = "above"
    separators: Literal["none", "ticks", "lines"] = "none"
    gap_mm: float = 0.0
    pulse: Literal["left", "right", "none"] = "left"
    pulse_s: float = 0.2
    words: tuple[str, ...] = ("ECG REPORT", "ID 000000", "25 mm/s  10 mm/mV")

    @property
    def seconds(self) -> float:
        """Time from the left to the right end of a row: 250 mm."""
        return 250.0 / self.mm_per_s


def font(name: str, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A typeface that comes with Pillow or with matplotlib.

    Args:
        name: one of `FONTS`.
        size: height, pixels.

    Raises:
        ValueError: when there is no such typeface.
    """
    if name not in FONTS:
        raise ValueError(f"unknown font {name!r}; the fonts are {', '.join(FONTS)}")
    return _font(name, max(6, round(size)))


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if name == "default":
        return ImageFont.load_default(size)
    spec = importlib.util.find_spec("matplotlib")  # only found, not imported: its fonts are what is wanted
    if spec is None or spec.origin is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(
        str(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"), size
    )


def _words(rng: np.random.Generator, mm_per_s: float, mm_per_mv: float) -> tuple[str, ...]:
    """A made-up header and footer."""
    title = str(rng.choice(["ECG REPORT", "Resting ECG", "12-Lead ECG", "Electrocardiogram", ""]))
    number, age = int(rng.integers(10_000, 999_999)), int(rng.integers(18, 95))
    day = f"{rng.integers(1, 29):02d}-{rng.integers(1, 13):02d}-{rng.integers(2001, 2026)}"
    when = f"{day} {rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}"
    lines = [
        title,
        f"ID: {number}    {age} Years    {rng.choice(['Male', 'Female', ''])}    {when}",
        str(rng.choice(["Diagnosis:", "Unconfirmed", "Technician:        Ref. Phys.:", "Rate    PR    QRS    QT/QTc", ""])),
    ]  # fmt: skip
    band = rng.choice(["0.05-150 Hz", "0.67-25Hz AC50", "0.5-40 Hz F 50~"])
    return (*lines, f"{mm_per_s:g}mm/s  {mm_per_mv:g}mm/mV  {band}  {number % 997}")


def random_style(
    rng: np.random.Generator,
    *,
    px_per_mm: float | None = None,
    layout: str | None = None,
    gridless: float = 0.0,
) -> PageStyle:
    """A page as one of many printers and hospitals would print it.

    Args:
        rng: where chance comes from; the same state gives the same style.
        px_per_mm: pixels per millimetre; 3.7 to 8 if None.
        layout: a name of `LAYOUTS`; any, the usual 3x4+1 most often and 6x2+1 never, if None.
        gridless: share of pages printed on plain white paper, half of them in 6x2+1 unless a layout is given.
    """
    name = layout or str(rng.choice(list(LAYOUTS), p=[0.15, 0.5, 0.2, 0.15, 0.0]))
    speed = 50.0 if rng.random() < 0.06 else 25.0
    gain = float(rng.choice([10.0, 5.0, 20.0], p=[0.86, 0.09, 0.05]))
    whole = rng.random() < 0.35  # the grid fills the sheet, and the words stand on it
    margins = (
        (0.0, 0.0, 0.0, 0.0)
        if whole
        else (
            float(rng.uniform(4, 9)),
            float(rng.uniform(22, 40)),
            float(rng.uniform(4, 9)),
            float(rng.uniform(6, 12)),
        )
    )
    style = PageStyle(
        layout=name,
        px_per_mm=float(rng.uniform(3.7, 8.0)) if px_per_mm is None else px_per_mm,
        mm_per_s=speed,
        mm_per_mv=gain,
        paper_mm=(297.0, 210.0) if rng.random() < 0.7 else (284.0, 216.0),
        margins_mm=margins,
        paper=str(rng.choice(list(PAPERS))),
        grid="lines" if (draw := rng.random()) < 0.7 else "dots" if draw < 0.92 else "bold",
        frame=bool(rng.random() < 0.4),
        ink=INKS[int(rng.integers(len(INKS)))],
        pen_mm=float(rng.uniform(0.22, 0.55)),
        font=str(rng.choice(FONTS)),
        letter_mm=float(rng.uniform(2.4, 3.6)),
        name_at="near" if rng.random() < 0.4 else "above",
        separators=("none", "ticks", "lines")[int(rng.integers(3))],
        gap_mm=0.0 if rng.random() < 0.7 else float(rng.uniform(0.5, 2.0)),
        pulse=("left", "left", "left", "right", "none")[int(rng.integers(5))],
        pulse_s=0.1 if speed == 25.0 and rng.random() < 0.2 else 0.2,
        words=_words(rng, speed, gain),
    )
    if not gridless or rng.random() >= gridless:
        return style
    other = "6x2+1" if layout is None and rng.random() < 0.5 else name
    return dataclasses.replace(
        style, layout=other, grid="none", paper="white", frame=False, ink=INKS[int(rng.integers(3))]
    )
