"""The rules of the patient's level: what counts, what wins, and that nothing added or worsened ever lowers it."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.patient_risk import (
    ORDER,
    Evidence,
    Judgement,
    Kind,
    PatientLevel,
    RedFlag,
    assess,
    changes,
    kind_of,
    missing,
    newest_of_kind,
    red_flags,
    stored_tiers,
)
from diagnostics.risk import CHEST_RISK
from diagnostics.risk import ORDER as LABEL_ORDER
from diagnostics.risk import assess as assess_labels
from tests.diagnostics.results import result

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
TIERS = stored_tiers()
HIGH, MODERATE, LOW, UNKNOWN = (
    PatientLevel.HIGH,
    PatientLevel.MODERATE,
    PatientLevel.LOW,
    PatientLevel.UNKNOWN,
)


def evidence(level=LOW, *, key="1", kind=Kind.IMAGE, days_ago=0, **fields):
    values = {"reasons": (f"It is {level.label}.",), "at": NOW - dt.timedelta(days=days_ago)}
    return Evidence(key=key, kind=kind, level=level, **values | fields)


def level(*given_evidence):
    return assess(given_evidence, tiers=TIERS).level


def doctor_found(label, level, *, overrides=True):
    return Judgement(label, level, overrides)


LEVELS = st.sampled_from(ORDER)
PROBABILITIES = st.none() | st.floats(0, 1)
FLAGS = st.lists(st.sampled_from(RedFlag), unique=True, max_size=2).map(tuple)
JUDGEMENTS = st.builds(
    Judgement, st.sampled_from(["Normal", "VF", "PVC", "MI"]), st.sampled_from(ORDER[1:]), st.booleans()
)

MAYBE_JUDGED = st.none() | JUDGEMENTS


@st.composite
def any_evidence(draw, judgements=MAYBE_JUDGED):
    kind = draw(st.sampled_from(Kind))
    return Evidence(
        key=str(draw(st.uuids())),
        kind=kind,
        at=NOW - dt.timedelta(hours=draw(st.integers(0, 30_000))),
        level=draw(LEVELS),
        label=draw(st.sampled_from(["", "Normal", "VF", "PVC"])),
        probability=draw(PROBABILITIES) if kind is Kind.CLINICAL else None,
        reasons=tuple(draw(st.lists(st.sampled_from(["A.", "B."]), max_size=2))),
        red_flags=draw(FLAGS),
        judgement=draw(judgements),
        superseded=draw(st.booleans()),
    )


@given(st.lists(any_evidence(), max_size=6), any_evidence(judgements=st.none()))
def test_further_evidence_never_lowers_the_level(known, further):
    assert ORDER.index(level(*known, further)) >= ORDER.index(level(*known))


@given(st.lists(any_evidence(), max_size=6), any_evidence(judgements=JUDGEMENTS))
def test_what_a_doctor_judged_lowers_the_level_only_as_a_newer_clinical_record(known, judged):
    if judged.kind is not Kind.CLINICAL or judged.superseded:
        assert ORDER.index(level(*known, judged)) >= ORDER.index(level(*known))


@given(st.lists(any_evidence(), min_size=1, max_size=6), st.data())
def test_worse_evidence_never_lowers_the_level(known, data):
    place = data.draw(st.integers(0, len(known) - 1))
    old = known[place]
    worse = dataclasses.replace(
        old,
        level=data.draw(st.sampled_from(ORDER[ORDER.index(old.level) :])),
        red_flags=tuple({*old.red_flags, *data.draw(FLAGS)}),
        probability=None if old.probability is None else data.draw(st.floats(old.probability, 1)),
    )
    changed = [*known[:place], worse, *known[place + 1 :]]
    assert ORDER.index(level(*changed)) >= ORDER.index(level(*known))


@given(st.lists(any_evidence(), max_size=6, unique_by=lambda one: one.key), st.randoms())
def test_the_order_does_not_matter(known, random):
    assert assess(known, tiers=TIERS) == assess(random.sample(known, len(known)), tiers=TIERS)


@given(st.lists(any_evidence(), max_size=6))
def test_the_level_is_the_highest_that_counts_and_the_reasons_go_down_from_it(known):
    found = assess(known, tiers=TIERS)
    ranks = [ORDER.index(PatientLevel(one.level)) for one in found.counted]
    assert ranks == sorted(ranks, reverse=True)
    assert ORDER.index(found.level) == max(ranks, default=0)
    assert bool(found.red_flags) == any(one.red_flags for one in found.counted)
    assert all(one.text.endswith(".") for one in found.counted)
    given_probabilities = {one.probability for one in known if not one.superseded}
    assert found.probability is None or found.probability in given_probabilities


@given(st.lists(any_evidence(), max_size=6))
def test_a_red_flag_is_always_high(known):
    found = assess(known, tiers=TIERS)
    assert not found.red_flags or found.level is HIGH


@given(st.lists(any_evidence(), max_size=6))
def test_nothing_changed_from_an_assessment_to_the_same(known):
    found = assess(known, tiers=TIERS)
    assert changes(found, found) == []


def test_without_evidence_the_level_is_unknown_and_that_is_said():
    found = assess([], tiers=TIERS)
    assert (found.level, found.probability, found.counted) == (UNKNOWN, None, ())
    assert missing({}, now=NOW) == [
        "No result that could be read: the level is unknown, which does not mean low."
    ]
    assert level(evidence(UNKNOWN)) is UNKNOWN


def test_the_doctors_word_wins_over_the_models_and_their_red_flag():
    seen = evidence(HIGH, label="VF", red_flags=(RedFlag.LETHAL_RHYTHM,))
    assert assess([seen], tiers=TIERS).red_flags == (RedFlag.LETHAL_RHYTHM,)
    overridden = dataclasses.replace(seen, judgement=doctor_found("Normal", LOW))
    found = assess([overridden], tiers=TIERS)
    assert (found.level, found.red_flags) == (LOW, ())
    assert "A doctor found Normal instead" in found.counted[0].text
    missed = evidence(LOW, label="Normal", judgement=doctor_found("VF", HIGH))
    assert assess([missed], tiers=TIERS).red_flags == (RedFlag.LETHAL_RHYTHM,)


def test_a_confirmed_red_flag_stays_one():
    seen = evidence(HIGH, label="VF", red_flags=(RedFlag.LETHAL_RHYTHM,))
    confirmed = dataclasses.replace(seen, judgement=doctor_found("VF", HIGH, overrides=False))
    assert assess([confirmed], tiers=TIERS).red_flags == (RedFlag.LETHAL_RHYTHM,)


def test_a_newer_clinical_record_counts_beside_the_old_one_until_a_doctor_has_judged_it():
    old = evidence(HIGH, key="old", kind=Kind.CLINICAL, days_ago=90, probability=0.7)
    new = evidence(LOW, key="new", kind=Kind.CLINICAL, probability=0.05)
    found = assess([old, new], tiers=TIERS)
    assert (found.level, found.probability) == (HIGH, 0.05)
    judged = dataclasses.replace(new, judgement=doctor_found("survival", LOW, overrides=False))
    after = assess([old, judged], tiers=TIERS)
    assert (after.level, after.probability, [one.key for one in after.counted]) == (LOW, 0.05, ["new"])
    assert level(evidence(HIGH, days_ago=90), judged) is HIGH  # an old picture does not go out of force


def test_a_probability_counts_at_least_as_its_tier_and_goes_with_an_override():
    record = evidence(LOW, kind=Kind.CLINICAL, probability=TIERS.high_from)
    assert assess([record], tiers=TIERS).level is HIGH
    assert level(dataclasses.replace(record, probability=TIERS.low_below)) is MODERATE
    overridden = dataclasses.replace(record, judgement=doctor_found("survival", LOW))
    assert (assess([overridden], tiers=TIERS).level, assess([overridden], tiers=TIERS).probability) == (
        LOW,
        None,
    )


def test_what_is_superseded_does_not_count():
    assert level(evidence(HIGH, superseded=True), evidence(LOW, key="2")) is LOW


HEART_SIZES = sorted(CHEST_RISK, key=lambda label: LABEL_ORDER.index(CHEST_RISK[label][0]))


def chest(label, **fields):
    """What stands of a chest X-ray on which a model sees this."""
    found, reasons = assess_labels([result(label, model="cxr-heart")])
    return evidence(PatientLevel(found), kind=Kind.DICOM, label=label, reasons=tuple(reasons), **fields)


@given(st.lists(any_evidence(), max_size=5), st.sampled_from(HEART_SIZES), st.data())
def test_a_larger_heart_on_an_x_ray_never_lowers_the_level(known, label, data):
    worse = data.draw(st.sampled_from(HEART_SIZES[HEART_SIZES.index(label) :]))
    without = ORDER.index(level(*known))
    with_it = ORDER.index(level(*known, chest(label, key="x-ray")))
    assert without <= with_it <= ORDER.index(level(*known, chest(worse, key="x-ray")))


def test_an_enlarged_heart_counts_as_moderate_and_says_what_was_seen():
    assert HEART_SIZES == ["Normal heart size", "Borderline heart size", "Cardiomegaly"]
    assert [level(chest(label)) for label in HEART_SIZES] == [LOW, MODERATE, MODERATE]
    found = assess([chest("Cardiomegaly"), evidence(LOW, key="2")], tiers=TIERS)
    assert (found.level, found.probability, found.red_flags) == (MODERATE, None, ())
    assert found.counted[0].text.startswith(
        "Imaging study of 1 Jun 2026: cxr-heart sees an enlarged heart shadow, which may point to heart failure"
    )


@pytest.mark.parametrize(
    ("labels", "of_level", "flags"),
    [
        (["VF"], "high", [RedFlag.LETHAL_RHYTHM]),
        (["PVC", "VF"], "high", [RedFlag.LETHAL_RHYTHM]),
        (["PVC"], "high", []),
        (["MI"], "high", [RedFlag.ACUTE_INFARCTION]),
        (["MI"], "moderate", []),
        (["Myocardial infarction"], "high", [RedFlag.ACUTE_INFARCTION]),
        (["suspected acute infarction"], "high", [RedFlag.ACUTE_INFARCTION]),
        (["history of MI"], "high", []),
        (["old MI"], "high", []),
        (["", "NORMALMI"], "high", []),
    ],
)
def test_which_labels_are_red_flags(labels, of_level, flags):
    assert list(red_flags(labels=labels, level=of_level)) == flags


@pytest.mark.parametrize(
    ("kind", "rate", "flagged"),
    [
        ("ventricular_fibrillation", None, True),
        ("ventricular_run", 140.0, True),
        ("ventricular_run", 95.0, False),
        ("ventricular_run", None, False),
        ("atrial_run", 160.0, False),
        ("pause", None, False),
    ],
)
def test_which_episodes_are_red_flags(kind, rate, flagged):
    found = red_flags(labels=["Normal"], level="high", episodes=[{"kind": kind, "rate_bpm": rate}])
    assert bool(found) is flagged


@pytest.mark.parametrize(
    ("media_type", "models", "kind"),
    [
        ("image/png", ["beat-cnn"], Kind.IMAGE),
        ("image/png", [], Kind.IMAGE),
        ("image/jpeg", ["page-fusion"], Kind.PAGE),
        ("image/jpeg", ["ecg-signals"], Kind.PAGE),
        ("application/pdf", [], Kind.PAGE),
        ("application/x-wfdb+zip", ["beat-resnet", "ecg-signals"], Kind.RECORDING),
        ("application/dicom", ["beat-resnet"], Kind.RECORDING),
        ("application/dicom", ["cxr-heart"], Kind.DICOM),
        ("application/x-cardiocare-clinical+json", ["clinical-hybrid"], Kind.CLINICAL),
    ],
)
def test_what_was_read_follows_from_file_and_models(media_type, models, kind):
    assert kind_of(media_type, models) is kind


def test_what_is_missing_is_named_and_what_is_old():
    known = [evidence(kind=Kind.IMAGE), evidence(key="2", kind=Kind.CLINICAL, days_ago=500)]
    said = missing(newest_of_kind(known), now=NOW)
    assert said == [
        "No recording and no twelve-lead page: rhythm, intervals and all leads were not assessed.",
        "No chest X-ray: the size of the heart was not assessed.",
        "Clinical record: the newest is 16 months old.",
    ]
    assert missing(newest_of_kind([*known, evidence(key="3", kind=Kind.PAGE)]), now=NOW) == said[1:]
    seen = [*known, evidence(key="4", kind=Kind.DICOM)]
    assert missing(newest_of_kind(seen), now=NOW) == [said[0], said[2]]
    unread = evidence(UNKNOWN, kind=Kind.DICOM)
    assert newest_of_kind([unread]) == {}


def test_what_changed_is_said_level_first():
    first = assess([evidence(LOW)], tiers=TIERS)
    assert changes(None, first) == ["First assessment of this patient."]
    record = evidence(MODERATE, key="2", kind=Kind.CLINICAL, probability=0.3, days_ago=1)
    second = assess([evidence(LOW), record], tiers=TIERS)
    said = changes(first, second)
    assert said[0] == "The level rose from Low to Moderate."
    assert said[1] == "Probability of death during follow-up: none before, 30 % now."
    assert said[2].startswith("New: Clinical record of 31 May 2026: ")
    third = assess([evidence(LOW)], tiers=TIERS)
    said = changes(second, third)
    assert said[0] == "The level fell from Moderate to Low."
    assert said[-1].startswith("No longer counted: Clinical record of 31 May 2026")
    assert not any(one.startswith("No longer counted") for one in changes(second, third, everything=False))


def test_tiers_are_those_of_the_stored_evaluation():
    rates = [TIERS.observed[one] for one in (LOW, MODERATE, HIGH)]
    assert all(0 <= one.low <= one.rate <= one.high <= 1 for one in rates)
    assert [one.rate for one in rates] == sorted(one.rate for one in rates)
    assert 0 < TIERS.low_below < TIERS.high_from < 1
    assert TIERS.of(None) is UNKNOWN
