"""What several models say about one picture. One of them decides label and risk; the others are second opinions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol, TypeVar

from ml.contract import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The model of pictures that decides whether a picture can be read, its label and its risk.
PRIMARY = "beat-cnn"
# The model that speaks only when it sees ventricular fibrillation in a recording.
ALARM = "rhythm-vf"
# Models that are asked about every recording that they can read, beside the one whose answer a doctor confirms.
BESIDE = frozenset({"ecg-signals"})


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


OpinionT = TypeVar("OpinionT", bound=Opinion)


def in_order(opinions: Iterable[OpinionT]) -> list[OpinionT]:
    """The deciding model's first, an alarm before everything else in a recording; the others by name, those beside them last."""
    return sorted(
        opinions, key=lambda one: (one.model in BESIDE, one.model not in {PRIMARY, ALARM}, one.model)
    )


def deciding(opinions: Sequence[OpinionT]) -> list[OpinionT]:
    """The answers that decide: the primary model's where it was asked, else all but those given beside them, else those.

    A recording's models answer different questions.
    """
    return (
        [one for one in opinions if one.model == PRIMARY]
        or [one for one in opinions if one.model not in BESIDE]
        or list(opinions)
    )


def comparable(opinions: Sequence[Opinion]) -> bool:
    """Whether these are several answers to one question."""
    return len(opinions) > 1 and any(one.model == PRIMARY for one in opinions)


def disagree(opinions: Sequence[Opinion]) -> bool:
    """Whether two models name different findings. Who names none, abstains, contradicts nobody."""
    return comparable(opinions) and len({one.label for one in opinions if one.label}) > 1


def headline(opinions: Sequence[Opinion]) -> str:
    """Who says what, in one sentence; "" where there are no second opinions."""
    if not comparable(opinions):
        return ""
    ordered = in_order(opinions)
    counts = Counter(one.label for one in ordered if one.label)
    ranked = [label for label, _ in counts.most_common()]  # of equals the deciding model's first
    if len(ranked) == 1 and counts[ranked[0]] == len(ordered):
        return f"All {len(ordered)} models say {ranked[0]}."
    parts = [_say(_names(ordered, label), str(label)) for label in ranked]
    if ranked and counts[ranked[0]] > 1:
        parts[0] = f"{counts[ranked[0]]} of {len(ordered)} models say {ranked[0]}"
    unsure = [one.model for one in ordered if one.outcome == Outcome.ABSTAINED]
    silent = [one.model for one in ordered if not one.label and one.outcome != Outcome.ABSTAINED]
    if unsure:
        parts.append(f"{_listed(unsure)} {'is' if len(unsure) == 1 else 'are'} not sure")
    if silent:
        parts.append(f"{_listed(silent)} did not take the picture")
    return "; ".join(parts) + "."


def _names(opinions: Sequence[Opinion], label: str | None) -> list[str]:
    return [one.model for one in opinions if one.label == label]


def _say(models: Sequence[str], what: str) -> str:
    return f"{_listed(models)} {'says' if len(models) == 1 else 'say'} {what}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
