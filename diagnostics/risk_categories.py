"""What guidelines call the risks that scores for people without disease give, and which level each category is. The one place of it.

- SCORE2: 2021 ESC guideline on cardiovascular disease prevention (Visseren FLJ and others, European Heart Journal 2021;42:3227), by age.
  Its rows from 70 years on are for SCORE2-OP, which is not installed; they stand here so that the table is whole.
- PREVENT: 2019 ACC/AHA guideline on primary prevention (Arnett DK and others, Circulation 2019;140:e596), whose categories the American
  Heart Association applies to PREVENT's ten-year risk of total cardiovascular disease (2023).

The lowest category of a guideline is Low, its highest High, and what lies between Moderate: a choice of this platform, to be reviewed by
the responsible cardiologist.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from diagnostics.risk import RiskLevel
from ml.clinical.scores import prevent, score2

LOW, MODERATE, HIGH = RiskLevel.LOW, RiskLevel.MODERATE, RiskLevel.HIGH


@dataclasses.dataclass(frozen=True, slots=True)
class Category:
    """What a guideline calls a ten-year risk from so many percent on, and our level of it."""

    name: str
    from_percent: float
    level: RiskLevel


@dataclasses.dataclass(frozen=True, slots=True)
class Guideline:
    """The categories of one score.

    Attributes:
        name: guideline with its year.
        outcome: the score's outcome that is judged.
        by_age: categories from an age in years on, each the lowest first.
    """

    name: str
    outcome: str
    by_age: Mapping[int, tuple[Category, ...]]

    def category(self, *, percent: float, age: float) -> Category:
        """What a risk in percent is called at an age in years."""
        categories = self.by_age[max((one for one in self.by_age if one <= age), default=min(self.by_age))]
        return [one for one in categories if one.from_percent <= percent][-1]


def _esc(high: float, very_high: float) -> tuple[Category, ...]:
    return (
        Category("low to moderate risk", 0.0, LOW),
        Category("high risk", high, MODERATE),
        Category("very high risk", very_high, HIGH),
    )


GUIDELINES: dict[str, Guideline] = {
    "score2": Guideline(
        "ESC 2021", score2.EVENT, {0: _esc(2.5, 7.5), 50: _esc(5.0, 10.0), 70: _esc(7.5, 15.0)}
    ),
    "prevent": Guideline(
        "ACC/AHA 2019",
        prevent.CVD,
        {
            0: (
                Category("low risk", 0.0, LOW),
                Category("borderline risk", 5.0, MODERATE),
                Category("intermediate risk", 7.5, MODERATE),
                Category("high risk", 20.0, HIGH),
            )
        },
    ),
}


def category_of(score: str, said: Mapping[str, Any]) -> Category | None:
    """What the guideline calls a score's answer; None for scores without categories.

    Args:
        score: name of the score.
        said: explanation of its answer, with risks and age.
    """
    guideline = GUIDELINES.get(score)
    if guideline is None or said.get("age") is None:
        return None
    return guideline.category(percent=said["risks"][guideline.outcome], age=said["age"])


def called(score: str, said: Mapping[str, Any]) -> str:
    """The category with its guideline, as in "High risk by ESC 2021"; "" for scores without categories."""
    category = category_of(score, said)
    return f"{category.name.capitalize()} by {GUIDELINES[score].name}" if category else ""
