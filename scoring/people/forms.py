"""What people type beside the scores. The services check the rules once more."""

from datetime import date, timedelta
from typing import Any

from django import forms

from accounts.models import Contact
from scoring.people.corrections import FIELDS
from scoring.people.services import LONGEST_DAYS, MOST_REASONS, OBSERVATION_DAYS, SENTIMENT_DAYS
from scoring.people.words import Confidence, Level, SentimentReason, Sign

LINES = forms.Textarea(attrs={"rows": 2})


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}))


class SentimentForm(forms.Form):
    level = forms.ChoiceField(label="How do you feel about it?", choices=Level.choices)
    reasons = forms.MultipleChoiceField(
        label="Reasons, three at most",
        required=False,
        choices=SentimentReason.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    note = forms.CharField(label="Note", required=False, max_length=2_000, widget=LINES)
    valid_until = _day("Holds until")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "sentiment", **kwargs})
        until = self.fields["valid_until"]
        until.initial = today + timedelta(days=SENTIMENT_DAYS)
        until.widget.attrs |= {"min": str(today), "max": str(today + timedelta(days=LONGEST_DAYS))}

    def clean_reasons(self) -> list[str]:
        found: list[str] = self.cleaned_data["reasons"]
        if len(found) > MOST_REASONS:
            raise forms.ValidationError("Choose up to three of the reasons.")
        return found


class ObservationForm(forms.Form):
    contact = forms.ChoiceField(label="Person")
    sign = forms.ChoiceField(label="What was noticed", choices=Sign.choices)
    confidence = forms.ChoiceField(label="How sure", choices=Confidence.choices, initial=Confidence.MEDIUM)
    observed_on = _day("Noticed on")
    expires_on = _day("Counts until")
    note = forms.CharField(label="Note", required=False, max_length=2_000, widget=LINES)

    def __init__(self, people: list[tuple[int, str]], *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "noticed", **kwargs})
        self.fields["contact"].choices = [(str(pk), name) for pk, name in people]  # type: ignore[attr-defined]
        self.fields["observed_on"].initial = today
        self.fields["observed_on"].widget.attrs |= {"max": str(today)}
        self.fields["expires_on"].initial = today + timedelta(days=OBSERVATION_DAYS)


class PersonForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200)
    title = forms.CharField(label="Title", required=False, max_length=200)
    role = forms.ChoiceField(label="Role", choices=Contact.Role.choices)
    since = _day("Since")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "person", **kwargs})
        self.fields["since"].initial = today


class DepartedForm(forms.Form):
    contact = forms.ChoiceField(label="Person")
    new = _day("Left on")
    why = forms.CharField(label="How do you know?", max_length=1_000)

    def __init__(self, people: list[tuple[int, str]], *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "departed", **kwargs})
        self.fields["contact"].choices = [(str(pk), name) for pk, name in people]  # type: ignore[attr-defined]
        self.fields["new"].initial = today
        self.fields["new"].widget.attrs |= {"max": str(today)}


class CorrectionForm(forms.Form):
    """One field of one source row: `place` is "source:row:field", in groups (report_rows.Offer)."""

    place = forms.ChoiceField(label="What is wrong")
    new = forms.CharField(
        label="What is right",
        required=False,
        max_length=40,
        help_text="A day as 2026-03-31, a role as champion, or a score; empty: there is none.",
    )
    why = forms.CharField(label="How do you know?", max_length=1_000, widget=LINES)

    def __init__(self, places: list[tuple[str, list[tuple[str, str]]]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = places  # type: ignore[attr-defined]

    def clean_place(self) -> tuple[str, int, str]:
        source, row_id, field = self.cleaned_data["place"].split(":")
        if field not in FIELDS[source]:
            raise forms.ValidationError("Choose what is wrong.")
        return source, int(row_id), field


class CloseForm(forms.Form):
    answer = forms.CharField(label="Why it stays as it is", max_length=1_000, widget=LINES)
