"""The attributes of an object as a person reads them: number, name, kind and value as text."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from ml.dicom.opening import open_dicom
from ml.dicom.reasons import DicomReason, UnusableDicom

MOST_ROWS = 1000
_MOST_TEXT = 256
_BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}


def attributes(path: Path) -> list[dict[str, Any]]:
    """The attributes in their order, those of nested items below the sequence that holds them; at most `MOST_ROWS`.

    Args:
        path: a DICOM object.

    Returns:
        Rows of ``depth`` (0 outermost), ``tag`` (like ``0010,0020``), ``name``, ``vr`` and ``value`` (text, cut where it is long).

    Raises:
        UnusableDicom: no DICOM object, damaged, or nested too deep.
        OSError: the file itself cannot be read from the disk.
    """
    dataset = open_dicom(path)
    rows: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's doubts about values; what cannot be read says so
        try:
            for row in _rows(dataset, 0):
                if len(rows) == MOST_ROWS:
                    break
                rows.append(row)
        except RecursionError as error:
            raise UnusableDicom(DicomReason.NESTED) from error
    return rows


def _rows(dataset: Dataset, depth: int) -> Iterator[dict[str, Any]]:
    for tag in sorted(dataset.keys()):
        said = {"depth": depth, "tag": f"{tag.group:04X},{tag.element:04X}"}
        try:
            element = dataset[tag]
            row = said | {"name": element.name, "vr": element.VR, "value": _text(element.VR, element.value)}
        except Exception:  # noqa: BLE001 - pydicom raises many kinds; each means that the value cannot be read
            yield said | {"name": "", "vr": "", "value": "cannot be read"}
            continue
        yield row
        if element.VR == "SQ":
            for item in element.value:
                yield from _rows(item, depth + 1)


def _text(vr: str, value: Any) -> str:
    if vr == "SQ":
        return f"{len(value)} {'item' if len(value) == 1 else 'items'}"
    if vr in _BULK:
        return f"{len(value or b'')} bytes"
    several = value if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else [value]
    text = ", ".join("" if one is None else str(one) for one in several)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
