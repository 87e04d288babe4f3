"""What the audit page can be narrowed to. A value that cannot be read is said, and filters nothing."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from audit.queries import Filters
from tenants.models import Membership

# In the words of the pages; the value is what verbs begin with.
APPS = [
    ("", "Anything"),
    ("accounts", "Accounts"),
    ("approvals", "Approvals"),
    ("audit", "Event log"),
    ("integrations", "Imports and write-backs"),
    ("jobs", "Jobs"),
    ("playbooks", "Queue and plays"),
    ("scoring", "Health"),
    ("tenants", "People and access"),
]
BIGGEST_ID = 2**63 - 1


# Beyond these, "the day after" or a clock's offset would leave the calendar.
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)


def _day(label: str) -> forms.DateField:
    within = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
    picker = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=picker, validators=within)


class EventFilters(forms.Form):
    app = forms.ChoiceField(required=False, choices=APPS)
    verb = forms.RegexField(r"^[a-z_]+\.[a-z_]+$", required=False, max_length=80, widget=forms.HiddenInput)
    person = forms.CharField(required=False, max_length=80)
    object_type = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    object_id = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    account = forms.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID, widget=forms.HiddenInput)
    decision = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    since = _day("From")
    until = _day("To")

    def __init__(self, *args: Any, people: list[Membership] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(str(each.user_id), str(each.user)) for each in people or []]
        known = [("", "Anyone"), *names, ("system", "Holdfast")]
        chosen = str(self.data.get("person", ""))
        if chosen and chosen not in dict(known):
            known.append((chosen, chosen))
        self.fields["person"].widget = forms.Select(choices=known)

    @property
    def filters(self) -> Filters:
        self.is_valid()
        return Filters(**{name: value for name, value in self.cleaned_data.items() if value})
