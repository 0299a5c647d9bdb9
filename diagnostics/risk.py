"""From what the models answered to High, Moderate or Low, with reasons. Rules only; no patient data, no database.

Source: clinical grading of the labels for triage, to be reviewed by the responsible cardiologist; a label stands for
what the picture shows, not for the patient's prognosis. The rule is monotone: a further or worse label never lowers the level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from ml.contract import ModelResult, Outcome, as_percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RiskLevel(models.TextChoices):
    """Triage level of a diagnosis."""

    LOW = "low", "Low"
    MODERATE = "moderate", "Moderate"
    HIGH = "high", "High"


ORDER = (RiskLevel.LOW, RiskLevel.MODERATE, RiskLevel.HIGH)

# What an ECG shows.
TRACE_RISK: dict[str, tuple[RiskLevel, str]] = {
    "Normal": (RiskLevel.LOW, "a normal beat"),
    "PAC": (RiskLevel.LOW, "a premature atrial beat, common and mostly harmless when rare"),
    "RBBB": (
        RiskLevel.MODERATE,
        "right bundle branch block, which may point to structural heart or lung disease",
    ),
    "PVC": (
        RiskLevel.MODERATE,
        "a premature ventricular beat; how many there are and the heart's function decide",
    ),
    "LBBB": (
        RiskLevel.MODERATE,
        "left bundle branch block, which is often a sign of structural heart disease",
    ),
    "VF": (RiskLevel.HIGH, "ventricular fibrillation, a life-threatening rhythm"),
    # Classes of 12-lead pages. An infarction that is not said to be old is taken for acute until proven otherwise.
    "Normal ECG": (RiskLevel.LOW, "a normal ECG"),
    "Abnormal heartbeat": (
        RiskLevel.MODERATE,
        "abnormal heartbeats, which may be a disturbance of rhythm or of conduction",
    ),
    "Myocardial infarction": (
        RiskLevel.HIGH,
        "myocardial infarction, to be taken for acute until symptoms, troponin and earlier ECGs say otherwise",
    ),
    "History of MI": (RiskLevel.MODERATE, "signs of an earlier myocardial infarction"),
    # Superclasses of twelve leads. That an infarction is acute cannot be said from them, hence not High.
    "NORM": (RiskLevel.LOW, "a normal ECG"),
    "MI": (RiskLevel.MODERATE, "signs of myocardial infarction, which may be old or recent"),
    "STTC": (
        RiskLevel.MODERATE,
        "changes of ST segment or T wave, which have many causes, ischaemia among them",
    ),
    "CD": (RiskLevel.MODERATE, "a conduction disturbance, which may point to structural heart disease"),
    "HYP": (RiskLevel.MODERATE, "signs of hypertrophy, which may come from high blood pressure or a valve"),
}
# What a chest X-ray shows. A heart at the limit is Moderate as a model that is not sure is: a person has to look.
CHEST_RISK: dict[str, tuple[RiskLevel, str]] = {
    "Normal heart size": (RiskLevel.LOW, "a heart of normal size"),
    "Borderline heart size": (
        RiskLevel.MODERATE,
        "a heart at the limit of normal size, which an antero-posterior film or a shallow breath may explain",
    ),
    "Cardiomegaly": (
        RiskLevel.MODERATE,
        "an enlarged heart shadow, which may point to heart failure, a valve or fluid around the heart",
    ),
}
LABEL_RISK = TRACE_RISK | CHEST_RISK


# Below this probability a label that is in every set of a model says nothing about one patient. To be reviewed by the cardiologist.
_SAYS_SOMETHING = 0.05


def assess(
    results: Iterable[ModelResult], *, in_every_set: Mapping[str, frozenset[str]] | None = None
) -> tuple[RiskLevel | None, list[str]]:
    """The highest level among the labels that the models give or cannot exclude, and a sentence for each.

    Returns (None, [reason]) when no model could answer. An abstention is at least Moderate: a person has to look.

    Args:
        results: the answers that decide.
        in_every_set: labels that a model has in all its prediction sets, by its name: of too few examples to exclude them by a set. Such
            a label raises the level only where its own probability says something, and is always named.
    """
    level: RiskLevel | None = None
    reasons: list[str] = []
    for result in results:
        if result.outcome is Outcome.PREDICTED and result.label is not None:
            risk, meaning = LABEL_RISK[result.label]
            level = _higher(level, risk)
            reasons.append(
                f"{result.model} sees {meaning} ({result.label}, {as_percent(result.confidence or 0)})."
            )
        elif result.outcome is Outcome.ABSTAINED:
            level = _higher(level, RiskLevel.MODERATE)
            reasons.append(f"{result.model} is not sure enough to answer; a person has to look.")
        else:
            continue
        for label in result.prediction_set:
            if label == result.label:
                continue
            share = result.probabilities.get(label, 1.0)
            if label in (in_every_set or {}).get(result.model, ()) and share < _SAYS_SOMETHING:
                reasons.append(
                    f"{result.model} learnt from too few examples of {label} to exclude it; here its probability is "
                    f"{as_percent(share)}."
                )
            else:
                risk, meaning = LABEL_RISK[label]
                level = _higher(level, risk)
                reasons.append(f"{label} cannot be excluded: {meaning}.")
    return level, reasons or ["No model could read this file, so no risk was determined."]


def _higher(one: RiskLevel | None, other: RiskLevel) -> RiskLevel:
    return other if one is None else max(one, other, key=ORDER.index)
