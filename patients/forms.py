"""Forms of patients and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from patients.models import Allergy, Condition, Medication, Note, Patient

if TYPE_CHECKING:
    import datetime as dt


class _Date(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class RegisterPatientForm(forms.ModelForm):
    """A new patient; `username` links the account with which the patient signs in."""

    username = forms.CharField(
        max_length=150,
        required=False,
        label="Patient's user name",
        help_text="If the patient has an account to read reports with.",
    )

    class Meta:
        model = Patient
        fields = ("mrn", "family_name", "given_name", "birth_date", "sex")
        widgets = {"birth_date": _Date()}

    def clean_birth_date(self) -> dt.date:
        """Not in the future."""
        born: dt.date = self.cleaned_data["birth_date"]
        if born > timezone.localdate():
            raise forms.ValidationError("The date of birth is in the future.")
        return born

    def clean_username(self) -> User | None:
        """The account, None if none is named."""
        name = self.cleaned_data["username"]
        if not name:
            return None
        user = User.objects.filter(username=name, role=Role.PATIENT, is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is no active patient account with this user name.")
        return user


class AddMemberForm(forms.Form):
    """Somebody who joins the care team."""

    username = forms.CharField(max_length=150, label="User name of the colleague")

    def clean_username(self) -> User:
        """An active doctor, or an integration that uploads for the team."""
        name = self.cleaned_data["username"]
        user = User.objects.filter(
            username=name, role__in=(Role.DOCTOR, Role.INTEGRATION), is_active=True
        ).first()
        if user is None:
            raise forms.ValidationError("There is no active doctor or integration with this user name.")
        return user


class ConditionForm(forms.ModelForm):
    """A condition."""

    class Meta:
        model = Condition
        fields = ("name", "code", "since")
        labels = {"name": "Condition"}
        widgets = {"since": _Date()}


class MedicationForm(forms.ModelForm):
    """A medication."""

    class Meta:
        model = Medication
        fields = ("name", "code", "dose")
        labels = {"name": "Drug"}


class AllergyForm(forms.ModelForm):
    """An allergy."""

    class Meta:
        model = Allergy
        fields = ("substance", "reaction")


class NoteForm(forms.ModelForm):
    """A note."""

    class Meta:
        model = Note
        fields = ("text",)
        labels = {"text": "Note"}
        widgets = {"text": forms.Textarea(attrs={"rows": 4})}


# Each kind of entry by its model's name, in the order of the page.
ENTRY_FORMS: dict[str, type[forms.ModelForm]] = {
    "condition": ConditionForm,
    "medication": MedicationForm,
    "allergy": AllergyForm,
    "note": NoteForm,
}
