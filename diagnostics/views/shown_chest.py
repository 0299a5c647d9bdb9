"""The measurement of a chest X-ray as the result page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnostics.opinions import CHEST
from diagnostics.views.shown import fact

if TYPE_CHECKING:
    from diagnostics.models import Diagnosis


def measured(diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Facts of the measurement and what a person must check; None where nothing was measured."""
    said: dict[str, Any] = next((one.explanation for one in diagnosis.answers() if one.model == CHEST), {})
    found: dict[str, Any] = said.get("measurement") or {}
    warnings: dict[str, str] = said.get("warnings") or {}
    if not found:
        return {"facts": [], "warnings": list(warnings.values())} if warnings else None
    low, high = found["low"], found["high"]
    facts = [
        fact("Cardiothoracic ratio", f"{found['ratio']:.2f}"),
        fact("90 % interval", f"{low:.2f} to {high:.2f}"),
        fact("Standard error", f"{found['error']:.3f}"),
        fact("Diameter of the heart", _length(found["heart"], found["spacing_of"])),
        fact("Diameter of the chest", _length(found["chest"], found["spacing_of"])),
    ]
    return {"facts": facts, "warnings": list(warnings.values())}


def _length(diameter: dict[str, Any], spacing_of: str | None) -> str:
    """In millimetres where the object says how large a pixel is; at the detector everything is magnified."""
    if diameter["mm"] is None:
        return f"{diameter['x1'] - diameter['x0']:.0f} pixels"
    return f"{diameter['mm']:.0f} mm{', at the detector' if spacing_of == 'detector' else ''}"
