"""From clinical values to High, Moderate or Low, with reasons. Rules only; no patient data, no database.

In heart failure the model that decides gives the level, by limits that were fitted in its training and measured outside of it. Without
an answer of it the scores for people without disease do: SCORE2 by the categories of the 2021 ESC guideline on prevention (Visseren
FLJ and others, European Heart Journal 2021;42:3227: below 50 years high from 2.5 % and very high from 7.5 %, from 50 years on high
from 5 % and very high from 10 %), PREVENT by those of the 2019 ACC/AHA guideline (Arnett DK and others, Circulation 2019;140:e596:
intermediate from 7.5 %, high from 20 %). The higher one counts. To be reviewed by the responsible cardiologist. A score for which no
limits are published here leaves at least Moderate: a person has to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from diagnostics import opinions
from diagnostics.risk import ORDER, RiskLevel
from ml.clinical.scores.register import BY_NAME as SCORES
from ml.contract import ModelResult, Outcome, as_percent

# What a doctor confirms or finds instead, and what it says of the patient.
LEVELS: dict[str, tuple[RiskLevel, str]] = {
    "Low risk": (RiskLevel.LOW, "Low risk"),
    "Moderate risk": (RiskLevel.MODERATE, "Moderate risk"),
    "High risk": (RiskLevel.HIGH, "High risk"),
}
LABEL_OF: dict[str, str] = {str(level): label for label, (level, _) in LEVELS.items()}
YOUNG = 50.0
# Moderate and High from so many percent.
SCORE2_YOUNG, SCORE2_OLDER, PREVENT_LIMITS = (2.5, 7.5), (5.0, 10.0), (7.5, 20.0)
TOLD = 3  # contributions that are told as reasons

Finding = tuple[RiskLevel, str]


def assess_clinical(
    results: Iterable[ModelResult], contracts: Mapping[str, dict[str, Any]]
) -> tuple[RiskLevel | None, list[str]]:
    """The level and a sentence for each reason; (None, [reason]) where neither the model nor a score could answer.

    Args:
        results: of every clinical model and score.
        contracts: a model's model.json by its name: the measured death rate of each level.
    """
    every = list(results)
    scores = [one for one in every if one.model in SCORES and one.outcome is Outcome.PREDICTED]
    told = [one.message for one in opinions.in_order(scores)]
    model = next((one for one in every if one.model == opinions.CLINICAL), None)
    if model is not None and model.explanation.get("level"):
        said = _of_model(model, contracts.get(model.model, {}))
        return LEVELS[opinions.finding(model)][0], [*said, *told]
    levels = [_of_score(one) for one in scores]
    if not levels:
        return None, ["Neither a model nor a score could answer, so no risk was determined."]
    return max(levels, key=ORDER.index), told


def observed(contract: Mapping[str, Any], level: str) -> str:
    """How many patients of a level died in the measurement of the model, with the interval; "" where it was not measured."""
    measured = contract.get("metrics", {}).get("cross_validation", {}).get("levels", {}).get("levels", {})
    if level not in measured:
        return ""
    rate = measured[level]["rate"]
    return (
        f"Of the patients whom the model put at this level in its cross-validation, {rate['value']:.0%} died during follow-up"
        f" (95 % interval {rate['low']:.0%} to {rate['high']:.0%})."
    )


def _of_model(model: ModelResult, contract: Mapping[str, Any]) -> list[str]:
    said = model.explanation
    reasons = [f"{model.model} estimates a risk of death during follow-up of {as_percent(said['risk'])}."]
    reasons += [text for text in [observed(contract, said["level"])] if text]
    for part in [one for one in said["contributions"] if abs(one["amount"]) >= 0.005][:TOLD]:
        words = part["words"][0].upper() + part["words"][1:]
        verb = "raises" if part["amount"] > 0 else "lowers"
        points = abs(100.0 * part["amount"])
        reasons.append(
            f"{words} {verb} the risk by {points:.0f} percentage point{'s' * (round(points) != 1)}."
        )
    if said["imputed"]:
        count = len(said["imputed"])
        reasons.append(
            f"{count} value{'s are' if count > 1 else ' is'} missing; typical ones stand in, which draws the answer to the middle."
        )
    return reasons


def _of_score(score: ModelResult) -> RiskLevel:
    risks, age = score.explanation["risks"], score.explanation.get("age")
    if score.model == "score2" and age is not None:
        return _level(max(risks.values()), SCORE2_YOUNG if age < YOUNG else SCORE2_OLDER)
    if score.model == "prevent":
        return _level(max(risks.values()), PREVENT_LIMITS)
    return RiskLevel.MODERATE


def _level(percent: float, limits: tuple[float, float]) -> RiskLevel:
    moderate, high = limits
    return RiskLevel.HIGH if percent >= high else RiskLevel.MODERATE if percent >= moderate else RiskLevel.LOW
