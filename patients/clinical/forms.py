"""Forms of clinical values. They only carry the typing: patients.services.clinical_values decides what is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from patients.clinical.catalogue import ENTERED
from patients.clinical.quantities import Group, Kind
from patients.clinical.reading import LONGEST
from patients.clinical.reasons import ValueReason, ValueRefused
from patients.clinical.table import targets
from patients.services.clinical_values import Entry

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from patients.clinical.quantities import Quantity

MINUTES = "%Y-%m-%dT%H:%M"


def this_minute() -> dt.datetime:
    """Now, as exactly as the form's field tells it."""
    return timezone.now().replace(second=0, microsecond=0)


class _Minute(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format=MINUTES)


class MeasuredForm(forms.Form):
    """When the values were measured."""

    measured_at = forms.DateTimeField(
        label="Measured at", help_text="Date and time in UTC.", widget=_Minute(), initial=this_minute
    )


class CorrectionForm(MeasuredForm):
    """Why a value is replaced or taken back, and the right time."""

    reason = forms.CharField(
        max_length=200, label="What was wrong", help_text="For example: digits exchanged."
    )
    take_back = forms.BooleanField(
        required=False,
        label="Take the value back: it should never have been entered, for example for another patient",
    )


class ValueForm(forms.Form):
    """One quantity: its value, unit, and the confirmation of an unusual one."""

    value = forms.CharField(max_length=LONGEST, required=False)
    unit = forms.ChoiceField(required=False)
    confirmed = forms.BooleanField(required=False, label="I have looked again: it is right")

    def __init__(self, data: Any = None, *, of: Quantity, check_url: str = "", initial: Any = None) -> None:
        """`check_url` answers what is said of the value while the form is filled in; without one nothing is asked."""
        super().__init__(data, prefix=of.code, auto_id="%s", initial=initial)
        self.of = of
        self.said, self.kind = "", ""
        self.may_confirm = False
        value, unit = self.fields["value"], self.fields["unit"]
        value.label = of.name
        unit.label = f"Unit of {of.name}"
        unit.choices = [(known.name, known.name) for known in of.units]  # type: ignore[attr-defined]  # a ChoiceField
        if of.kind is Kind.CHOICE:
            words = [(word, word) for _, word in of.choices]
            value.widget = forms.Select(choices=[("", "not recorded"), *words])
        else:
            value.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}
        value.widget.attrs["aria-describedby"] = self.said_id
        if check_url:
            asks = {"hx-post": check_url, "hx-trigger": "change", "hx-target": f"#{self.said_id}"}
            for field in (value, unit):
                field.widget.attrs |= asks

    @property
    def said_id(self) -> str:
        """Id of the element that takes what is said of the value."""
        return f"{self.of.code}-said"

    @property
    def has_units(self) -> bool:
        """Whether there is a unit to choose."""
        return len(self.of.units) > 1

    def entry(self) -> Entry | None:
        """What was typed; None if nothing."""
        text = (self["value"].value() or "").strip()
        if not text:
            return None
        unit = self["unit"].value() or ""
        return Entry(self.of.code, text[: 2 * LONGEST], unit, bool(self["confirmed"].value()))

    def refuse(self, refusal: ValueRefused) -> None:
        """Show why the value was not taken, and offer to confirm an unusual one."""
        self.said, self.kind = str(refusal), "error"
        self.may_confirm = refusal.reason is ValueReason.UNUSUAL
        self.fields["value"].widget.attrs["aria-invalid"] = "true"

    def judge(self) -> None:
        """Say what is to be said of the value by itself: why it would be refused, or what it is in the canonical unit."""
        entry = self.entry()
        if entry is None:
            return
        try:
            value = entry.read()
        except ValueRefused as refusal:
            self.refuse(refusal)
            return
        if not self.of.is_usual(value):
            self.may_confirm = True
        unit = self.of.unit_named(entry.unit)
        if unit is not None and unit.name != self.of.unit:
            self.said, self.kind = f"This is {self.of.words(value)}.", "converted"


def groups(forms_: Iterable[ValueForm]) -> list[tuple[Group, list[ValueForm]]]:
    """The forms under the headings of the page."""
    rows = list(forms_)
    return [(group, [form for form in rows if form.of.group is group]) for group in Group]


def value_forms(data: Any = None, *, check_url: Any = None) -> list[ValueForm]:
    """A form for each quantity that can be entered; `check_url` gives the address for a code."""
    return [
        ValueForm(data, of=of, check_url=check_url(of.code) if check_url else "") for of in ENTERED.values()
    ]


class TableForm(forms.Form):
    """A file with a table of values."""

    table = forms.FileField(
        label="Table as CSV or Excel workbook (.xlsx)",
        help_text="One row for each patient and time, at most 20,000; one column for each quantity. Of a workbook the first sheet is read.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,.xlsx"}),
    )


class MappingForm(forms.Form):
    """What each column of a table is."""

    measured_at = forms.DateTimeField(
        label="Measured at",
        required=False,
        widget=_Minute(),
        help_text="In UTC, for rows that do not say it themselves.",
    )

    def __init__(
        self, data: Any = None, *, headings: list[str], mapping: list[str], initial: Any = None
    ) -> None:
        """`mapping` is what the columns are said to be so far."""
        super().__init__(data, initial=initial)
        choices = targets()
        self.names = [f"column-{index}" for index in range(len(headings))]
        for name, heading, place in zip(self.names, headings, mapping, strict=True):
            label = heading or "(no heading)"
            self.fields[name] = forms.ChoiceField(choices=choices, required=False, label=label, initial=place)

    def columns(self) -> list[forms.BoundField]:
        """The fields of the columns, in their order."""
        return [self[name] for name in self.names]

    def mapping(self) -> list[str]:
        """What was said of each column; after `is_valid`."""
        return [self.cleaned_data[name] for name in self.names]
