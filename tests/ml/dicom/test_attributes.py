"""What an object says, as rows for a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from ml.dicom.attributes import MOST_ROWS, attributes
from ml.dicom.reasons import UnusableDicom
from tests.ml.dicom.test_reading import FILES
from tests.ml.dicom.xrays import COLUMNS, ROWS, xray


def test_values_are_text_and_nested_ones_stand_below_their_sequence(tmp_path: Path) -> None:
    inner = Dataset()
    inner.CodeMeaning = "<b>Chest</b>"
    dataset = xray(ProcedureCodeSequence=[inner], ImageComments="x" * 1000)
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    rows = {row["tag"]: row for row in attributes(tmp_path / "a.dcm")}
    assert rows["0010,0010"] == {
        "depth": 0, "tag": "0010,0010", "name": "Patient's Name", "vr": "PN", "value": "Example^Jane",
    }  # fmt: skip
    assert (rows["0008,1032"]["value"], rows["0008,0104"]["depth"], rows["0008,0104"]["value"]) == (
        "1 item",
        1,
        "<b>Chest</b>",
    )
    assert rows["7FE0,0010"]["value"] == f"{2 * ROWS * COLUMNS} bytes"
    assert rows["0018,1164"]["value"] == "0.5, 0.25"
    assert len(rows["0020,4000"]["value"]) == 257


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_object_has_rows_or_a_reason(path: Path) -> None:
    try:
        rows = attributes(path)
    except UnusableDicom:
        return
    assert 0 < len(rows) <= MOST_ROWS
    assert all(isinstance(row["value"], str) for row in rows)
