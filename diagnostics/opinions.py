"""What several models say about one file. One of them decides label and risk; the others are second opinions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ml.clinical.scores.register import BY_NAME as SCORES
from ml.contract import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The model of pictures that decides whether a picture can be read, its label and its risk.
PRIMARY = "beat-cnn"
# The same for 12-lead pages; where it is not installed, every model of pages decides.
PAGE = "page-fusion"
OF_PAGES = "page-"
# The same for clinical values; where it gives no answer, the scores that do are what is left.
CLINICAL = "clinical-hybrid"
# The same for chest X-rays: it measures, where the classifier beside it guesses.
CHEST = "cxr-heart"
# The model that speaks only when it sees ventricular fibrillation in a recording.
ALARM = "rhythm-vf"
# Models that are asked about every recording that they can read, beside the one whose answer a doctor confirms.
BESIDE = frozenset({"ecg-signals"})
# What the models of pages and of twelve leads call an ECG without findings.
NORMAL = frozenset({"Normal ECG", "NORM"})


class Opinion(Protocol):
    """An answer of a model: of the suite, or as it is stored."""

    @property
    def model(self) -> str:
        """Name of the model."""

    @property
    def label(self) -> str | None:
        """What it names; None or "" if nothing."""

    @property
    def outcome(self) -> str:
        """A value of ml.contract.Outcome."""

    @property
    def explanation(self) -> dict[str, Any]:
        """What else it consists of; the `level` of a clinical model."""


OpinionT = TypeVar("OpinionT", bound=Opinion)


def in_order(opinions: Iterable[OpinionT]) -> list[OpinionT]:
    """The deciding model's first, an alarm before everything else in a recording; the others by name, those beside them last."""
    return sorted(
        opinions,
        key=lambda one: (
            _last(one.model),
            one.model not in {PRIMARY, PAGE, CHEST, ALARM, CLINICAL},
            one.model,
        ),
    )


def _last(model: str) -> bool:
    """Whether an answer stands behind those of the models that answer the same question."""
    return model in BESIDE or model in SCORES


def reads_values(model: str) -> bool:
    """Whether a model or score answers about clinical values, so that its sentences name them."""
    return model in SCORES or model.startswith("clinical-")


def finding(opinion: Opinion) -> str:
    """What an answer names: a label, or the level of a clinical risk, also where no outcome is named; "" for nothing."""
    level = opinion.explanation.get("level")
    return f"{level} risk" if level else opinion.label or ""


def deciding(opinions: Sequence[OpinionT]) -> list[OpinionT]:
    """The answers that decide: the primary model's where it was asked, else all but those given beside them, else those.

    A recording's models answer different questions. Of clinical values the scores decide where the model has no answer.
    """
    clinical = [one for one in opinions if one.model == CLINICAL]
    if clinical:
        figures = [one for one in opinions if one.model in SCORES and one.outcome == Outcome.PREDICTED]
        return clinical if any(map(finding, clinical)) else figures or clinical
    return (
        [one for one in opinions if one.model in {PRIMARY, PAGE, CHEST}]
        or [one for one in opinions if one.model not in BESIDE]
        or list(opinions)
    )


def of_one_question(opinions: Iterable[OpinionT]) -> list[OpinionT]:
    """The answers of models that answer the same question as the deciding one, in order; none where there is no such."""
    ordered = [one for one in in_order(opinions) if not _last(one.model)]
    same = any(one.model in {PRIMARY, CHEST, CLINICAL} or one.model.startswith(OF_PAGES) for one in ordered)
    return ordered if same else []


def disagree(opinions: Sequence[Opinion]) -> bool:
    """Whether two models name different findings. Who names none, abstains, contradicts nobody.

    Neighbouring levels of a risk, or sizes of a heart, are no contradiction: a figure near a limit falls to either side of it. Far ones
    are.
    """
    compared = of_one_question(opinions)
    found = {_alike(one) for one in compared} - {""}
    if any(one.model == CLINICAL for one in compared):
        return {"Low risk", "High risk"} <= found
    if any(one.model == CHEST for one in compared):
        return {"Normal heart size", "Cardiomegaly"} <= found  # a ratio near the limit is borderline
    return len(found) > 1 or _contradicted(opinions)


def _contradicted(opinions: Sequence[Opinion]) -> bool:
    """Whether what decides about a page and what reads its digitised leads call it normal and not normal.

    Their other labels are of different kinds: none of them contradicts another.
    """
    pages = [one for one in deciding(opinions) if one.model.startswith(OF_PAGES)]
    beside = [one for one in opinions if one.model in BESIDE]
    normal = {finding(one) in NORMAL for one in (*pages, *beside) if finding(one)}
    return bool(pages) and len(normal) > 1


def unstable(opinions: Sequence[Opinion]) -> str:
    """What is said where the deciding model of pages names another finding on slightly changed copies of the page; "" if it does not."""
    for one in deciding(opinions):
        stability = one.explanation.get("stability")
        if one.model.startswith(OF_PAGES) and finding(one) and stability and not stability["stable"]:
            return str(stability["message"])
    return ""


def contested(opinions: Sequence[Opinion]) -> bool:
    """Whether answers contradict each other: those of two models, or those of the deciding one to a page and to its changed copies.

    What is contested is moved up in the worklist.
    """
    return disagree(opinions) or bool(unstable(opinions))


def headline(opinions: Sequence[Opinion]) -> str:
    """Who says what, in one sentence; "" where there are no second opinions."""
    ordered = of_one_question(opinions)
    if any(one.model.startswith(OF_PAGES) for one in ordered):
        ordered += [one for one in in_order(opinions) if one.model in BESIDE]
    if len(ordered) < 2:
        return ""
    counts = Counter(said for one in ordered if (said := _alike(one)))
    ranked = [label for label, _ in counts.most_common()]  # of equals the deciding model's first
    if len(ranked) == 1 and counts[ranked[0]] == len(ordered):
        return f"All {len(ordered)} models say {ranked[0]}."
    parts = [_say(_names(ordered, label), label) for label in ranked]
    if ranked and counts[ranked[0]] > 1:
        parts[0] = f"{counts[ranked[0]]} of {len(ordered)} models say {ranked[0]}"
    unsure = [one.model for one in ordered if not finding(one) and one.outcome == Outcome.ABSTAINED]
    silent = [one.model for one in ordered if not finding(one) and one.outcome != Outcome.ABSTAINED]
    if unsure:
        parts.append(f"{_listed(unsure)} {'is' if len(unsure) == 1 else 'are'} not sure")
    if silent:
        parts.append(f"{_listed(silent)} did not answer")
    return "; ".join(parts) + "."


def _alike(opinion: Opinion) -> str:
    """What an answer names, a normal ECG by one name whatever the model calls it."""
    found = finding(opinion)
    return "Normal ECG" if found in NORMAL else found


def _names(opinions: Sequence[Opinion], found: str) -> list[str]:
    return [one.model for one in opinions if _alike(one) == found]


def _say(models: Sequence[str], what: str) -> str:
    return f"{_listed(models)} {'says' if len(models) == 1 else 'say'} {what}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
