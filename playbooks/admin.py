"""Playbooks in Django admin: when they are suggested, and their steps. What is saved holds for plays to come."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet

from playbooks.exceptions import BadInput
from playbooks.gains import GAINS
from playbooks.models import Playbook, PlaybookStep
from playbooks.offers import parse
from playbooks.services.setup import StepValues, change_playbook
from playbooks.services.suggestions import HEALTHY, names
from scoring.bands import BANDS
from scoring.catalogue import BY_KEY
from tenants.admin import TenantModelAdmin, register
from tenants.forms import OwnRowForm

CONCESSION = PlaybookStep.Kind.CONCESSION
On = Playbook.TriggerOn
IMPROVED = On.IMPROVED
LONGEST_DAYS = 365


class PatternsField(forms.CharField):
    """Indicators or improvements, one a line: a key of the catalogue, or its beginning with a star."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 50})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        patterns = [line.strip() for line in str(super().to_python(value) or "").splitlines() if line.strip()]
        for pattern in patterns:
            if not any(names(pattern, key) for key in (*BY_KEY, *GAINS)):
                raise ValidationError(
                    f"“{pattern}” names no indicator. Write a key such as usage.trend_30d, or usage.* for all of them."
                )
        return patterns


class PlaybookForm(OwnRowForm):
    trigger_indicators = PatternsField(
        label="Indicators",
        required=False,
        help_text="One a line; none for a play on a term or on the level of risk. Any of them below the limit suggests "
        "the play. For a play on improvement: "
        + "; ".join(f"{key} ({words[0].lower()}{words[1:]})" for key, words in GAINS.items())
        + ".",
    )
    trigger_score_below = forms.IntegerField(
        label="Points below",
        min_value=1,
        max_value=50,
        help_text="1 to 50: the log names indicators under 50 points.",
    )
    trigger_bands = forms.MultipleChoiceField(
        label="While the account is",
        choices=[(band, band.replace("_", " ").capitalize()) for band in BANDS],
        widget=forms.CheckboxSelectMultiple,
        help_text="A play on low indicators cannot name healthy accounts: its suggestion ends there. Before a renewal "
        "the bands decide where no chance to renew is known. The level of risk does not ask for the band.",
    )
    trigger_days = forms.IntegerField(
        label="Days to the end of the main term, at most",
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text="Before a renewal: 1 to 365. Suggested once a term; of several the one with the fewest days.",
    )
    trigger_chance_below = forms.DecimalField(
        label="Only where the chance to renew is below",
        required=False,
        min_value=Decimal("0.001"),
        max_value=Decimal("0.999"),
        max_digits=4,
        decimal_places=3,
        help_text="Before a renewal, as a share: 0.800 is 80%. Such suggestions count as flags of the week. "
        "Empty: any chance.",
    )
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Playbook
        fields = (
            "key",
            "name",
            "summary",
            "state",
            "position",
            "trigger_on",
            "trigger_indicators",
            "trigger_score_below",
            "trigger_bands",
            "trigger_days",
            "trigger_chance_below",
            "trigger_level",
            "starts_alone",
        )
        help_texts: ClassVar[dict[str, str]] = {
            "starts_alone": "Only once a model is automatic, on accounts whose own chance of leaving reaches the limit "
            "in the chance settings and whose score nobody has overridden. The owner is told and can stop it. "
            "Concessions still wait for a person.",
            "trigger_level": "On the level of risk: suggested when it crosses up to this one, so many a CSM and week "
            "as the chance settings say, the largest at stake first.",
        }
        labels: ClassVar[dict[str, str]] = {
            "starts_alone": "May start without a click",
            "trigger_level": "Level of risk reached",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["seen_version"] = self.instance.version

    def clean(self) -> dict[str, Any]:
        """Indicators, bands and what it answers to have to fit together."""
        values = super().clean() or {}
        on = values.get("trigger_on")
        is_gain = on == IMPROVED
        keys = tuple(GAINS if is_gain else BY_KEY)
        odd = [
            pattern
            for pattern in values.get("trigger_indicators") or []
            if not any(names(pattern, key) for key in keys)
        ]
        if odd:
            self.add_error("trigger_indicators", f"“{odd[0]}” does not fit what the play answers to.")
        if on in (IMPROVED, On.RENEWAL) and values.get("starts_alone"):
            self.add_error("starts_alone", "Only a play against a loss may start without a click.")
        if HEALTHY in (values.get("trigger_bands") or []) and on == On.LOW:
            self.add_error("trigger_bands", "A healthy account needs no play of this kind.")
        for name, words in self._lacking(on, values):
            self.add_error(name, words)
        return values

    def _lacking(self, on: Any, values: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """What this kind of trigger needs and has not, and what belongs to another kind."""
        needs = {
            "trigger_indicators": (on in (On.LOW, IMPROVED), "Name what the play answers to."),
            "trigger_days": (on == On.RENEWAL, "Give the days before the end of the term."),
            "trigger_level": (on == On.RISK, "Choose the level of risk."),
        }
        for name, (is_needed, words) in needs.items():
            if name in values and is_needed != bool(values[name]):
                yield name, words if is_needed else "This belongs to another kind of trigger. Leave it empty."
        if values.get("trigger_chance_below") is not None and on != On.RENEWAL:
            yield "trigger_chance_below", "Only a play before a renewal asks for it."

    def clean_seen_version(self) -> int:
        seen: int = self.cleaned_data["seen_version"] or 0
        if self.instance.pk and seen != self.instance.version:
            raise ValidationError("Somebody changed this playbook in the meantime. Open it again.")
        return seen


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    discount_pct = forms.DecimalField(required=False, label="Discount %", min_value=0, max_value=100)
    months = forms.IntegerField(required=False, label="Months", min_value=1, max_value=60)

    class Meta:
        model = PlaybookStep
        fields = ("position", "kind", "title", "details", "due_days")
        widgets: ClassVar[dict[str, Any]] = {
            "title": forms.TextInput(attrs={"size": 40}),
            "details": forms.Textarea(attrs={"rows": 2, "cols": 40}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("discount_pct", "months"):
            self.initial[name] = self.instance.defaults.get(name)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("kind") == CONCESSION and not self.errors:
            try:
                parse({"discount_pct": values.get("discount_pct"), "months": values.get("months")})
            except BadInput as error:
                raise ValidationError({error.field: str(error)}) from error
        return values

    def values(self) -> StepValues:
        typed = self.cleaned_data
        defaults: dict[str, Any] = {}
        if typed["kind"] == CONCESSION:
            defaults = {"discount_pct": _plain(typed["discount_pct"]), "months": typed["months"]}
        return StepValues(typed["title"], typed["due_days"], typed["details"], typed["kind"], defaults)


def _plain(number: Any) -> int | str:
    """10, or "12.5": no floats, because an offer's digest is made of it."""
    return int(number) if number == int(number) else f"{number.normalize():f}"


class StepFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        if not any(self.errors) and not self.kept():
            raise ValidationError("A playbook needs at least one step.")

    def validate_unique(self) -> None:
        """Places may repeat while they are typed; the steps are numbered anew in that order."""

    def kept(self) -> list[StepForm]:
        """The steps that stay or are new, in the order of the places typed."""
        filled: list[Any] = [
            form
            for form in self.forms
            if form.cleaned_data and form.cleaned_data.get("title") and not form.cleaned_data.get("DELETE")
        ]
        return sorted(filled, key=lambda form: int(form.cleaned_data["position"]))


class StepInline(admin.TabularInline):  # type: ignore[type-arg]
    model = PlaybookStep
    form = StepForm
    formset = StepFormSet
    fields = ("position", "kind", "title", "details", "due_days", "discount_pct", "months")
    ordering = ("position",)
    extra = 1
    verbose_name_plural = "Steps, in the order of their places; due days count from the start"

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return True  # whoever may open the playbook; its own class decides that

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@register(Playbook)
class PlaybookAdmin(TenantModelAdmin):
    """Fields and steps are saved together, as one new version with one event."""

    form: Any = PlaybookForm
    inlines = (StepInline,)
    list_display = ("name", "state", "position", "trigger_on", "version")
    list_filter = ("state", "trigger_on")
    ordering = ("position", "name")
    fields = (*PlaybookForm.Meta.fields, "seen_version")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Nothing yet: `save_related` knows the steps as well."""

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        changed = [name for name in form.changed_data if name in PlaybookForm.Meta.fields]
        change_playbook(
            request.tenant,
            playbook=form.instance,
            steps=[step.values() for step in formsets[0].kept()],
            before={name: form.initial.get(name) for name in changed} if change else None,
            after={name: form.cleaned_data[name] for name in changed},
            by=request.actor,
            request_id=request.request_id,
        )
        # what the formset's own save would have left for Django's change message
        formsets[0].new_objects = formsets[0].changed_objects = formsets[0].deleted_objects = []
