"""From clinical values to High, Moderate or Low, with reasons. Rules only; no patient data, no database.

In heart failure the model that decides gives the level, by limits that were fitted in its training and measured outside of it. Where
heart failure is only assumed, because nobody recorded whether it was diagnosed, that is the first reason. Scores for people without
disease, SCORE2 and PREVENT, apply only where heart failure is denied or not recorded; they count by the categories of their guidelines
(`diagnostics.risk_categories`), beside the model's answer if there is one. The highest counts. A model that does not apply, because
heart failure is denied, says nothing: then the scores are what is left, and a score for which no limits are published here leaves at
least Moderate, as a person has to look. Without any answer there is no level. To be reviewed by the responsible cardiologist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from diagnostics import opinions
from diagnostics.risk import ORDER, RiskLevel
from diagnostics.risk_categories import called, category_of
from ml.clinical.answer import ClinicalReason
from ml.clinical.scores.register import BY_NAME as SCORES
from ml.contract import ModelResult, Outcome, as_percent, share_as_percent

# What a doctor confirms or finds instead, and what it says of the patient.
LEVELS: dict[str, tuple[RiskLevel, str]] = {
    "Low risk": (RiskLevel.LOW, "Low risk"),
    "Moderate risk": (RiskLevel.MODERATE, "Moderate risk"),
    "High risk": (RiskLevel.HIGH, "High risk"),
}
LABEL_OF: dict[str, str] = {str(level): label for label, (level, _) in LEVELS.items()}
TOLD = 3  # contributions that are told as reasons
ESTIMATED = f"{opinions.CLINICAL} estimates a risk of death during follow-up of "
OBSERVED = "Of the patients whom the model put at this level in its cross-validation, "
ASSUMED = "Heart failure is not recorded: the model's answer only assumes it."


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
    told = [_told(one) for one in opinions.in_order(scores)]
    judged = [found.level for one in scores if (found := category_of(one.model, one.explanation))]
    model = next((one for one in every if one.model == opinions.CLINICAL), None)
    if model is not None and model.explanation.get("level"):
        said, level = _of_model(model, contracts.get(model.model, {})), LEVELS[opinions.finding(model)][0]
        highest = max([level, *judged], key=ORDER.index)
        return highest, [*said, *told] if highest == level else [*told, *said]
    if not scores:
        return None, ["Neither a model nor a score could answer, so no risk was determined."]
    # A score without categories leaves at least Moderate.
    unjudged = [RiskLevel.MODERATE] * (len(scores) > len(judged))
    return max([*judged, *unjudged], key=ORDER.index), told


def assumes_heart_failure(said: Mapping[str, Any]) -> bool:
    """Whether a model's explanation says that its answer only assumes heart failure."""
    return any(one["reason_code"] == ClinicalReason.HEART_FAILURE_ASSUMED for one in said.get("findings", ()))


def beside_the_estimate(reasons: Iterable[str]) -> list[str]:
    """The reasons without those that tell the estimate and what it means, for where both stand already."""
    return [reason for reason in reasons if not reason.startswith((ESTIMATED, OBSERVED))]


def _told(score: ModelResult) -> str:
    """The sentence of a score, with what its guideline calls the risk."""
    category = called(score.model, score.explanation)
    return f"{score.message} {category}." if category else score.message


def observed(contract: Mapping[str, Any], level: str) -> str:
    """How many patients of a level died in the measurement of the model, with the interval; "" where it was not measured."""
    measured = contract.get("metrics", {}).get("cross_validation", {}).get("levels", {}).get("levels", {})
    if level not in measured:
        return ""
    rate = measured[level]["rate"]
    return (
        f"{OBSERVED}{share_as_percent(rate['value'])} died during follow-up"
        f" (95 % interval {share_as_percent(rate['low'])} to {share_as_percent(rate['high'])})."
    )


def _of_model(model: ModelResult, contract: Mapping[str, Any]) -> list[str]:
    said = model.explanation
    reasons = [ASSUMED] if assumes_heart_failure(said) else []
    reasons += [f"{ESTIMATED}{as_percent(said['risk'])}."]
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
