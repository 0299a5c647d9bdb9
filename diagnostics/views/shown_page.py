"""A digitised 12-lead page as the result page shows it: shapes for the components, no decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from diagnostics.views.shown import fact, milliseconds

if TYPE_CHECKING:
    from diagnostics.models import Recording

LAYOUTS = {
    "3x4": "3 rows of 4 columns",
    "3x4+1": "3 rows of 4 columns and a rhythm strip",
    "6x2": "6 rows of 2 columns",
    "12x1": "12 rows",
    "6x2+1": "6 rows of 2 columns and a rhythm strip",
}
# Kept pictures that are laid over each other; the others show the steps.
GROUND, TRACE = "cropped", "trace"


def page_of(recording: Recording | None) -> dict[str, Any] | None:
    """What diagnostics/_page.html needs; None for anything but a page."""
    if recording is None or "page" not in recording.summary:
        return None
    pictures = {
        one["name"]: one | {"url": reverse("diagnostics:page-picture", args=[recording.pk, one["name"]])}
        for one in recording.summary["pictures"]
    }
    return {
        "ground": pictures.get(GROUND),
        "trace": pictures.get(TRACE),
        "lead_maps": {
            one["model"]: reverse("diagnostics:page-picture", args=[recording.pk, one["name"]])
            for one in recording.summary.get("lead_maps", [])
        },
        "steps": [one for name, one in pictures.items() if name != TRACE],
        "facts": _facts(recording),
        "leads": _leads(recording),
        "notes": recording.summary["page"]["notes"],
    }


def _facts(recording: Recording) -> list[dict[str, Any]]:
    page, measures = recording.summary["page"], recording.summary["measures"]
    durations, qtc = measures["durations"] or {}, measures["qtc"] or {}
    rate, axis = measures["heart_rate"]["mean_bpm"], measures["axis_deg"]
    origin = "read from the calibration pulse" if page["calibrated"] else "assumed: there is no pulse"
    if page.get("scale_from") == "rows":  # not told of results of earlier versions
        origin = "assumed: there is neither a grid nor a pulse, so nothing is measured"
    sheet = [fact("Page of the PDF", page["sheet"])] if page["sheet"] else []
    return [
        *sheet,
        fact("Layout", LAYOUTS.get(page["layout"], page["layout"])),
        fact("Calibration", f"{page['mm_per_s']:g} mm/s, {page['mm_per_mv']:g} mm/mV, {origin}"),
        fact("Heart rate", "not measurable" if rate is None else f"{rate:.0f} bpm"),
        fact("Axis", "not measurable" if axis is None else f"{axis:.0f}°"),
        fact("PR", milliseconds(durations.get("pr_ms"))),
        fact("QRS", milliseconds(durations.get("qrs_ms"))),
        fact("QT", milliseconds(durations.get("qt_ms"))),
        fact("QTc (Fridericia)", milliseconds(qtc.get("fridericia_ms"))),
        fact("QTc (Bazett)", milliseconds(qtc.get("bazett_ms"))),
    ]


def _leads(recording: Recording) -> dict[str, Any]:
    """Quality of every lead, as a table."""
    heads = ("Lead", "Could be followed", "What lowers it")
    judged = recording.summary["page"]["leads"]
    rows = [
        [
            {"label": heads[0], "value": lead},
            {"label": heads[1], "value": f"{100 * judged[lead]['quality']:.0f} %", "numeric": True},
            {"label": heads[2], "value": " ".join(judged[lead]["reasons"]) or "nothing"},
        ]
        for lead in recording.leads  # the usual order
    ]
    columns = [{"label": head, "numeric": place == 1} for place, head in enumerate(heads)]
    return {"caption": "Quality of every lead, from 0 to 100 %", "columns": columns, "rows": rows}
