"""What narrows a dashboard; nonsense in the address narrows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from diagnostics.dashboards.selectors import Choice
from diagnostics.risk import RiskLevel
from patients.clinical.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patients.clinical.quantities import Quantity

MOST_QUANTITIES = 4


class PeopleForm(forms.Form):
    """The class that the page of people is narrowed to: risk level, finding."""

    level = forms.ChoiceField(label="Risk level", required=False)
    label = forms.ChoiceField(label="Finding", required=False)

    def __init__(self, data: Any, *, labels: Mapping[str, int]) -> None:
        """`labels` counts the people with each finding."""
        super().__init__(data, auto_id="filter_%s")
        levels = [(level.value, level.label) for level in reversed(RiskLevel)]
        self.fields["level"].choices = [("", "All levels"), *levels]  # type: ignore[attr-defined]  # a ChoiceField
        found = [(label, f"{label} ({count})") for label, count in labels.items()]
        self.fields["label"].choices = [("", "All findings"), *found]  # type: ignore[attr-defined]  # a ChoiceField

    def choice(self) -> Choice:
        """What was chosen, as far as it exists."""
        self.is_valid()
        return Choice(self.cleaned_data.get("level", ""), self.cleaned_data.get("label", ""))


class TrendsForm(forms.Form):
    """Which quantities are drawn below each other."""

    quantity = forms.MultipleChoiceField(
        label="Quantities",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=f"At most {MOST_QUANTITIES} are drawn.",
    )

    def __init__(self, data: Any, *, counts: Mapping[str, int]) -> None:
        """`counts` says how many values there are of each quantity."""
        super().__init__(data, auto_id="trend_%s")
        self.counts = counts
        self.fields["quantity"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (code, f"{CATALOGUE[code].name} ({count})") for code, count in counts.items()
        ]

    def quantities(self) -> list[Quantity]:
        """The chosen ones; where none was chosen those with the most values, in the order of the catalogue."""
        self.is_valid()
        codes = self.cleaned_data.get("quantity") or sorted(
            self.counts, key=self.counts.__getitem__, reverse=True
        )
        kept = set(codes[:MOST_QUANTITIES])
        return [of for code, of in CATALOGUE.items() if code in kept]
