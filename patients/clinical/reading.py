"""Reading a value as a person or another system wrote it: number, unit, range."""

from __future__ import annotations

import re
from decimal import Decimal

from patients.clinical.catalogue import COMPUTED, ENTERED
from patients.clinical.quantities import STORED, Kind, Quantity, Unit
from patients.clinical.reasons import ValueReason, ValueRefused

NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?")
# A comma before exactly three digits is a decimal comma to one reader and a thousands separator to another.
AMBIGUOUS = re.compile(r"([+-]?[1-9][0-9]{0,2}),([0-9]{3})")
LONGEST = 32


def quantity(code: str) -> Quantity:
    """The quantity with this code that can be entered.

    Raises:
        ValueRefused: there is none, or it is computed.
    """
    if code in COMPUTED:
        raise ValueRefused(ValueReason.COMPUTED, code=code, name=COMPUTED[code].name)
    if code not in ENTERED:
        raise ValueRefused(ValueReason.UNKNOWN_QUANTITY, code=code[:40])
    return ENTERED[code]


def read_number(text: str, *, code: str = "", example: str = "1.9") -> Decimal:
    """A number with a decimal point or comma.

    Raises:
        ValueRefused: it is no number, or one that can be read in two ways.
    """
    text = text.strip()
    if found := AMBIGUOUS.fullmatch(text):
        one, other = f"{found[1]}.{found[2]}", f"{found[1]}{found[2]}"
        raise ValueRefused(ValueReason.AMBIGUOUS_NUMBER, code=code, typed=text, one=one, other=other)
    if not NUMBER.fullmatch(text):
        raise ValueRefused(ValueReason.NOT_A_NUMBER, code=code, example=example)
    return Decimal(text.replace(",", "."))


def read_value(of: Quantity, text: str, unit: str = "", *, confirmed: bool = False) -> Decimal:
    """The value in the canonical unit, rounded to what is stored.

    Args:
        of: the quantity.
        text: as typed: a number, or the word or the stored value of a choice.
        unit: name of an accepted unit; the canonical one if empty.
        confirmed: somebody looked again and says that an unusual value is right.

    Raises:
        ValueRefused: no number, unknown unit, impossible, or unusual and not confirmed.
    """
    if of.kind is Kind.CHOICE:
        return _read_choice(of, text)
    known = of.unit_named(unit)
    if known is None:
        names = _listed([unit.name for unit in of.units])
        raise ValueRefused(
            ValueReason.UNKNOWN_UNIT, code=of.code, name=of.name, unit=unit[:LONGEST], units=names
        )
    typed = read_number(text, code=of.code, example=of.number(of.usual[0]))
    value = known.to_canonical(typed).quantize(STORED)
    if not of.is_possible(value):
        raise _out_of(of, of.possible, ValueReason.IMPOSSIBLE, typed, known)
    if not of.is_usual(value) and not confirmed:
        raise _out_of(of, of.usual, ValueReason.UNUSUAL, typed, known)
    return value


def _read_choice(of: Quantity, text: str) -> Decimal:
    answer = text.strip().lower()
    for value, word in of.choices:
        if answer in {str(value), word.lower(), *({word[0]} if word in {"yes", "no"} else ())}:
            return Decimal(value)
    words = _listed([word for _, word in of.choices])
    raise ValueRefused(ValueReason.NOT_A_CHOICE, code=of.code, typed=text.strip()[:LONGEST], choices=words)


def _out_of(
    of: Quantity, limits: tuple[Decimal, Decimal], reason: ValueReason, typed: Decimal, unit: Unit
) -> ValueRefused:
    """The refusal, with the limits in the unit that was chosen and the unit that may have been meant."""
    low, high = (f"{_short(unit.from_canonical(limit))} {unit.name}" for limit in limits)
    meant = [
        other.name
        for other in of.units
        if other != unit and of.is_usual(other.to_canonical(typed).quantize(STORED))
    ]
    hint = f" In {_listed(meant)} it would be usual." if meant else ""
    shown = f"{typed:f} {unit.name}"
    return ValueRefused(reason, code=of.code, name=of.name, shown=shown, low=low, high=high, hint=hint)


def _short(value: Decimal) -> str:
    """At most three significant decimals, no trailing zeros, never 1E+3."""
    rounded = round(value, 3) if abs(value) < 100 else round(value)
    text = f"{Decimal(rounded):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
