"""What comes in: an answer, and the place in the inbox."""

from typing import Any

from django import forms

from approvals.models import ApprovalDecision
from approvals.registry import kinds


class AnswerForm(forms.Form):
    """One person's answer to exactly what their page showed: `digest` comes back with it."""

    verdict = forms.ChoiceField(
        label="Answer",
        choices=ApprovalDecision.Verdict.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose an answer.", "invalid_choice": "Choose an answer."},
    )
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4, "data-key": "c"}),
    )
    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        needed = cleaned.get("verdict") in (
            ApprovalDecision.Verdict.CHANGES_REQUESTED,
            ApprovalDecision.Verdict.REJECTED,
        )
        if needed and not cleaned.get("comment", "").strip() and "comment" not in self.errors:
            self.add_error("comment", "Say what should change, or why not.")
        return cleaned


class InboxFilters(forms.Form):
    """Tab, kind and page, as they stand in the address; an unknown value filters nothing."""

    TABS = (("waiting", "Waiting"), ("answered", "Answered by me"), ("all", "All"))

    tab = forms.ChoiceField(choices=TABS, required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(required=False, label="Kind")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = [(kind.name, kind.label) for kind in kinds.values()]
        self.fields["kind"].choices = [("", "All kinds"), *known]  # type: ignore[attr-defined]

    def chosen(self, name: str) -> str:
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")
