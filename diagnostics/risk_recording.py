"""From what was measured in a recording to High, Moderate or Low, with reasons. Rules only; no patient data, no database.

Limits, to be reviewed by the responsible cardiologist: runs of ventricular beats and their burden after the 2017 AHA/ACC/HRS
guideline on ventricular arrhythmias (15.6: more than about 10 to 15 % can weaken the heart), pauses after the 2018 ACC/AHA/HRS
guideline on bradycardia (more than 3 s), QTc after the AHA/ACCF/HRS recommendations of 2009 (above 500 ms: danger of torsade).
Each rule can only raise the level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnostics.opinions import BESIDE
from diagnostics.risk import LABEL_RISK, ORDER, RiskLevel
from ml.contract import ModelResult, Outcome, as_percent, share_as_percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BURDEN_PERCENT = 10.0
PAUSE_S = 3.0
SLOW_BPM, FAST_BPM = 40.0, 150.0
QTC_LONG_MS, QTC_DANGEROUS_MS = 470.0, 500.0
LEAST_ANALYSABLE = 0.5
NO_HEARTBEAT = "no repeating heartbeat"
BLOCKS = {
    "LBBB": "left bundle branch block, which is often a sign of structural heart disease",
    "RBBB": "right bundle branch block, which may point to structural heart or lung disease",
}

Finding = tuple[RiskLevel, str]


def assess_recording(
    summary: dict[str, Any], results: Iterable[ModelResult] = ()
) -> tuple[RiskLevel, list[str]]:
    """The highest level among the findings of a recording, and a sentence for each that is above Low, or one that none is.

    Of the models' answers only second opinions count here: what the beat model found is in the summary.
    """
    findings = [
        *_episodes(summary),
        *_beats(summary),
        *intervals(summary),
        *_readability(summary),
        *second_opinion(results),
    ]
    level = max((level for level, _ in findings), key=ORDER.index, default=RiskLevel.LOW)
    ordered = sorted(findings, key=lambda one: -ORDER.index(one[0]))
    return level, [text for _, text in ordered] or [
        "Nothing above low risk was found in what could be analysed."
    ]


def _episodes(summary: dict[str, Any]) -> Iterator[Finding]:
    episodes = summary["measures"]["episodes"]
    of_kind = {kind: [e for e in episodes if e["kind"] == kind] for kind in {e["kind"] for e in episodes}}
    if found := of_kind.get("ventricular_fibrillation"):
        yield (
            RiskLevel.HIGH,
            f"{len(found)} stretch(es) look like ventricular fibrillation or tachycardia, a life-threatening rhythm.",
        )
    if found := of_kind.get("ventricular_run"):
        longest = max(found, key=lambda e: e["beats"])
        rate = f" at {longest['rate_bpm']:.0f} bpm" if longest["rate_bpm"] else ""
        yield (
            RiskLevel.HIGH,
            f"{len(found)} run(s) of premature ventricular beats, the longest of {longest['beats']} beats{rate}.",
        )
    if found := of_kind.get("ventricular_couplet"):
        yield RiskLevel.MODERATE, f"{len(found)} pair(s) of premature ventricular beats."
    if found := [e for e in of_kind.get("pause", []) if e["end_s"] - e["start_s"] > PAUSE_S]:
        longest_s = max(e["end_s"] - e["start_s"] for e in found)
        yield (
            RiskLevel.HIGH,
            f"{len(found)} pause(s) of more than {PAUSE_S:.0f} s, the longest of {longest_s:.1f} s.",
        )
    elif found := of_kind.get("pause"):
        yield RiskLevel.MODERATE, f"{len(found)} pause(s) of more than 2 s."
    if found := of_kind.get("atrial_run"):
        yield RiskLevel.MODERATE, f"{len(found)} run(s) of premature atrial beats."


def _beats(summary: dict[str, Any]) -> Iterator[Finding]:
    burden = summary["measures"]["burden"]
    percent = burden.get("ventricular_percent") or 0.0
    if percent >= BURDEN_PERCENT:
        yield (
            RiskLevel.MODERATE,
            f"{percent:.0f} % of the beats are premature ventricular beats; so many can weaken the heart.",
        )
    elif burden["counts"].get("PVC", 0) >= 3:
        yield (
            RiskLevel.MODERATE,
            f"{burden['counts']['PVC']:,} premature ventricular beats ({percent:.1f} %).",
        )
    for label, meaning in BLOCKS.items():
        if burden["counts"].get(label, 0) > 0.5 * max(1, burden["beats"]):
            yield RiskLevel.MODERATE, f"Most beats look like {meaning}."
    unsure = burden["counts"].get("unsure", 0)
    if unsure > 0.2 * max(1, burden["beats"]):
        yield RiskLevel.MODERATE, f"The model was not sure about {unsure:,} beats; a person has to read them."


def intervals(summary: dict[str, Any]) -> Iterator[Finding]:
    """What rate and QTc say, each above Low."""
    rate, qtc = summary["measures"]["heart_rate"], summary["measures"]["qtc"]
    if (slowest := rate.get("min_bpm")) is not None and slowest < SLOW_BPM:
        yield RiskLevel.MODERATE, f"The heart rate falls to {slowest:.0f} bpm."
    if (fastest := rate.get("max_bpm")) is not None and fastest > FAST_BPM:
        yield RiskLevel.MODERATE, f"The heart rate rises to {fastest:.0f} bpm."
    if qtc and qtc["fridericia_ms"] > QTC_DANGEROUS_MS:
        yield (
            RiskLevel.HIGH,
            f"QTc (Fridericia) is {qtc['fridericia_ms']:.0f} ms, so long that dangerous rhythms may follow.",
        )
    elif qtc and qtc["fridericia_ms"] > QTC_LONG_MS:
        yield RiskLevel.MODERATE, f"QTc (Fridericia) is {qtc['fridericia_ms']:.0f} ms, which is long."


def second_opinion(results: Iterable[ModelResult]) -> Iterator[Finding]:
    """What twelve leads are suspected of; an abstention is Moderate, for a person has to look."""
    for result in results:
        if result.model not in BESIDE:
            continue
        for label in result.suspected:
            level, meaning = LABEL_RISK[label]
            yield (
                level,
                f"{result.model} suspects {meaning} ({label}, {as_percent(result.probabilities[label])}).",
            )
        if result.outcome is Outcome.ABSTAINED:
            yield (
                RiskLevel.MODERATE,
                f"{result.model} is not sure enough to answer; a person has to read the twelve leads.",
            )


def _readability(summary: dict[str, Any]) -> Iterator[Finding]:
    causes = {cause for stretch in summary["unanalysable"] for cause in stretch["causes"]}
    if any(NO_HEARTBEAT in cause for cause in causes):
        yield (
            RiskLevel.HIGH,
            "In some stretches no heartbeat repeats: noise, or ventricular fibrillation. Look at the trace now.",
        )
    if summary["analysable_s"] < LEAST_ANALYSABLE * summary["seconds"]:
        part = summary["analysable_s"] / max(summary["seconds"], 1e-9)
        yield (
            RiskLevel.MODERATE,
            f"Only {share_as_percent(part)} of the recording could be analysed; a person has to read the rest.",
        )
    if summary["pacemaker"]:
        yield RiskLevel.MODERATE, "The file names a pacemaker; the beat model was not trained on paced beats."
