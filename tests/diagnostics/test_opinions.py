"""What several models' answers to one picture come to: the sentence, the disagreement, which of them decides."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics import opinions
from diagnostics.risk import assess
from ml.contract import ModelResult, Outcome
from tests.diagnostics.results import LABELS, answers, on_copies, result

REFUSED = {"outcome": Outcome.NOT_ELIGIBLE}
PAGE_LABELS = ("Normal ECG", "Abnormal heartbeat", "Myocardial infarction", "History of MI")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (answers("PVC", "PVC", "Normal", "PVC", None), "3 of 5 models say PVC; c says Normal; e is not sure."),
        (answers("PVC", "PVC", "PVC"), "All 3 models say PVC."),
        (answers("PVC", "Normal"), "beat-cnn says PVC; b says Normal."),
        (answers("Normal", "PVC", "PVC"), "2 of 3 models say PVC; beat-cnn says Normal."),
        (answers("PVC", "PAC", "Normal", "Normal", "PAC"), "2 of 5 models say PAC; c and d say Normal; beat-cnn says PVC."),
        (answers(None, None), "beat-cnn and b are not sure."),
        ([result(), result(model="b", **REFUSED)], "beat-cnn says PVC; b did not answer."),
        (answers("PVC"), ""),
        (answers("Normal", "VF", models=("beat-resnet", "rhythm-vf")), ""),
    ],
)  # fmt: skip
def test_who_says_what(given: list[ModelResult], sentence: str) -> None:
    said = {opinions.headline(list(order)) for order in itertools.permutations(given)}
    assert said == {sentence}


@given(st.lists(st.sampled_from([*LABELS, None]), min_size=2, max_size=5))
def test_disagreement_is_two_findings_and_every_model_is_in_the_sentence(labels: list[str | None]) -> None:
    given = answers(*labels)
    named = {"Normal ECG" if label == "NORM" else label for label in labels if label}
    assert opinions.disagree(given) == (len(named) > 1)
    sentence = opinions.headline(given)
    assert all(label in sentence for label in named)
    assert opinions.deciding(given) == given[:1]


@pytest.mark.parametrize(
    ("given", "contested"),
    [
        ([on_copies("Normal ECG", stable=False)], True),
        ([on_copies("Normal ECG", stable=True)], False),
        ([on_copies(None, stable=False)], False),
        (
            [
                on_copies("Normal ECG", stable=True),
                on_copies("Normal ECG", stable=False, model="page-cnn"),
            ],
            False,
        ),
        ([on_copies("Normal ECG", stable=True), result("MI", model="ecg-signals")], True),
    ],
)
def test_an_answer_is_contested_by_copies_of_its_page_or_by_another_model(
    given: list[ModelResult],
    contested: bool,  # noqa: FBT001
) -> None:
    assert opinions.contested(given) == contested
    wanted = "In 1 of 6 it is another." if contested and len(given) == 1 else ""
    assert opinions.unstable(given) == wanted


@given(st.lists(st.sampled_from([*LABELS, None]), min_size=2, max_size=5))
def test_second_opinions_never_change_the_level(labels: list[str | None]) -> None:
    assert assess(opinions.deciding(answers(*labels))) == assess(answers(labels[0]))


def page_answers(fusion, others=(), leads=None):
    """Answers to a page: the fusion's, those of other page models, and that of the digitised leads."""
    made = [result(fusion, model="page-fusion")] if fusion else []
    made += [result(label, model=f"page-{number}") for number, label in enumerate(others)]
    return made + ([result(leads, model="ecg-signals")] if leads else [])


@given(
    fusion=st.sampled_from(PAGE_LABELS),
    others=st.lists(st.sampled_from(PAGE_LABELS), max_size=3),
    leads=st.sampled_from(["NORM", "MI", "STTC", None]),
)
def test_the_fusion_decides_about_a_page_and_normal_against_not_normal_is_a_disagreement(
    fusion, others, leads
):
    given_ = page_answers(fusion, others, leads)
    assert [one.model for one in opinions.deciding(given_[::-1])] == ["page-fusion"]
    differ = len({fusion, *others}) > 1
    normal = leads is not None and (leads == "NORM") != (fusion == "Normal ECG")
    assert opinions.disagree(given_) == (differ or normal)
    said = opinions.headline(given_)
    assert bool(said) == (len(given_) > 1)
    assert {opinions.headline(given_), opinions.headline(given_[::-1])} == {said}


@pytest.mark.parametrize(
    ("leads", "contradicts", "said"),
    [
        ("NORM", False, "All 2 models say Normal ECG."),  # NORM is the same finding by another name
        ("MI", True, "page-cnn says Normal ECG; ecg-signals says MI."),
    ],
)
def test_where_there_is_no_fusion_the_model_of_pages_decides_beside_the_digitised_leads(
    leads, contradicts, said
):
    given_ = [result(leads, model="ecg-signals"), result("Normal ECG", model="page-cnn")]
    assert [one.model for one in opinions.deciding(given_)] == ["page-cnn"]
    assert opinions.headline(given_) == said
    assert opinions.disagree(given_) is contradicts


def test_without_a_model_of_pages_the_digitised_leads_decide():
    (only,) = opinions.deciding(page_answers(None, leads="MI"))
    assert (only.model, opinions.headline([only]), opinions.disagree([only])) == ("ecg-signals", "", False)


@pytest.mark.parametrize(
    ("label", "level"),
    [
        ("Normal ECG", "low"),
        ("Abnormal heartbeat", "moderate"),
        ("Myocardial infarction", "high"),
        ("History of MI", "moderate"),
    ],
)
def test_the_labels_of_pages_have_their_levels(label, level):
    assert assess(page_answers(label))[0] == level
