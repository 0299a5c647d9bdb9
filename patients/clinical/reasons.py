"""Why a clinical value is refused: stable codes, and sentences that say what happened and what to do next."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class ValueReason(StrEnum):
    """Stable reason codes; a code never changes its meaning."""

    UNKNOWN_QUANTITY = "unknown_quantity"
    COMPUTED = "computed_quantity"
    NO_VALUES = "no_values"
    NOT_A_NUMBER = "not_a_number"
    AMBIGUOUS_NUMBER = "ambiguous_number"
    NOT_A_CHOICE = "not_a_choice"
    UNKNOWN_UNIT = "unknown_unit"
    IMPOSSIBLE = "impossible_value"
    UNUSUAL = "unusual_value"
    PRESSURES_CROSSED = "pressures_crossed"
    TWICE = "entered_twice"
    FUTURE = "measured_in_future"
    BEFORE_BIRTH = "measured_before_birth"
    ALREADY_RECORDED = "already_recorded"
    ALREADY_CORRECTED = "already_corrected"
    NO_REASON = "no_reason"
    UNCHANGED = "unchanged_value"


SENTENCES: dict[ValueReason, str] = {
    ValueReason.UNKNOWN_QUANTITY: "{code} is not a quantity of the clinical record. The list of quantities names their codes.",
    ValueReason.COMPUTED: "{name} is computed from other values and cannot be entered. Enter those instead.",
    ValueReason.NO_VALUES: "Nothing was entered. Fill in at least one value.",
    ValueReason.NOT_A_NUMBER: "This is not a number. Write digits alone, for example {example}, and choose the unit beside it.",
    ValueReason.AMBIGUOUS_NUMBER: "{typed} can be read as {one} and as {other}. Write it without the comma.",
    ValueReason.NOT_A_CHOICE: "{typed} is none of the answers. Choose {choices}.",
    ValueReason.UNKNOWN_UNIT: "{name} is not taken in {unit}. Choose {units}.",
    ValueReason.IMPOSSIBLE: "{shown} is impossible: {name} lies between {low} and {high}.{hint} Check the value and its unit.",
    ValueReason.UNUSUAL: "{shown} is unusual: {name} is mostly between {low} and {high}.{hint} If it is right, confirm it.",
    ValueReason.PRESSURES_CROSSED: "The diastolic pressure is not below the systolic one. Check whether they are exchanged.",
    ValueReason.TWICE: "{name} was given twice for the same time. Give it once.",
    ValueReason.FUTURE: "The time of measurement is in the future. Check date and time; times are UTC.",
    ValueReason.BEFORE_BIRTH: "The time of measurement is before the patient was born. Check date and patient.",
    ValueReason.ALREADY_RECORDED: "{name} was recorded for this time already. Correct that value instead of adding another.",
    ValueReason.ALREADY_CORRECTED: "Somebody has corrected this value meanwhile. Open the newest one and correct that.",
    ValueReason.NO_REASON: "A correction needs a reason. Write what was wrong.",
    ValueReason.UNCHANGED: "Value and time are as they were. Change one of them, or take the value back.",
}


class ValueRefused(Exception):
    """A value was not taken; `str()` is the sentence for the person who entered it."""

    def __init__(self, reason: ValueReason, *, code: str = "", **details: Any) -> None:
        """`code` is the quantity that the reason is about, if it is about one."""
        self.reason, self.code = reason, code
        super().__init__(SENTENCES[reason].format(code=code, **details))


class ValuesRefused(Exception):
    """Of several values some were not taken, so none was stored."""

    def __init__(self, refusals: list[ValueRefused]) -> None:
        """At least one refusal."""
        self.refusals = refusals
        super().__init__(" ".join(str(refusal) for refusal in refusals))
