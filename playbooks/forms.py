"""What people type about plays and tasks. What it means is checked by the services; here it only takes its shape."""

from typing import Any
from uuid import uuid4

from django import forms

from playbooks.models import Play, PlayStep


class SeenVersion(forms.Form):
    """Every change names the version that was read; a form without one is treated as out of date."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean_version(self) -> int:
        return self.cleaned_data["version"] or 0


class TaskForm(forms.Form):
    title = forms.CharField(
        label="Task", max_length=300, error_messages={"required": "Say what is to be done."}
    )
    due_date = forms.DateField(
        label="Due",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Choose a day.", "invalid": "Give the day as 2026-11-30."},
    )
    form_key = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("form_key", uuid4().hex)


class ConcessionForm(SeenVersion):
    discount_pct = forms.DecimalField(
        label="Discount in %",
        widget=forms.NumberInput(attrs={"min": "0.01", "max": "100", "step": "any", "inputmode": "decimal"}),
        error_messages={"required": "Give the discount.", "invalid": "Give a number, such as 10 or 12.5."},
    )
    months = forms.IntegerField(
        label="For how many months",
        widget=forms.NumberInput(attrs={"min": "1", "max": "60", "inputmode": "numeric"}),
        error_messages={"required": "Give the months.", "invalid": "Give whole months."},
    )
    text = forms.CharField(
        label="Terms",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What goes with it to the other system, word for word.",
    )
    why = forms.CharField(
        label="Why it is needed",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The approver reads this first.",
        error_messages={"required": "Say why it is needed. The approver reads this first."},
    )

    def __init__(self, step: PlayStep, *args: Any, **kwargs: Any) -> None:
        proposal = step.proposal
        kwargs.setdefault(
            "initial",
            {
                "discount_pct": proposal.get("discount_pct"),
                "months": proposal.get("months"),
                "text": proposal.get("text", ""),
                "version": step.version,
            },
        )
        kwargs["auto_id"] = f"id_ask{step.pk}_%s"
        super().__init__(*args, **kwargs)

    @property
    def proposal(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("discount_pct", "months", "text")}


class SkipForm(SeenVersion):
    reason = forms.CharField(
        label="Why", max_length=1000, error_messages={"required": "Say why it is left out."}
    )

    def __init__(self, step: PlayStep, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"version": step.version})
        kwargs["auto_id"] = f"id_skip{step.pk}_%s"
        super().__init__(*args, **kwargs)


class CloseForm(SeenVersion):
    outcome = forms.ChoiceField(
        label="What came of it",
        choices=Play.Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose an outcome."},
    )
    comment = forms.CharField(
        label="Note", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["auto_id"] = "id_close_%s"
        super().__init__(*args, **kwargs)


class StopForm(SeenVersion):
    reason = forms.CharField(
        label="Why", max_length=1000, error_messages={"required": "Say why it is stopped."}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["auto_id"] = "id_stop_%s"
        super().__init__(*args, **kwargs)
