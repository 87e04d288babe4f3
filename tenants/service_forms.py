"""Letting a program in, as a form."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from tenants.identities import GOOD_FOR, LONGEST
from tenants.scopes import Scope


class ServiceForm(forms.Form):
    """Name, scopes and the last day of a new service identity."""

    name = forms.CharField(
        max_length=100,
        help_text="What the program is called here and in the event log, such as “Okta” or “Nightly import”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="May", choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    last_day = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="In UTC, within a year. A new token can be made before that without a gap.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("initial", {"last_day": (timezone.now() + GOOD_FOR).date()})
        super().__init__(*args, **options)

    def clean_last_day(self) -> date:
        day: date = self.cleaned_data["last_day"]
        today = timezone.now().date()
        if not today <= day < today + LONGEST:
            latest = today + LONGEST - timedelta(days=1)
            raise ValidationError(f"Choose a day from today to {latest}.")
        return day

    @property
    def expires_at(self) -> datetime:
        return datetime.combine(self.cleaned_data["last_day"], time.max, tzinfo=UTC)
