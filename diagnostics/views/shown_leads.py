"""What every lead of a page weighs in a model's answer, as the result page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patients.charts import contribution_chart

if TYPE_CHECKING:
    from diagnostics.models import Prediction


def lead_chart(prediction: Prediction) -> dict[str, Any]:
    """What every lead weighs in a model's answer, the heaviest first: the context of components/contribution_chart.html."""
    said = prediction.explanation["leads"]
    falls = sorted(said["falls_by"].items(), key=lambda pair: -pair[1])
    heads = ["Lead", "Without it the probability falls by"]
    rows = [
        [
            {"label": heads[0], "value": lead},
            {"label": heads[1], "value": f"{100 * fall:.1f} points", "numeric": True},
        ]
        for lead, fall in falls
    ]
    columns = [{"label": head, "numeric": place == 1} for place, head in enumerate(heads)]
    return contribution_chart(
        key=f"leads-{prediction.pk}",
        title=f"What each lead weighs for {said['label']}: how far its probability falls when the lead is blanked",
        rows=[(lead, 100 * fall) for lead, fall in falls],
        unit="percentage points",
        table={"caption": "What each lead weighs", "columns": columns, "rows": rows},
    )
