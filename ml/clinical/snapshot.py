"""A patient's clinical values at one moment as one canonical file: what the clinical models and the scores are given.

JSON of UTF-8 with sorted keys and no blanks, so that the same values make the same bytes and the same hash::

    {"age":67,"format":"cardiocare-clinical","region":"moderate","sex":"female","values":{"serum_creatinine":
     {"measured_at":"2026-03-02T08:30:00+00:00","source":"entered","unit":"mg/dL","value":1.7}},"version":1}

Codes and units are those of the site's catalogue; an answer in words has no unit, and is a whole number. Standard library only.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from ml.clinical.features import NAMES
from ml.clinical.units import convert

FORMAT, VERSION = "cardiocare-clinical", 1
# Units of the values that models and scores read; those of the catalogue.
UNITS: dict[str, str] = {
    "creatinine_phosphokinase": "U/L",
    "ejection_fraction": "%",
    "platelets": "10⁹/L",
    "serum_creatinine": "mg/dL",
    "serum_sodium": "mmol/L",
    "systolic_pressure": "mmHg",
    "weight": "kg",
    "height": "cm",
    "total_cholesterol": "mmol/L",
    "hdl_cholesterol": "mmol/L",
}
SMOKES = 1.0


class SnapshotError(ValueError):
    """The file is no snapshot that can be read; the text says why, for the administrator."""


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """One value with its unit (empty for an answer in words), when it was measured (ISO 8601), and where it comes from."""

    value: float
    unit: str
    measured_at: str
    source: str = "entered"


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of a person.

    Attributes:
        age: completed years.
        sex: ``female``, ``male``, or another word, which no model and no score takes.
        values: by the catalogue's codes.
        region: risk region of the country for SCORE2, or None.
    """

    age: int
    sex: str
    values: Mapping[str, Value]
    region: str | None = None

    def number(self, code: str) -> float | None:
        """A value in its canonical unit; None where it is not known."""
        found = self.values.get(code)
        return None if found is None else found.value

    def as_bytes(self) -> bytes:
        """The canonical file."""
        values = {
            code: {
                "value": of.value,
                "unit": of.unit,
                "measured_at": of.measured_at,
                "source": of.source,
            }
            for code, of in self.values.items()
        }
        document = {
            "format": FORMAT,
            "version": VERSION,
            "age": self.age,
            "sex": self.sex,
            "values": values,
            "region": self.region,
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_snapshot(data: bytes) -> Snapshot:
    """The snapshot in a file.

    Raises:
        SnapshotError: it is not one of this version, a field is missing, or a value is no number or in another unit.
    """
    try:
        document = json.loads(data)
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise SnapshotError(f"{document['format']} {document['version']} is not {FORMAT} {VERSION}")
        values = {code: _value(code, fields) for code, fields in document["values"].items()}
        return Snapshot(int(document["age"]), str(document["sex"]), values, document["region"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(f"no snapshot of clinical values: {error}") from error


def _value(code: str, fields: Mapping[str, Any]) -> Value:
    found = Value(float(fields["value"]), fields["unit"], fields["measured_at"], fields["source"])
    if not math.isfinite(found.value):
        raise SnapshotError(f"{code} is {found.value}")
    if code in UNITS and found.unit != UNITS[code]:
        raise SnapshotError(f"{code} is in {found.unit!r}, not in {UNITS[code]!r}")
    return found


def record_of(snapshot: Snapshot) -> dict[str, float | None]:
    """The features of the heart-failure data by name, in the units of ``ml.clinical.features``; None where not known.

    Who stopped smoking counts as not smoking.
    """
    record: dict[str, float | None] = {name: snapshot.number(name) for name in NAMES}
    record["age"] = float(snapshot.age)
    record["sex"] = {"female": 0.0, "male": 1.0}.get(snapshot.sex)
    if (platelets := record["platelets"]) is not None:
        record["platelets"] = round(convert(platelets, "platelets", UNITS["platelets"], "/µL"), 4)
    if (smoking := record["smoking"]) is not None:
        record["smoking"] = float(smoking == SMOKES)
    return record


def flag(snapshot: Snapshot, code: str) -> bool | None:
    """An answer of yes or no; None where it was not asked."""
    found = snapshot.number(code)
    return None if found is None else found == 1.0
