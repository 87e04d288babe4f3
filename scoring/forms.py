"""What people type about scores."""

from datetime import date, timedelta
from typing import Any

from django import forms

from scoring.bands import BANDS, LABELS
from scoring.models import Override
from scoring.services import LONGEST_OVERRIDE_DAYS


class OverrideForm(forms.Form):
    """A person's own number with its end, a reason and what they know. The service checks the rules once more."""

    health = forms.DecimalField(
        label="You say",
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        max_digits=5,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "data-key": "o"}),
    )
    band = forms.ChoiceField(
        label="Or a band",
        required=False,
        choices=[("", "By the number"), *((band, LABELS[band]) for band in BANDS)],
    )
    until = forms.DateField(label="Until", widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.ChoiceField(label="Reason", choices=Override.Reason.choices)
    note = forms.CharField(
        label="What do you know?", max_length=2_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        last = today + timedelta(days=LONGEST_OVERRIDE_DAYS)
        self.fields["until"].initial = last
        self.fields["until"].widget.attrs |= {"min": str(today), "max": str(last)}
