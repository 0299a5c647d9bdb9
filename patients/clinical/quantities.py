"""What a quantity of the clinical record is. Which ones there are is data: `patients.clinical.catalogue`."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from enum import StrEnum

# Canonical values keep four decimals, which is finer than any laboratory reports in the canonical units.
STORED = Decimal("0.0001")


class Kind(StrEnum):
    """How a value is given."""

    NUMBER = "number"
    CHOICE = "choice"


class Group(StrEnum):
    """Where a quantity stands on the page."""

    HEART = "Heart failure record"
    VITALS = "Vital signs"
    LABORATORY = "Laboratory"
    CONDITIONS = "Conditions and treatment"


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """An accepted unit: a value in the canonical unit is (value - `minus`) * `times` / `over`."""

    name: str
    times: Decimal = Decimal(1)
    over: Decimal = Decimal(1)
    minus: Decimal = Decimal(0)

    def to_canonical(self, value: Decimal) -> Decimal:
        """The value in the quantity's canonical unit, unrounded."""
        return (value - self.minus) * self.times / self.over

    def from_canonical(self, value: Decimal) -> Decimal:
        """The other way, unrounded."""
        return value * self.over / self.times + self.minus


@dataclasses.dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity of the clinical record.

    `units` begins with the canonical one. Numbers outside `possible` are refused, those outside `usual` must be confirmed; both are
    closed intervals in the canonical unit. `choices` are (stored value, word). `loinc` is empty where no code fits for certain.
    """

    code: str
    name: str
    plain: str
    group: Group
    units: tuple[Unit, ...] = ()
    possible: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    usual: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    choices: tuple[tuple[int, str], ...] = ()
    loinc: str = ""
    decimals: int = 0

    @property
    def kind(self) -> Kind:
        """A number with a unit, or one of a few words."""
        return Kind.CHOICE if self.choices else Kind.NUMBER

    @property
    def unit(self) -> str:
        """Name of the canonical unit; empty for choices."""
        return self.units[0].name if self.units else ""

    def unit_named(self, name: str) -> Unit | None:
        """The accepted unit of this name, the canonical one for no name; None if there is no such unit."""
        if not name and self.units:
            return self.units[0]
        exact = next((unit for unit in self.units if unit.name == name), None)
        return exact or next((unit for unit in self.units if _plain(unit.name) == _plain(name)), None)

    def number(self, value: Decimal) -> str:
        """A canonical value as digits, with this quantity's decimals."""
        return f"{value:.{self.decimals}f}"

    def words(self, value: Decimal) -> str:
        """A canonical value for people: "1.90 mg/dL", "yes"."""
        if self.choices:
            return dict(self.choices)[int(value)]
        return f"{self.number(value)} {self.unit}"

    def is_usual(self, value: Decimal) -> bool:
        """Whether the value needs no confirmation."""
        return self.kind is Kind.CHOICE or self.usual[0] <= value <= self.usual[1]

    def is_possible(self, value: Decimal) -> bool:
        """Whether a living person can have this value."""
        return self.kind is Kind.CHOICE or self.possible[0] <= value <= self.possible[1]


# How units are typed where the keyboard lacks a letter: "umol/l", "10^9/L", "C".
TYPED_AS = str.maketrans(
    {"\u00b5": "u", "\u03bc": "u", "\u2079": "9", "\u00b3": "3", "\u00b0": "", "^": "", " ": ""}
)


def _plain(name: str) -> str:
    """A unit's name as it is compared."""
    return name.translate(TYPED_AS).lower()
