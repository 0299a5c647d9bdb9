"""How twelve leads are arranged on a page."""

from __future__ import annotations

import dataclasses

from ml.recordings.leads import TWELVE


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """An arrangement of leads in rows and columns, each column the next stretch of time.

    Attributes:
        name: ``3x4``, ``3x4+1``, ``6x2``, ``12x1`` or ``6x2+1``.
        rows: names of the leads of each row, from left to right; all rows have as many.
        rhythm: leads that run over the whole width below the others.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        """Leads beside each other."""
        return len(self.rows[0])

    @property
    def strips(self) -> tuple[tuple[str, ...], ...]:
        """Leads of every row of the page, rhythm rows included."""
        return (*self.rows, *((lead,) for lead in self.rhythm))


_THREE = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
)
_SIX = tuple(zip(TWELVE[:6], TWELVE[6:], strict=True))
LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("3x4", _THREE),
        Layout("3x4+1", _THREE, ("II",)),
        Layout("6x2", _SIX),
        Layout("12x1", tuple((lead,) for lead in TWELVE)),
        Layout("6x2+1", _SIX, ("II",)),
    )
}
BY_ROWS: dict[int, Layout] = {len(layout.strips): layout for layout in LAYOUTS.values()}
