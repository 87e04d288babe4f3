"""The queue's forms: its filters, and the answers snooze and dismiss."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from accounts.models import Account
from playbooks.models import Recommendation
from playbooks.queries import queue
from playbooks.queries.queue import SORTS, UNOWNED, BadPlace, View, Wanted
from playbooks.services import SNOOZE_MOST_DAYS
from scoring.catalogue import DIMENSION_LABELS
from tenants.fields import Field, sees
from tenants.models import Membership

BANDS = [
    ("critical", "Critical"),
    ("at_risk", "At risk"),
    ("watch", "Watch"),
    ("healthy", "Healthy"),
    ("unknown", "No data"),
]
RISKS = [
    ("critical", "Critical"),
    ("high", "High"),
    ("medium", "Medium"),
    ("low", "Low"),
    (queue.NO_RISK, "No chance"),
    (queue.WAITS, "Waiting"),
    (queue.DATE_WAITS, "Renewal play waits"),
]
RENEWS = [("30", "In 30 days"), ("90", "In 90 days"), ("180", "In 180 days")]
MOST_DIGITS = 18  # what fits an account's id
BEFORE_RENEWAL = 60


class QueueFilters(forms.Form):
    """What the address asks for. A value that this list does not know counts as not given."""

    q = forms.CharField(required=False, max_length=100, label="Filter this list")
    segment = forms.ChoiceField(required=False, choices=[("", "All"), *Account.Segment.choices])
    band = forms.ChoiceField(required=False, label="Health", choices=[("", "All"), *BANDS])
    risk = forms.ChoiceField(required=False, choices=[("", "Any"), *RISKS])
    reason = forms.ChoiceField(required=False, choices=[("", "Any"), *DIMENSION_LABELS.items()])
    renews = forms.ChoiceField(required=False, choices=[("", "Any time"), *RENEWS])
    owner = forms.CharField(required=False)
    sort = forms.ChoiceField(required=False)

    def __init__(
        self,
        data: QueryDict,
        *,
        viewer: Membership,
        owners: Iterable[tuple[str, str]] | None = None,
        with_chance: bool = False,
    ) -> None:
        super().__init__(data, auto_id="f-%s")
        self.viewer = viewer
        sees_arr = sees(viewer, Field.ARR)
        sorts = [
            (key, queue.sort_label(key, with_chance=with_chance))
            for key, each in SORTS.items()
            if sees_arr or not each.of_money
        ]
        self.fields["sort"].choices = sorts  # type: ignore[attr-defined]
        if not queue.may_choose_owner(viewer):
            del self.fields["owner"]
        elif owners is not None:
            choices = [("", "Anyone"), (UNOWNED, "No CSM"), *owners]
            self.fields["owner"].widget = forms.Select(choices=choices)
        self.fields["q"].widget = forms.TextInput(
            attrs={"type": "search", "aria-label": "Filter this list", "placeholder": "Filter this list"}
        )

    def clean_owner(self) -> str:
        owner = str(self.cleaned_data["owner"])
        if owner in {"", UNOWNED}:
            return owner
        if not is_id(owner):
            raise forms.ValidationError("Not a person.")
        return owner

    def wanted(self) -> Wanted:
        """Raises BadPlace for an anchor that cannot be one."""
        self.is_valid()
        known = {name: value for name, value in self.cleaned_data.items() if value}
        known["renews"] = int(known.get("renews", 0))
        if not sees(self.viewer, Field.ARR):
            known.setdefault("sort", "health")  # the usual order, priority, would tell whose ARR is large
        return Wanted(view=self._view(), after=self._anchor("after"), before=self._anchor("before"), **known)

    def _view(self) -> str:
        view = self.data.get("view", "")
        known = [each.value for each in queue.views_for(self.viewer)]
        return view if view in known else View.DECISION.value

    def _anchor(self, name: str) -> int | None:
        text = self.data.get(name, "")
        if not text:
            return None
        if not is_id(text) or (self.data.get("after") and self.data.get("before")):
            raise BadPlace("This page of the list does not exist. Start again from the first one.")
        return int(text)

    def chips(self, wanted: Wanted, *, owner_name: str = "") -> list[tuple[str, str]]:
        """(name, words) of every filter that is on."""
        found = []
        for name in ("q", "segment", "band", "risk", "reason", "renews", "owner"):
            value = getattr(wanted, name)
            if value:
                words = self._words(name, str(value), owner_name)
                found.append((name, words))
        return found

    def _words(self, name: str, value: str, owner_name: str) -> str:
        if name == "q":
            return f"Text: {value}"
        if name == "owner":
            return "Owner: " + ("No CSM" if value == UNOWNED else owner_name or "somebody else")
        labels = dict(self.fields[name].choices)  # type: ignore[attr-defined]
        return f"{self[name].label}: {labels.get(value, value)}"


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


# --- answers --------------------------------------------------------------------------------------


class VersionForm(forms.Form):
    """What every answer carries: the version of the row that was read."""

    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)


class FocusedRadios(forms.RadioSelect):
    """The first choice takes the focus when the form opens."""

    def create_option(
        self, name: str, value: Any, label: Any, selected: Any, index: int, *rest: Any, **more: Any
    ) -> Any:
        option = super().create_option(name, value, label, selected, index, *rest, **more)
        if index == 0:
            option["attrs"]["autofocus"] = True
        return option


class AnswerForm(forms.Form):
    """Why; subclasses say which reasons there are."""

    reason = forms.ChoiceField(error_messages={"required": "Choose a reason."})

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, auto_id="a-%s", **options)


class SnoozeForm(AnswerForm):
    until = forms.ChoiceField(
        label="Come back",
        widget=FocusedRadios,
        error_messages={"required": "Choose a day.", "invalid_choice": "Choose a day."},
    )
    day = forms.DateField(
        required=False,
        label="Or on another day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reason = forms.ChoiceField(
        choices=[("", "Choose"), *Recommendation.SnoozeReason.choices],
        error_messages={"required": "Choose a reason."},
    )
    field_order = ("until", "day", "reason")

    def __init__(self, data: Any = None, *, today: date, renewal: date | None = None) -> None:
        days = suggested_days(today, renewal)
        self.today = today
        super().__init__(data, initial={"until": days[0][0]})
        self.fields["until"].choices = days  # type: ignore[attr-defined]
        self.fields["day"].widget.attrs |= {
            "min": str(today + timedelta(days=1)),
            "max": str(today + timedelta(days=SNOOZE_MOST_DAYS)),
        }

    def clean_day(self) -> date | None:
        """The service checks the day again; asked of many rows it would say so once for each."""
        day: date | None = self.cleaned_data["day"]
        if day is not None and not self.today < day <= self.today + timedelta(days=SNOOZE_MOST_DAYS):
            raise forms.ValidationError(f"Choose a day after today, within {SNOOZE_MOST_DAYS} days.")
        return day

    @property
    def until_day(self) -> date:
        """The chosen day, once the form is valid; a day of one's own wins."""
        return self.cleaned_data["day"] or date.fromisoformat(self.cleaned_data["until"])


class DismissForm(AnswerForm):
    reason = forms.ChoiceField(
        label="Why?",
        choices=Recommendation.DismissReason.choices,
        widget=FocusedRadios,
        error_messages={"required": "Choose a reason."},
    )
    comment = forms.CharField(
        required=False, max_length=1000, label="Note", widget=forms.Textarea(attrs={"rows": 2})
    )


def suggested_days(today: date, renewal: date | None) -> list[tuple[str, str]]:
    """Days to choose from: in 3 days, in a week, and 60 days before the renewal; in two weeks if that is not ahead."""
    found = [(today + timedelta(days=3), "In 3 days"), (today + timedelta(days=7), "In 1 week")]
    before = renewal - timedelta(days=BEFORE_RENEWAL) if renewal else today
    if today < before <= today + timedelta(days=SNOOZE_MOST_DAYS) and before not in dict(found):
        found.append((before, f"{BEFORE_RENEWAL} days before renewal"))
    else:
        found.append((today + timedelta(days=14), "In 2 weeks"))
    return [(str(day), f"{text}, {day:%a} {day.day} {day:%b}") for day, text in found]
