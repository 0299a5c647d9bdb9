import dataclasses
import json

import numpy as np
import pytest
import wfdb

from ml import registry
from ml.__main__ import main
from ml.datasets.simulated import simulate
from ml.models.rhythm_vf import alarms, data
from ml.preprocessing.rhythm_segment import VERSION, prepare_segments
from ml.serving.rhythm import classify_segments
from ml.training import card
from ml.training.calibration import probabilities
from tests.ml.golden_signals import RHYTHMS, SEGMENTS, lead

GOLDEN = json.loads(SEGMENTS.read_text(encoding="utf-8"))
EVERY = pytest.mark.parametrize("rhythm", RHYTHMS)


@pytest.fixture(scope="module")
def contract():
    return registry.load("rhythm-vf")


@EVERY
def test_keras_model_gives_the_golden_probabilities(rhythm, keras, contract):
    model = keras.models.load_model(contract.folder / "model.keras", compile=False)
    made = prepare_segments(*lead(rhythm))
    logits = model([made.windows, made.features]).numpy()
    assert probabilities(logits, contract.temperature)[:, 1] == pytest.approx(GOLDEN[rhythm], abs=1e-4)


@EVERY
def test_serving_gives_the_golden_probabilities(rhythm):
    assert classify_segments(*lead(rhythm)).probabilities == pytest.approx(GOLDEN[rhythm], abs=1e-4)


def test_command_line_gives_the_golden_probabilities(tmp_path, capsys):
    for rhythm in RHYTHMS:
        signal, fs = lead(rhythm)
        np.savez(tmp_path / f"{rhythm}.npz", signal=signal, fs=fs)
    files = [str(tmp_path / f"{rhythm}.npz") for rhythm in RHYTHMS]
    assert main(["predict", "rhythm-vf", *files]) == 0
    for line, rhythm in zip(capsys.readouterr().out.splitlines(), RHYTHMS, strict=True):
        assert json.loads(line)["probabilities"] == pytest.approx(GOLDEN[rhythm], abs=1e-4)


def test_the_model_was_trained_with_this_preparation(contract):
    assert contract.preprocessing_version == VERSION
    assert contract.labels == ("other", "VF/VT")


def test_contract_has_the_measured_figures(contract):
    found = contract.metrics["cross_validation"]
    for name in ("sensitivity", "specificity"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    headline = contract.metrics["context"]["one lead, 4 s (the headline)"]
    assert [headline[name] for name in ("sensitivity", "specificity")] == [
        found[name] for name in ("sensitivity", "specificity")
    ]
    assert {"NOISE", "mixed"} <= set(contract.metrics["other_segments"]["vfdb"])
    for database in ("vfdb_alarms", "mitdb_alarms"):
        one, two = contract.metrics["other_segments"][database]
        assert (one["segments_in_a_row"], two["segments_in_a_row"]) == (1, 2)
        assert one["hours"] == two["hours"] > 1
        assert one["episodes_found"] >= two["episodes_found"]
    assert abs(contract.sanity["randomised_weights_rank_correlation"]) < 0.5


def test_trials_are_kept(contract):
    trials = json.loads((contract.folder / "trials.json").read_text(encoding="utf-8"))
    assert len(trials["trials"]) >= 3


def test_card_is_generated_from_the_contract(contract):
    content = json.loads((contract.folder / "model.json").read_text(encoding="utf-8"))
    assert (contract.folder / "card.md").read_text(encoding="utf-8") == card.text(content)


def test_rhythms_of_stretches(tmp_path):
    folder = tmp_path / "vfdb"
    folder.mkdir()
    calm = np.tile(simulate("Normal", seed=4).signal[: 4 * 500 : 2], 5)
    wild = np.tile(simulate("VF", seed=4).signal[: 4 * 500 : 2], 3)
    signal = np.concatenate([calm, wild])
    wfdb.wrsamp(
        "418",
        fs=250,
        units=["mV", "mV"],
        sig_name=["ECG", "ECG2"],
        p_signal=np.stack([signal, 2 * signal], axis=1),
        fmt=["16", "16"],
        write_dir=str(folder),
    )
    at = np.array([1, 2000, 3500, 5000])
    notes = ["(N", "(NOISE", "(N", "(VFIB"]
    wfdb.wrann("418", "atr", at, symbol=["+"] * 4, aux_note=notes, write_dir=str(folder))
    found = data.load(folder)
    one = found.take(found.leads == 0)
    assert one.rhythms.tolist() == ["mixed", "N", "NOISE", "mixed", "N", "VFIB", "VFIB", "VFIB"]
    assert one.classes.tolist() == [0] * 5 + [1] * 3
    assert one.counted.tolist() == [False, True, False, False, True, True, True, True]
    assert len(found) == 16
    twice = data.load(folder, offsets_s=(0.0, 2.0), most_leads=1)
    assert len(twice) == 15


def wave(rate):
    seconds = np.arange(500) / 125.0
    return np.sin(2 * np.pi * rate / 60.0 * seconds)[None, :, None].astype(np.float32)


def test_half_the_speed_is_half_the_rate(keras):
    from ml.models.rhythm_vf.fitting import slowed

    middle = slice(100, 400)
    half = slowed(wave(180), np.array([0.5]))[0, middle, 0]
    crossings = [np.diff(np.signbit(x)).sum() for x in (half, wave(180)[0, middle, 0])]
    assert crossings[0] == pytest.approx(crossings[1] / 2, abs=1)
    np.testing.assert_allclose(slowed(wave(180), np.array([1.0])), wave(180))


def test_a_tachycardia_slowed_below_118_is_none_any_more(keras):
    from ml.models.rhythm_vf.fitting import speeds
    from ml.preprocessing.rhythm_segment import figures_of

    seconds = np.arange(500) / 125.0
    hastening = np.sqrt(2) * np.sin(2 * np.pi * (3.0 * seconds + 0.04 * (seconds - 2.0) ** 2))
    features = np.repeat(figures_of(hastening[None]), 200, axis=0)
    factors, classes = speeds(features, np.ones(200, dtype=np.int64), np.random.default_rng(0), 0.5)
    calmed = classes == 0
    assert 0.3 < calmed.mean() < 0.7
    assert (factors[~calmed] == 1.0).all()
    assert ((180 * factors[calmed] > 70) & (180 * factors[calmed] < 123)).all()


def test_other_rhythms_are_only_ever_slowed_and_stay_other(keras):
    from ml.models.rhythm_vf.fitting import speeds

    features = np.zeros((200, 61))
    factors, classes = speeds(features, np.zeros(200, dtype=np.int64), np.random.default_rng(0), 1.0)
    assert not classes.any()
    assert ((factors >= 0.7) & (factors <= 1.0)).all()


def stretches(rhythms, records):
    count = len(rhythms)
    return data.Segments(
        windows=np.zeros((count, 500, 1), dtype=np.float32),
        features=np.zeros((count, 61), dtype=np.float32),
        rhythms=np.array(rhythms),
        records=np.array(records),
        leads=np.zeros(count, dtype=np.int64),
        reach_mv=np.ones(count, dtype=np.float32),
    )


def test_two_segments_in_a_row_raise_fewer_alarms_and_miss_short_episodes():
    rhythms = ["N", "N", "N", "N", "VFL", "N", "VT", "VT", "mixed", "N"]
    called = np.array([1, 0, 1, 1, 1, 0, 1, 1, 1, 0], dtype=bool)
    found = alarms.alarm_table(called, stretches(rhythms, ["vfdb/1"] * 10))
    # The second alarm runs on into the flutter, so it is none in vain.
    assert [row["false_alarms"] for row in found] == [1, 0]
    assert [row["episodes"] for row in found] == [2, 2]
    assert [row["episodes_found"] for row in found] == [2, 2]
    called[2:4] = False
    two = alarms.alarms(called, stretches(rhythms, ["vfdb/1"] * 10), in_a_row=2)
    assert (two["episodes"], two["episodes_found"]) == (2, 1)


def test_alarms_do_not_run_from_one_recording_into_the_next():
    segments = stretches(["N", "N"], ["vfdb/1", "vfdb/2"])
    called = np.ones(2, dtype=bool)
    assert alarms.alarms(called, segments, in_a_row=2)["false_alarms"] == 0
    assert alarms.alarms(called, segments, in_a_row=1)["false_alarms"] == 2


def test_context_averages_both_leads_and_the_segment_before(keras):
    from ml.models.rhythm_vf import context

    segments = stretches(["N", "VT", "N", "VT", "VT"], ["vfdb/1"] * 4 + ["vfdb/2"])
    segments = dataclasses.replace(segments, leads=np.array([0, 0, 1, 1, 0]))
    logits = np.array([[0.0, 1.0], [0.0, 3.0], [0.0, -5.0], [0.0, 4.0], [0.0, 9.0]])
    leads = context.both_leads(logits, segments)[:, 1]
    np.testing.assert_allclose(leads, [-2.0, 3.5, -2.0, 3.5, 9.0])
    before = context.with_previous(logits, segments)[:, 1]
    np.testing.assert_allclose(before, [1.0, 2.0, -5.0, -0.5, 9.0])


def test_context_is_measured_as_declared(keras):
    from ml.models.rhythm_vf import context

    segments = stretches(["N", "N", "VT", "VT", "NOISE"], ["vfdb/1"] * 5)
    logits = np.array([[0.0, -1.0], [0.0, -1.0], [0.0, -0.5], [0.0, 3.0], [0.0, 9.0]])
    found = context.context_table(logits, segments, 1.0)
    one, two = found["one lead, 4 s (the headline)"], found["one lead, with the 4 s before"]
    assert (one["sensitivity"]["value"], one["specificity"]["value"]) == (0.5, 1.0)
    assert (two["sensitivity"]["value"], two["specificity"]["value"]) == (0.5, 1.0)
    assert two["ece"]["value"] != one["ece"]["value"]


def test_recordings_of_ptbxl_are_read_in_both_layouts(tmp_path):
    names = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    traces = np.random.default_rng(0).normal(0, 0.3, (8, 1000)).round(2)
    public, packed = tmp_path / "public", tmp_path / "packed"
    (public / "records100").mkdir(parents=True)
    packed.mkdir()
    wfdb.wrsamp(
        "1_lr",
        fs=100,
        units=["mV"] * 8,
        sig_name=list(names),
        p_signal=traces.T,
        fmt=["16"] * 8,
        adc_gain=[1000.0] * 8,
        baseline=[0] * 8,
        write_dir=str(public / "records100"),
    )
    head = "patient_id,strat_fold,scp_codes"
    codes = "\"{'CLBBB': 100.0}\""
    (public / "ptbxl_database.csv").write_text(
        f"{head},filename_lr\n7,5,{codes},records100/1_lr\n8,10,{codes},records100/1_lr\n", encoding="utf-8"
    )
    (packed / "labels.csv").write_text(f"{head},row\n7,5,{codes},0\n8,9,{codes},0\n", encoding="utf-8")
    np.save(packed / "signals.npy", np.rint(traces[None] / 0.005).astype(np.int16))
    one, other = data.load_ptbxl(public), data.load_ptbxl(packed)
    assert set(one.records.tolist()) == {"ptbxl/7"}
    assert one.rhythms.tolist() == ["CLBBB"] * 6
    assert one.leads.tolist() == [0, 0, 1, 1, 2, 2]
    assert not one.classes.any()
    np.testing.assert_allclose(one.windows, other.windows, atol=0.05)


def test_noise_alone_is_no_arrhythmia():
    bank = np.random.default_rng(0).normal(size=(2, 5000)).astype(np.float32)
    made = data.noise_alone(bank, seed=1)
    assert not made.classes.any()
    assert made.counted.all()
    np.testing.assert_allclose(made.windows.std(axis=1), 1.0, atol=0.01)
