"""From the answers to a 12-lead page, and what was measured on it, to High, Moderate or Low, with reasons. Rules only.

The labels are graded in `diagnostics.risk`; the limits of rate and QTc are those of recordings (`diagnostics.risk_recording`). Each
rule can only raise the level, so that a further finding never lowers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnostics import opinions, risk
from diagnostics.risk import ORDER, RiskLevel
from diagnostics.risk_recording import FAST_BPM, SLOW_BPM, intervals, second_opinion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml.contract import ModelResult

Finding = tuple[RiskLevel, str]


def assess_page(
    summary: dict[str, Any],
    results: Sequence[ModelResult],
    *,
    in_every_set: Mapping[str, frozenset[str]] | None = None,
) -> tuple[RiskLevel | None, list[str]]:
    """The highest level among labels and measurements, and a sentence for each; `in_every_set` as in `risk.assess`.

    Returns (None, [reason]) when no model could answer and nothing that was measured is above Low.
    """
    decides = opinions.deciding(results)
    level, reasons = risk.assess(decides, in_every_set=in_every_set)
    beside = [result for result in results if result not in decides]
    findings = [
        *second_opinion(beside),
        *_rate(summary),
        *intervals(summary),
        *_readability(summary, decides),
        *_stability(decides),
    ]
    findings.sort(key=lambda one: -ORDER.index(one[0]))
    levels = [one for one, _ in findings] + ([level] if level else [])
    return max(levels, key=ORDER.index, default=None), [*reasons, *(text for _, text in findings)]


def _rate(summary: dict[str, Any]) -> Iterator[Finding]:
    rate = summary["measures"]["heart_rate"]["mean_bpm"]
    if rate is not None and not SLOW_BPM <= rate <= FAST_BPM:
        yield RiskLevel.MODERATE, f"The heart rate is {rate:.0f} bpm."


def _stability(decides: Sequence[ModelResult]) -> Iterator[Finding]:
    """An answer that depends on how the page lies is none to rely on."""
    if said := opinions.unstable(decides):
        yield RiskLevel.MODERATE, said


def _readability(summary: dict[str, Any], decides: Sequence[ModelResult]) -> Iterator[Finding]:
    """A page of which a part is missing may hide a finding; one that nothing answered has no level to be raised."""
    if summary["page"]["outside"] and any(result.label for result in decides):
        leads = ", ".join(summary["page"]["outside"])
        yield RiskLevel.MODERATE, f"{leads} could not be seen; a person has to read them on another picture."
