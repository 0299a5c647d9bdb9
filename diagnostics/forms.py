"""Forms of diagnoses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from diagnostics.kinds import UNITS
from diagnostics.models import Review
from diagnostics.risk import CHEST_RISK, LABEL_RISK, TRACE_RISK
from diagnostics.risk_clinical import LEVELS
from diagnostics.services.reviews import what_is_asked
from ml.contract import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable


# Reasons to disagree that do not speak of a trace: about a clinical record, and about a chest X-ray.
OF_CLINICAL = [
    (reason.value, reason.label)
    for reason in (
        Review.OverrideReason.CLINICAL_CONTEXT,
        Review.OverrideReason.NOT_ANSWERED,
        Review.OverrideReason.OTHER,
    )
]
OF_CHEST = [(Review.OverrideReason.WRONG_LABEL.value, "The X-ray shows something else"), *OF_CLINICAL]


def label_words(label: str) -> str:
    """A label with its meaning, for example "PVC: premature ventricular beat"."""
    if label in LEVELS:
        return label
    meaning = LABEL_RISK[label][1].replace(";", ",").split(",")[0].removeprefix("a ")
    return label if meaning.lower().startswith(label.lower()) else f"{label}: {meaning}"


class ReviewForm(forms.Form):
    """A doctor's decision. What contradicts itself is refused by diagnostics.services.reviews, with the reason."""

    decision = forms.ChoiceField(label="Your decision", widget=forms.RadioSelect)
    label = forms.ChoiceField(required=False)
    override_reason = forms.ChoiceField(
        label="Why you disagree",
        required=False,
        choices=[("", "Only if you override"), *Review.OverrideReason.choices],
    )
    comment = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For colleagues; the patient does not see it.",
    )

    def __init__(
        self, *args: Any, answer: str = "", labels: Iterable[str] = TRACE_RISK, **kwargs: Any
    ) -> None:
        """`answer` is the models' label; without one there is nothing to confirm. `labels` are what can be seen instead."""
        super().__init__(*args, **kwargs)
        chosen = [("", "Only if you override"), *((label, label_words(label)) for label in labels)]
        asked = what_is_asked(labels)
        self.fields["label"].label = asked[0].upper() + asked[1:]
        if labels is LEVELS or labels is CHEST_RISK:
            reasons = OF_CLINICAL if labels is LEVELS else OF_CHEST
            self["override_reason"].field.choices = [("", "Only if you override"), *reasons]  # type: ignore[attr-defined]  # the same
        self["label"].field.choices = chosen  # type: ignore[attr-defined]  # a ChoiceField
        override = (Review.Decision.OVERRIDE.value, "Override: I see something else")
        confirm = (Review.Decision.CONFIRM.value, f"Confirm {answer}")
        self["decision"].field.choices = [confirm, override] if answer else [override]  # type: ignore[attr-defined]  # a ChoiceField
        if not answer:
            self["decision"].field.initial = Review.Decision.OVERRIDE.value


class UploadOptionsForm(forms.Form):
    """What a doctor may ask for beside the upload itself."""

    second_opinions = forms.BooleanField(
        label="Ask every model (slower)",
        required=False,
        help_text="For pictures: all models answer side by side, and where they disagree is said first.",
    )


class WindowForm(forms.Form):
    """Which stretch of a recording a viewer shows."""

    seconds = forms.FloatField(min_value=0.0, max_value=1e7)
    columns = forms.IntegerField(min_value=1, max_value=20_000)
    leads = forms.CharField(required=False, max_length=1000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """The field `from` cannot be written as an attribute."""
        super().__init__(*args, **kwargs)
        self.fields["from"] = forms.FloatField(min_value=0.0, max_value=1e7)


class TellForm(forms.Form):
    """What a recording's file does not say about itself."""

    sampling_rate_hz = forms.FloatField(
        label="Sampling rate, Hz",
        required=False,
        help_text="Samples per second, as the recorder's manual or export says.",
    )
    unit = forms.ChoiceField(
        label="Unit of the values",
        required=False,
        choices=[("", "The file says it"), *((unit, unit) for unit in UNITS)],
    )


class PredictionFilterForm(forms.Form):
    """What the list of predictions is narrowed by."""

    model = forms.ChoiceField(required=False)
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), *((o.value, o.value.replace("_", " ").capitalize()) for o in Outcome)],
    )

    def __init__(self, *args: Any, models: list[str], **kwargs: Any) -> None:
        """`models` are the names to choose from."""
        super().__init__(*args, **kwargs)
        self["model"].field.choices = [("", "Any"), *((name, name) for name in models)]  # type: ignore[attr-defined]  # a ChoiceField
