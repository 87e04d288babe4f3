"""What people choose and type on the outcomes pages. What does not fit is ignored: a list has no wrong address."""

from typing import Any

from django import forms

from scoring.outcomes.periods import CHOICES
from scoring.outcomes.queries import GROUPS, shown_name
from scoring.outcomes.words import CAUSES

DAY = forms.DateInput(attrs={"type": "date"})


class OutcomeFilters(forms.Form):
    """Period, grouping and the four columns. `choices` are the values that the viewer's accounts have."""

    period = forms.ChoiceField(required=False, choices=CHOICES)
    since = forms.DateField(required=False, label="From", widget=DAY)
    until = forms.DateField(required=False, label="To", widget=DAY)
    by = forms.ChoiceField(required=False, label="By", choices=list(GROUPS.items()))

    def __init__(self, *args: Any, choices: dict[str, list[str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in GROUPS.items():
            offered = [
                ("", "All"),
                *((each, shown_name(name, each)) for each in (choices or {}).get(name, [])),
            ]
            chosen = self.data.get(name, "")
            if chosen and all(chosen != value for value, _ in offered):
                offered.append((chosen, shown_name(name, chosen)))
            self.fields[name] = forms.ChoiceField(required=False, label=label, choices=offered)

    def chosen(self) -> dict[str, Any]:
        """What was chosen and fits, by name; NUL bytes and overlong texts do not."""
        self.is_valid()
        found = {name: value for name, value in self.cleaned_data.items() if value}
        return {
            name: value
            for name, value in found.items()
            if not isinstance(value, str) or ("\x00" not in value and len(value) <= 300)
        }


class LostFilters(OutcomeFilters):
    cause = forms.ChoiceField(required=False, label="Missed because", choices=[("", "All"), *CAUSES])

    field_order = ("period", "since", "until", "cause")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["by"]


class CorrectForm(forms.Form):
    """Another cause than the rule's, and how the person knows."""

    cause = forms.ChoiceField(label="Missed because", choices=CAUSES)
    reason = forms.CharField(
        label="How do you know?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write how you know. Others will read it."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
