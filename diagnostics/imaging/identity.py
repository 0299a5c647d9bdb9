"""Whose an object is: what it says about its patient against the patient's record."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import TYPE_CHECKING

from patients.models import Patient

if TYPE_CHECKING:
    from ml.dicom.header import Identity

SEXES = {"F": Patient.Sex.FEMALE, "M": Patient.Sex.MALE}


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """What an object says of its patient that fits the record, and what does not; what either leaves open is in neither."""

    same: frozenset[str]
    differs: tuple[str, ...]

    @property
    def proves(self) -> bool:
        """Whether the object names this patient: its number with name or birth date, and nothing that speaks against."""
        return not self.differs and "number" in self.same and bool(self.same & {"name", "birth date"})

    @property
    def fits(self) -> bool:
        """Whether it may be of the patient whom a person has chosen: the number, or name and birth date, and nothing against."""
        return not self.differs and ("number" in self.same or {"name", "birth date"} <= self.same)


def compare(identity: Identity, patient: Patient) -> Comparison:
    """Compare number, name, birth date and sex, each where both sides say it."""
    checks = {
        "number": identity.patient_id.casefold() == patient.mrn.casefold() if identity.patient_id else None,
        "name": same_name(identity.name, patient) if identity.name else None,
        "birth date": identity.birth_date == patient.birth_date if identity.birth_date else None,
        "sex": _same_sex(identity.sex, patient),
    }
    return Comparison(
        same=frozenset(name for name, fits in checks.items() if fits),
        differs=tuple(name for name, fits in checks.items() if fits is False),
    )


def same_name(name: str, patient: Patient) -> bool:
    """Whether a DICOM name (PS3.5 PN, ``Family^Given``) is the patient's: accents, case and further given names do not count."""
    family, _, rest = name.partition("^")
    given = _words(rest.split("^")[0])
    own_family, own_given = _words(patient.family_name), _words(patient.given_name)
    if not rest:  # one component: both names in either order, as some devices write them
        return sorted(_words(family)) == sorted([*own_family, *own_given])
    return _words(family) == own_family and given[:1] == own_given[:1]


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return letters.split()


def _same_sex(sex: str, patient: Patient) -> bool | None:
    """None where one side does not say female or male."""
    if sex not in SEXES or patient.sex not in SEXES.values():
        return None
    return SEXES[sex] == patient.sex
