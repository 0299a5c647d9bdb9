"""What the clinical models answer to a record: standard library only, so that the site may import it."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

from ml.clinical.features import Finding
from ml.clinical.scores.result import Contribution
from ml.contract import ModelResult


class ClinicalReason(StrEnum):
    """Why a clinical model gives no prediction, or only one that assumes something; a code never changes its meaning.

    Impossible values bring their own code.
    """

    NO_HEART_FAILURE = "not_heart_failure"
    HEART_FAILURE_ASSUMED = "heart_failure_assumed"
    AGE = "age_outside_training"
    TELLING_MISSING = "telling_values_missing"
    TOO_MANY_MISSING = "too_many_values_missing"
    LOW_CONFIDENCE = "low_confidence"


SENTENCES: dict[ClinicalReason, str] = {
    ClinicalReason.NO_HEART_FAILURE: "The model is for people with heart failure, and this person is recorded without. "
    "Use a score made for people without the disease.",
    ClinicalReason.HEART_FAILURE_ASSUMED: "Whether this person has heart failure is not recorded. The model learnt only from people "
    "who have it, and its answer holds only if that is so. Record yes or no, and assess the record again.",
    ClinicalReason.AGE: "The model learnt from people of {low} to {high} years, and this person is {age:g}. "
    "Judge without it, or use a score made for this age.",
    ClinicalReason.TELLING_MISSING: "Without {names} the model would say little about this person. Enter what is missing.",
    ClinicalReason.TOO_MANY_MISSING: "{count} values are missing ({names}), and at most {most} may be. Enter more of them.",
    ClinicalReason.LOW_CONFIDENCE: "The estimated risk of death is {risk}, too near the middle to name an outcome; the level is {level}. "
    "Please judge yourself.",
}


ASSUMED = Finding(
    name="",
    reason_code=ClinicalReason.HEART_FAILURE_ASSUMED.value,
    message=SENTENCES[ClinicalReason.HEART_FAILURE_ASSUMED],
    stops=False,
)


class Level(StrEnum):
    """Risk levels, lowest first."""

    LOW = "Low"
    MODERATE = "Moderate"
    HIGH = "High"


def level_of(risk: float, *, low_below: float, high_from: float) -> Level:
    """The level of a risk, 0 to 1."""
    if risk >= high_from:
        return Level.HIGH
    return Level.LOW if risk < low_below else Level.MODERATE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalResult:
    """One model's answer to one record.

    Attributes:
        result: outcome, label (``survival`` or ``death``), probabilities and provenance, as of every model.
        level: level of the risk, also where the model abstains from naming an outcome; None where it was not run.
        risk: probability of death during follow-up, 0 to 1; None where the model was not run.
        reference_risk: the model's answer to a typical patient; None where nothing was explained.
        contributions: what each feature adds to the reference's risk, greatest first, in probability (-1 to 1); they sum to ``risk`` less
            ``reference_risk``. Empty where nothing was explained.
        imputed: missing features with the typical value that stood in.
        findings: what is to be said about the values, and ``ASSUMED`` where an answer assumes heart failure.
    """

    result: ModelResult
    level: Level | None
    risk: float | None
    reference_risk: float | None
    contributions: tuple[Contribution, ...]
    imputed: dict[str, float]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types, those of ``result`` on top."""
        return self.result.as_json() | self.explanation()

    def as_model_result(self) -> ModelResult:
        """The answer as every model gives one, the clinical fields as its explanation."""
        return dataclasses.replace(self.result, explanation=self.explanation())

    def explanation(self) -> dict[str, Any]:
        """What a clinical answer has beside the others, as JSON types."""
        return {
            "level": self.level.value if self.level else None,
            "risk": self.risk,
            "reference_risk": self.reference_risk,
            "contributions": [dataclasses.asdict(one) for one in self.contributions],
            "imputed": self.imputed,
            "findings": [dataclasses.asdict(one) for one in self.findings],
        }
