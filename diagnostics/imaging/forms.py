"""Forms of imaging studies."""

from __future__ import annotations

import math

from django import forms


class WindowForm(forms.Form):
    """How a frame is drawn."""

    center = forms.FloatField(required=False, min_value=-1e9, max_value=1e9)
    width = forms.FloatField(required=False, min_value=1.0, max_value=1e9)
    invert = forms.BooleanField(required=False)

    def clean(self) -> dict[str, object]:
        """Centre and width belong together."""
        given = [self.cleaned_data.get(name) for name in ("center", "width")]
        if len([one for one in given if one is not None]) == 1 or any(
            one is not None and not math.isfinite(one) for one in given
        ):
            raise forms.ValidationError("center and width belong together")
        return self.cleaned_data

    def window(self) -> tuple[float, float] | None:
        """Centre and width, if they were given."""
        centre = self.cleaned_data["center"]
        return None if centre is None else (centre, self.cleaned_data["width"])


class ReleaseForm(forms.Form):
    """To whom a held study goes."""

    mrn = forms.CharField(
        label="MRN of another patient of yours",
        required=False,
        max_length=32,
        help_text="Only if it belongs to somebody else than the one named above.",
    )
