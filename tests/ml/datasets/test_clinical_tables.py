import numpy as np
import pytest

from ml.clinical.features import NAMES
from ml.datasets.beats import DataNotFoundError
from ml.datasets.heart_disease import FEATURES, SITES, load_heart_disease
from ml.datasets.heart_failure import FILE, load_heart_failure

HEADINGS = [*NAMES[:9], "sex", "smoking", "time", "DEATH_EVENT"]


def heart_failure_file(folder, *rows, headings=HEADINGS):
    folder.mkdir(exist_ok=True)
    lines = [",".join(headings), *(",".join(map(str, row)) for row in rows)]
    (folder / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("inside", ["clinical", "."])
def test_heart_failure_rows_are_read_by_name(tmp_path, inside):
    rows = [
        [75, 0, 582, 0, 20, 1, 265000, 1.9, 130, 1, 0, 4, 1],
        [55, 1, "", 0, "?", 0, 263358.03, 1.1, 136, 1, 0, 90, 0],
    ]
    order = [12, 11, *range(11)]
    heart_failure_file(
        tmp_path / inside, *([row[i] for i in order] for row in rows), headings=[HEADINGS[i] for i in order]
    )
    read = load_heart_failure(tmp_path)
    assert read.values.shape == (2, 11)
    assert read.values[0].tolist() == pytest.approx(rows[0][:11])
    assert np.flatnonzero(np.isnan(read.values[1])).tolist() == [
        NAMES.index("creatinine_phosphokinase"),
        NAMES.index("ejection_fraction"),
    ]
    assert read.died.tolist() == [1, 0]
    assert read.follow_up_days.tolist() == [4, 90]


def test_a_missing_column_is_named(tmp_path):
    headings = [name for name in HEADINGS if name != "ejection_fraction"]
    heart_failure_file(tmp_path, [1] * 12, headings=headings)
    with pytest.raises(ValueError, match="missing: ejection_fraction"):
        load_heart_failure(tmp_path)


def test_missing_files_are_named_with_their_source(tmp_path):
    with pytest.raises(DataNotFoundError, match="UCI repository, dataset 519"):
        load_heart_failure(tmp_path)
    with pytest.raises(DataNotFoundError, match=r"processed\.cleveland\.data"):
        load_heart_disease(tmp_path)


@pytest.fixture
def sites(tmp_path):
    folder = tmp_path / "clinical" / "uci_heart_disease"
    folder.mkdir(parents=True)
    for number, site in enumerate(SITES):
        rows = ["63,1,4,140,260,0,1,112,1,3,2,?,NaN,2", f"44,1,4,0,{number and 200},0,1,127,0,0,-9,0,3,0"]
        (folder / f"processed.{site}.data").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_heart_disease_knows_what_is_missing(sites):
    read = load_heart_disease(sites)
    assert read.values.shape == (8, 13)
    assert read.site.tolist() == [site for site in SITES for _ in range(2)]
    assert read.diseased.tolist() == [1, 0] * 4
    missing = [{FEATURES[i] for i in np.flatnonzero(np.isnan(row))} for row in read.values]
    assert missing[0] == {"vessels", "thallium"}
    assert missing[1] == {"resting_pressure", "cholesterol", "st_slope"}
    assert missing[3] == {"resting_pressure", "st_slope"}


def test_heart_disease_refuses_other_columns(sites):
    path = sites / "clinical" / "uci_heart_disease" / "processed.va.data"
    path.write_text("1,2,3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected 14 columns"):
        load_heart_disease(sites)
