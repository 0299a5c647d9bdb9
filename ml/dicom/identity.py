"""The names and identifiers that stand in an object, and finding them where they should not stand."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
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


def identity_of(dataset: Dataset) -> Identity:
    """The names of all persons in an object, at any depth, and the numbers by which they can be found."""
    words: set[str] = set()
    identifiers: set[str] = set()
    for element in _elements(dataset):
        if element.VR == "PN":
            words.update(
                word.casefold() for word in _WORD.findall(str(element.value)) if len(word) >= _LEAST_WORD
            )
        elif element.keyword in _IDENTIFIERS:
            texts = (str(one).strip().casefold() for one in _values(element.value))
            identifiers.update(text for text in texts if len(text) >= _LEAST_IDENTIFIER)
    return Identity(words=frozenset(words - _NAMES_NOBODY), identifiers=frozenset(identifiers))


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
