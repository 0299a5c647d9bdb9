"""Forms of the condition library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from diagnostics.models.condition import Audience, Section

if TYPE_CHECKING:
    from diagnostics.models import ConditionRevision

LONGEST = 4000


def field_name(audience: Audience, section: Section) -> str:
    """Name of the field of one text."""
    return f"{audience.value}-{section.value}"


class SearchForm(forms.Form):
    """What the library is searched for."""

    q = forms.CharField(max_length=100, required=False, strip=True)


class RevisionForm(forms.Form):
    """A version of a condition's texts. What is missing is refused by diagnostics.services.conditions, with the reason."""

    sources = forms.CharField(
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One a line: guideline by name and year.",
    )
    review_by = forms.DateField(
        label="Review by", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    comment = forms.CharField(label="Why you change it", max_length=200)
    based_on = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, of: ConditionRevision, **kwargs: Any) -> None:
        """`of` is the version that is changed."""
        initial = {"sources": "\n".join(of.sources), "review_by": of.review_by, "based_on": of.number}
        for audience in Audience:
            for section in Section:
                initial[field_name(audience, section)] = of.texts[audience.value][section.value]
        super().__init__(*args, **kwargs | {"initial": initial})
        texts = {
            field_name(audience, section): forms.CharField(
                label=f"{section.label}, {str(audience.label).lower()}",
                max_length=LONGEST,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
            for audience in Audience
            for section in Section
        }
        self.fields = texts | self.fields

    def revision(self) -> dict[str, Any]:
        """The fields of `revise`, of a valid form."""
        data = self.cleaned_data
        texts = {
            audience.value: {section.value: data[field_name(audience, section)] for section in Section}
            for audience in Audience
        }
        sources = data["sources"].splitlines()
        return {"texts": texts, "sources": sources} | {
            name: data[name] for name in ("review_by", "comment", "based_on")
        }
