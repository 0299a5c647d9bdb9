import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import registry
from ml.__main__ import main
from ml.clinical.features import FEATURES, NAMES
from ml.contract import Outcome
from ml.preprocessing.clinical_record import VERSION
from ml.serving.clinical import MODELS, analyse_clinical, analyse_records
from tests.ml.clinical.test_features import RECORD

SICK = RECORD | {"ejection_fraction": 20, "serum_creatinine": 2.7, "age": 82}
WELL = RECORD | {"ejection_fraction": 45, "serum_creatinine": 0.8, "age": 50}
FEW = {name: SICK[name] for name in ("age", "ejection_fraction", "serum_creatinine", "sex")}
HYBRID = MODELS[0]


def one(values, **more):
    return analyse_clinical(values, models=(HYBRID,), **more)[0]


def test_every_model_tells_the_sick_from_the_well():
    for sick, well in zip(analyse_clinical(SICK), analyse_clinical(WELL), strict=True):
        assert sick.risk > well.risk
        assert sick.level != "Low"
        assert well.level != "High"


def test_results_carry_the_provenance_of_their_model():
    for name, answer in zip(MODELS, analyse_clinical(SICK, explain=False), strict=True):
        contract = registry.load(name)
        result = answer.result
        assert (result.model, result.version, result.weights_sha256) == (
            name,
            contract.version,
            contract.weights_sha256,
        )
        assert contract.preprocessing_version == VERSION
        assert result.probabilities["death"] == pytest.approx(answer.risk)
        assert sum(result.probabilities.values()) == pytest.approx(1)
        assert set(contract.labels) == {"survival", "death"} == set(result.probabilities)
        assert contract.input["kind"] == "clinical"
        assert "time" not in contract.input["features"]


def test_contributions_sum_to_the_risk_above_that_of_a_typical_patient():
    for values in (SICK, WELL, SICK | {"platelets": None}):
        for answer in analyse_clinical(values):
            total = sum(part.amount for part in answer.contributions)
            assert answer.reference_risk + total == pytest.approx(answer.risk, abs=1e-5)


def test_what_raises_the_risk_most_is_said():
    answer = one(RECORD | {"ejection_fraction": 17, "serum_creatinine": 1.1, "age": 60})
    assert answer.contributions[0].name == "ejection_fraction"
    assert "Ejection fraction 17 % raises the risk most." in answer.result.message


def test_a_typical_patient_needs_no_explanation():
    typical = registry.load(HYBRID).input["typical"]
    answer = one(typical)
    assert answer.contributions == ()
    assert answer.reference_risk == pytest.approx(answer.risk)


def test_missing_values_are_imputed_and_said():
    answer = one(SICK | {"platelets": None, "smoking": None}, heart_failure=True)
    typical = registry.load(HYBRID).input["typical"]
    assert answer.imputed == {name: typical[name] for name in ("platelets", "smoking")}
    assert [finding.reason_code for finding in answer.findings] == ["value_missing", "value_missing"]
    assert answer.risk == pytest.approx(one(SICK | answer.imputed).risk, abs=1e-6)


def test_follow_up_changes_nothing():
    with_time = one(SICK | {"time": 4}, heart_failure=True)
    assert with_time.risk == one(SICK).risk
    assert with_time.result.input_sha256 == one(SICK).result.input_sha256
    assert [finding.reason_code for finding in with_time.findings] == ["follow_up_not_used"]


@pytest.mark.parametrize(
    ("heart_failure", "codes"), [(None, ["heart_failure_assumed"]), (True, []), (False, [])]
)
def test_an_answer_says_whether_it_only_assumes_heart_failure(heart_failure, codes):
    answer = one(SICK, heart_failure=heart_failure)
    assert [finding.reason_code for finding in answer.findings] == codes
    assert answer.explanation()["findings"] == [dataclasses.asdict(one) for one in answer.findings]


@pytest.mark.parametrize(
    ("values", "more", "outcome", "code"),
    [
        (SICK | {"ejection_fraction": 0.2}, {}, Outcome.POOR_INPUT, "value_impossible"),
        (SICK | {"age": math.nan}, {}, Outcome.POOR_INPUT, "value_not_a_number"),
        (SICK | {"sex": "male"}, {}, Outcome.POOR_INPUT, "value_not_a_number"),
        (SICK | {"ejection_fraction": None}, {}, Outcome.POOR_INPUT, "telling_values_missing"),
        (FEW, {}, Outcome.POOR_INPUT, "too_many_values_missing"),
        ({}, {}, Outcome.POOR_INPUT, "telling_values_missing"),
        (SICK | {"age": 39}, {}, Outcome.NOT_ELIGIBLE, "age_outside_training"),
        (SICK, {"heart_failure": False}, Outcome.NOT_ELIGIBLE, "not_heart_failure"),
    ],
)
def test_a_model_that_is_not_asked_says_why(values, more, outcome, code):
    answer = one(values, **more)
    assert (answer.result.outcome, answer.result.reason_code) == (outcome, code)
    assert (answer.risk, answer.level, answer.contributions, answer.result.probabilities) == (
        None,
        None,
        (),
        {},
    )
    assert answer.result.message


def test_near_the_middle_it_abstains_and_still_gives_the_level():
    contract = registry.load(HYBRID)
    answers = analyse_records(
        [
            RECORD | {"ejection_fraction": value, "age": age}
            for value in range(15, 60)
            for age in range(45, 90, 5)
        ]
    )
    unsure = [
        answer
        for answer in answers
        if max(answer.result.probabilities.values()) < contract.abstention_threshold
    ]
    assert unsure
    for answer in unsure:
        assert answer.result.outcome is Outcome.ABSTAINED
        assert answer.result.label is None
        assert answer.level is not None
        assert len(answer.result.prediction_set) >= 1


def test_many_records_are_answered_as_each_alone():
    records = [SICK, {}, WELL, SICK | {"age": 20}]
    together = analyse_records(records)
    alone = [one(record, explain=False) for record in records]
    for a, b in zip(together, alone, strict=True):
        assert a.result.reason_code == b.result.reason_code
        assert a.risk == pytest.approx(b.risk, abs=1e-6)


def values_of(feature):
    possible = st.sampled_from([0, 1]) if feature.kind == "flag" else st.floats(feature.low, feature.high)
    return st.none() | possible | st.floats() | st.text(max_size=3)


@settings(max_examples=60)
@given(st.fixed_dictionaries({feature.name: values_of(feature) for feature in FEATURES}))
def test_any_record_gives_an_answer(values):
    answer = one(values, explain=False)
    assert (answer.risk is None) == (answer.level is None)
    assert answer.risk is None or 0 <= answer.risk <= 1
    json.dumps(answer.as_json())


def test_the_command_line_gives_the_same_answer(tmp_path, capsys):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(SICK | {"heart_failure": True}), encoding="utf-8")
    assert main(["predict", HYBRID, str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["risk"] == pytest.approx(one(SICK).risk, abs=1e-6)
    assert said["contributions"][0]["words"]
    for text in ("[1]", "{"):
        path.write_text(text, encoding="utf-8")
        assert main(["predict", HYBRID, str(path)]) == 1
    assert "expected one record" in capsys.readouterr().err


def test_warming_up_runs_the_clinical_models_too():
    from ml.serving import warm

    assert set(MODELS) <= set(warm())


def test_networks_were_exported_without_loss(keras):
    """The shipped Keras files, scaled as the contract says, give the served answers."""
    contract = registry.load("clinical-cnn-residual")
    model = keras.models.load_model(contract.folder / "residual.keras", compile=False)
    row = np.array([[SICK[name] for name in NAMES]], dtype=np.float32)
    from ml.models.clinical.members import Scaling
    from ml.models.clinical.networks import Network

    scaling = Scaling(
        *(np.array(contract.training["scaling"][name], dtype=np.float32) for name in ("mean", "spread"))
    )
    odds = Network(model, scaling).log_odds(row)[0]
    odds = contract.training["members"]["residual"] * odds + contract.training["bias"]
    answer = analyse_clinical(SICK, models=("clinical-cnn-residual",), explain=False)[0]
    assert answer.risk == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-5)
