"""Reading the stored comparison: strict about what is there, tolerant of what was not measured."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ml import comparison
from ml.comparison import Figure, MalformedComparisonError, read
from tests.compared import FAMILIES, LABELS, stored, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_everything_in_the_file_is_read(tmp_path: Path) -> None:
    found = read(write(tmp_path))
    assert found is not None
    assert (found.labels, found.beats, found.records, found.folds) == (LABELS, 1833, 45, 5)
    assert {one.name: one.family for one in found.models} == FAMILIES
    first = found.models[0]
    assert (first.figures["f1"], sorted(first.figures)) == (
        Figure(0.5, 0.45, 0.55),
        sorted(comparison.FIGURES),
    )
    assert (first.confusion[1], first.roc["PVC"][1], first.reliability[1].count) == (
        (100, 350, 50),
        (0.05, 0.5),
        1533,
    )
    assert [one.snr_db for one in first.noise] == [None, 24.0, 12.0, 0.0]
    assert (first.classes["PAC"].beats, first.classes["PAC"].figures["recall"].value) == (500, 0.4)
    assert found.differences[0].difference == Figure(0.031, 0.012, 0.05)
    assert (found.claims[0].value, found.clahe[0].off) == ("99.9 %", Figure(0.6, 0.6, 0.6))


def test_what_a_control_lacks_is_not_measured(tmp_path: Path) -> None:
    found = read(write(tmp_path))
    assert found is not None
    control = found.models[-1]
    assert (control.roc, control.noise, control.reliability, control.classes, control.confusion) == (
        {},
        (),
        (),
        {},
        (),
    )
    assert (control.parameters, control.ms_per_beat, "auc" in control.figures) == (None, None, False)


def test_a_figure_without_a_value_is_not_measured(tmp_path: Path) -> None:
    content = stored()
    nothing = dict.fromkeys(("value", "low", "high"), float("nan"))
    content["models"][0]["classes"]["PAC"] |= {"auc": nothing, "f1": None}
    found = read(write(tmp_path, content))
    assert found is not None
    assert sorted(found.models[0].classes["PAC"].figures) == ["precision", "recall"]


def test_no_size_and_no_time_are_not_measured(tmp_path: Path) -> None:
    content = stored()
    content["models"][0] |= {"size_bytes": 0, "ms_per_beat": 0.0}
    found = read(write(tmp_path, content))
    assert found is not None
    assert (found.models[0].size_bytes, found.models[0].ms_per_beat) == (None, None)


def test_without_a_file_nothing_was_measured(tmp_path: Path) -> None:
    assert read(tmp_path / "comparison.json") is None


def test_the_stored_comparison_is_of_this_shape() -> None:
    found = read()
    assert found is None or "beat-cnn" in {one.name for one in found.models}


def broken(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    content = stored()
    change(content)
    return content


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("protocol"),
        lambda c: c["models"][0].pop("name"),
        lambda c: c["models"][0].update(family="tree"),
        lambda c: c["models"][0]["figures"].pop("f1"),
        lambda c: c["models"][0]["figures"].update(f1=0.5),
        lambda c: c["models"][0]["figures"].update(f1={"value": 0.5, "low": 0.6, "high": 0.4}),
        lambda c: c["models"][0].update(confusion=[[1, 2], [3, 4]]),
        lambda c: c["models"][0].update(roc={"Fusion": [[0, 0], [1, 1]]}),
        lambda c: c["models"][0].update(roc={"PVC": [[0, 0], [1, 2]]}),
        lambda c: c["models"][0].update(reliability=[{"confidence": 0.5}]),
        lambda c: c["models"][1].update(name="beat-cnn"),
        lambda c: c["differences"][0].update(a="unheard-of"),
        lambda c: c["claims"].append("x"),
        lambda c: c["claims"][0].pop("protocol"),
        lambda c: c.update(models=None),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(MalformedComparisonError, match="is no comparison of models"):
        read(write(tmp_path, broken(change)))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", json.dumps("x"), "\xff"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "comparison.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(MalformedComparisonError):
        read(path)


def test_reading_it_needs_the_standard_library_only() -> None:
    program = "import sys; before = set(sys.modules); import ml.comparison; print({m.split('.')[0] for m in set(sys.modules) - before})"
    done = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '.'); {program}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert not {"numpy", "tensorflow", "keras", "onnxruntime", "django"} & eval(done.stdout)
