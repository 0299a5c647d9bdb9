"""The features of a heart-failure record: names, units, ranges, and what is wrong with a value.

Names and units are those of the heart failure clinical records data (Chicco and Jurman 2020, UCI 519). Those have twelve features,
eleven facts about the patient and ``time``, the days of follow-up: it is only known afterwards, so it is accepted and never used.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal


class ValueReason(StrEnum):
    """What is wrong with a value; a code never changes its meaning."""

    MISSING = "value_missing"
    NOT_A_NUMBER = "value_not_a_number"
    IMPOSSIBLE = "value_impossible"
    NOT_YES_OR_NO = "value_not_yes_or_no"
    UNUSUAL = "value_unusual"
    UNKNOWN = "feature_unknown"
    WRONG_COUNT = "features_incomplete"
    FOLLOW_UP = "follow_up_not_used"


SENTENCES: dict[ValueReason, str] = {
    ValueReason.MISSING: "{words} is missing; a typical value will stand in for it. Enter it if it was measured.",
    ValueReason.NOT_A_NUMBER: "{words} is not a number. Enter a number{unit}.",
    ValueReason.IMPOSSIBLE: "{words} of {value:g}{unit} is not possible in a living adult ({low:g} to {high:g}). Check value and unit.",
    ValueReason.NOT_YES_OR_NO: "{words} is {value:g}, and only 1 ({yes}) and 0 ({no}) are known. Correct it.",
    ValueReason.UNUSUAL: "{words} of {value:g}{unit} is unusual (mostly {usual_low:g} to {usual_high:g}). Check that the unit is right.",
    ValueReason.UNKNOWN: "{name!r} is no feature of the record and was not used. Check the heading.",
    ValueReason.WRONG_COUNT: "Expected {expected} features, got {count}; missing: {names}. Add it; leave unknown values empty.",
    ValueReason.FOLLOW_UP: "Days of follow-up are known only afterwards and were not used: they would tell the outcome.",
}
# Codes with which no prediction may be made.
STOPPING = frozenset({ValueReason.NOT_A_NUMBER, ValueReason.IMPOSSIBLE, ValueReason.NOT_YES_OR_NO})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One value of a record.

    Attributes:
        name: column name in the public data.
        words: name for people.
        unit: unit, empty for yes or no.
        kind: ``number``, or ``flag`` (1 or 0).
        low: least possible value; below it the value is refused.
        high: greatest possible value.
        usual_low: below it the value is accepted with a warning.
        usual_high: above it the value is accepted with a warning.
        yes: what 1 means, for flags.
        no: what 0 means.
    """

    name: str
    words: str
    unit: str = ""
    kind: Literal["number", "flag"] = "number"
    low: float = 0.0
    high: float = 1.0
    usual_low: float = 0.0
    usual_high: float = 1.0
    yes: str = "yes"
    no: str = "no"


FEATURES: tuple[Feature, ...] = (
    Feature(name="age", words="age", unit="years", low=18, high=120, usual_low=40, usual_high=95),
    Feature(name="anaemia", words="anaemia", kind="flag"),
    Feature(
        name="creatinine_phosphokinase",
        words="creatine kinase",
        unit="U/L",
        low=1,
        high=1_000_000,
        usual_low=20,
        usual_high=8000,
    ),
    Feature(name="diabetes", words="diabetes", kind="flag"),
    Feature(
        name="ejection_fraction",
        words="ejection fraction",
        unit="%",
        low=5,
        high=90,
        usual_low=14,
        usual_high=80,
    ),
    Feature(name="high_blood_pressure", words="high blood pressure", kind="flag"),
    Feature(
        name="platelets",
        words="platelets",
        unit="/µL",
        low=1000,
        high=3_000_000,
        usual_low=25_000,
        usual_high=850_000,
    ),
    Feature(
        name="serum_creatinine",
        words="creatinine",
        unit="mg/dL",
        low=0.1,
        high=40,
        usual_low=0.4,
        usual_high=9.5,
    ),
    Feature(
        name="serum_sodium", words="sodium", unit="mmol/L", low=80, high=200, usual_low=113, usual_high=150
    ),
    Feature(name="sex", words="sex", kind="flag", yes="male", no="female"),
    Feature(name="smoking", words="smoking", kind="flag"),
)
FOLLOW_UP = "time"
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to say about one value, or about the record.

    Attributes:
        name: the feature; empty for the whole record.
        reason_code: stable code, of `ValueReason` or `ClinicalReason`.
        message: sentence for the person who entered it.
        stops: whether no prediction may be made with it.
    """

    name: str
    reason_code: str
    message: str
    stops: bool


def described(feature: Feature, value: float) -> str:
    """A value with its name and unit in words, for example ``ejection fraction 20 %``, with no more than two decimals."""
    if feature.kind == "flag":
        meaning = feature.yes if value else feature.no
        return f"{feature.words}: {meaning}"
    return f"{feature.words} {round(value, 2):g}{_spaced(feature.unit)}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def _finding(reason: ValueReason, name: str, **values: object) -> Finding:
    sentence = SENTENCES[reason].format(name=name, **values)
    return Finding(
        name=name if name in BY_NAME else "",
        reason_code=reason.value,
        message=sentence[0].upper() + sentence[1:],
        stops=reason in STOPPING,
    )


def _wrong(feature: Feature, value: float | str | None) -> ValueReason | None:
    """What is wrong with a value, if anything."""
    if value is None:
        return ValueReason.MISSING
    if isinstance(value, str) or not math.isfinite(value):
        return ValueReason.NOT_A_NUMBER
    if feature.kind == "flag":
        return None if value in (0, 1) else ValueReason.NOT_YES_OR_NO
    if not feature.low <= value <= feature.high:
        return ValueReason.IMPOSSIBLE
    return None if feature.usual_low <= value <= feature.usual_high else ValueReason.UNUSUAL


def check_value(feature: Feature, value: float | str | None) -> Finding | None:
    """What is wrong with one value.

    Args:
        feature: which feature.
        value: in the feature's unit; None where it is not known.
    """
    reason = _wrong(feature, value)
    if reason is None:
        return None
    facts = dataclasses.asdict(feature) | {"unit": _spaced(feature.unit)}
    del facts["name"]
    return _finding(reason, feature.name, value=value, **facts)


def check_names(names: Sequence[str]) -> tuple[Finding, ...]:
    """Which features a table lacks, and which columns are none.

    Args:
        names: headings, in any order. With ``time`` the public layout of twelve is meant.

    Returns:
        Nothing when all are there. A missing column stops; an unknown one and ``time`` do not.
    """
    given = set(names)
    missing = [name for name in NAMES if name not in given]
    found = []
    if missing:
        follow_up = int(FOLLOW_UP in given)
        values = {"expected": len(NAMES) + follow_up, "count": len(NAMES) - len(missing) + follow_up}
        lacking = _finding(ValueReason.WRONG_COUNT, "", names=", ".join(missing), **values)
        found.append(dataclasses.replace(lacking, stops=True))
    found += [_finding(ValueReason.FOLLOW_UP, FOLLOW_UP)] * (FOLLOW_UP in given)
    unknown = [name for name in names if name not in BY_NAME and name != FOLLOW_UP]
    return (*found, *(_finding(ValueReason.UNKNOWN, name) for name in unknown))


def check_record(values: Mapping[str, float | str | None]) -> tuple[Finding, ...]:
    """Everything to say about a record, in the order of the features.

    Args:
        values: by name, in the features' units; what is absent or None is not known.
    """
    found = [check_value(feature, values.get(feature.name)) for feature in FEATURES]
    others = [name for name in values if name not in BY_NAME]
    extra = [
        _finding(ValueReason.FOLLOW_UP if name == FOLLOW_UP else ValueReason.UNKNOWN, name) for name in others
    ]
    return (*(one for one in found if one is not None), *extra)
