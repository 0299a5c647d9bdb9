"""The names and identifiers that stand in an object, and finding them where they should not stand."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

_IDENTIFIERS = (
    "PatientID", "OtherPatientIDs", "AccessionNumber", "StudyID", "AdmissionID", "PatientAddress", "PatientTelephoneNumbers",
    "MedicalRecordLocator", "MilitaryRank", "InstitutionName", "InstitutionAddress", "StationName", "DeviceSerialNumber",
    "PatientMotherBirthName", "IssuerOfPatientID",
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_LEAST_WORD, _LEAST_WITHIN, _LEAST_IDENTIFIER = 3, 5, 4
_NAMES_NOBODY = {"unknown", "anonymous", "anon", "none", "patient", "test"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who stands in an object.

    Attributes:
        words: parts of names, in small letters; short ones count only as whole words.
        identifiers: numbers and addresses, in small letters.
    """

    words: frozenset[str]
    identifiers: frozenset[str]

    def stands_in(self, element: DataElement) -> bool:
        """Whether a name or an identifier stands in the value of an element of text or numbers."""
        text = str(element.value).casefold()
        if any(one in text for one in self.identifiers):
            return True
        if any(word in text for word in self.words if len(word) >= _LEAST_WITHIN):
            return True
        return not self.words.isdisjoint(_WORD.findall(text))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whom an object is about by a record outside of it.

    Attributes:
        key: the same for all objects of the patient, and of no other.
        names: of the patient.
        numbers: by which the patient can be found.
    """

    key: str
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def identity_of(dataset: Dataset, known: Known | None = None) -> Identity:
    """The names of all persons in an object, at any depth, and the numbers by which they can be found; with those of the record."""
    words = set(_words(known.names if known else ()))
    identifiers = set(_identifiers(known.numbers if known else ()))
    for element in _elements(dataset):
        if element.VR == "PN":
            words.update(_words([str(element.value)]))
        elif element.keyword in _IDENTIFIERS:
            identifiers.update(_identifiers(_values(element.value)))
    return Identity(words=frozenset(words - _NAMES_NOBODY), identifiers=frozenset(identifiers))


def _words(names: Iterable[str]) -> Iterator[str]:
    found = (word.casefold() for name in names for word in _WORD.findall(name))
    return (word for word in found if len(word) >= _LEAST_WORD)


def _identifiers(numbers: Iterable[Any]) -> Iterator[str]:
    texts = (str(one).strip().casefold() for one in numbers)
    return (text for text in texts if len(text) >= _LEAST_IDENTIFIER)


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    """All elements that can be read, at any depth."""
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
            value = element.value
        except Exception:  # noqa: BLE001, S112 - what cannot be read holds no name that could be read
            continue
        yield element
        if element.VR == "SQ":
            for item in value:
                yield from _elements(item)


def _values(value: Any) -> Iterator[Any]:
    if value is None or isinstance(value, str):
        yield value or ""
    else:
        yield from value if hasattr(value, "__iter__") else [value]
