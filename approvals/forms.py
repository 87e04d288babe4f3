"""What comes in: an answer, and the place in the inbox."""

from typing import Any

from django import forms

from approvals.models import ApprovalDecision, ApprovalPolicy
from approvals.registry import kinds
from tenants.forms import OwnRowForm


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


class RolesField(forms.ChoiceField):
    """Who must say yes, in order; stored as a list of roles."""

    CHOICES = (
        ("manager", "A manager"),
        ("finance", "Finance"),
        ("manager,finance", "A manager, then finance"),
        ("finance,manager", "Finance, then a manager"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=self.CHOICES, **options)

    def prepare_value(self, value: Any) -> Any:
        return ",".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return str(super().clean(value)).split(",")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class PolicyLineForm(OwnRowForm):
    """One line of the approval policy, in the admin."""

    kind = forms.ChoiceField()
    max_discount_pct = forms.DecimalField(
        label="Widest discount, %",
        required=False,
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        help_text="Empty: any discount.",
    )
    max_cost = forms.DecimalField(
        label="Widest cost",
        required=False,
        min_value=0,
        max_digits=16,
        decimal_places=2,
        help_text="In the workspace's currency. Empty: any cost.",
    )
    approver_roles = RolesField(label="Who must say yes")
    answer_within_hours = forms.IntegerField(label="Answer within hours", min_value=1, max_value=720)
    position = forms.IntegerField(
        min_value=1,
        max_value=1000,
        help_text="Lines are tried in this order; the first whose limits hold applies.",
    )
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = ApprovalPolicy
        fields = (
            "kind",
            "position",
            "name",
            "max_discount_pct",
            "max_cost",
            "approver_roles",
            "answer_within_hours",
            "is_active",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].choices = [(kind.name, kind.label) for kind in kinds.values()]  # type: ignore[attr-defined]
        self.initial["seen_version"] = self.instance.version
