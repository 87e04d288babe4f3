"""Health policies in Django admin: drafts are edited here; preview, publish and roll back are on the policy's page."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import F
from django.forms.models import BaseInlineFormSet
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from scoring import model_queries, policies, queries
from scoring.catalogue import BY_KEY
from scoring.chance_models import CUTS
from scoring.exceptions import PolicyRefused
from scoring.growth.models import RenewalTarget
from scoring.models import ChanceSettings, HealthPolicy, PolicyIndicator
from scoring.outcomes.models import OutcomeTarget
from scoring.outcomes.services import remove_target
from scoring.sentiment.competitors import forget_mentions
from scoring.sentiment.models import Competitor
from tenants.admin import TenantModelAdmin, register
from tenants.forms import OwnRowForm


class CurveField(forms.CharField):
    """A curve as text: `0:0, 20:50, 100:100` means value 0 gives 0 points, 20 gives 50, 100 gives 100."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str) or value is None:
            return value
        return ", ".join(f"{x:g}:{y:g}" for x, y in value)

    def to_python(self, value: Any) -> Any:
        points = []
        for part in str(super().to_python(value) or "").split(","):
            try:
                x, y = (float(number) for number in part.split(":"))
            except ValueError as error:
                raise ValidationError(
                    f"“{part.strip()}” is not a point. Write value:points with commas between, such as 0:0, 100:100."
                ) from error
            points.append((x, y))
        return points


class IndicatorForm(forms.ModelForm):  # type: ignore[type-arg]
    curve = CurveField(widget=forms.TextInput(attrs={"size": 44}))

    class Meta:
        model = PolicyIndicator
        fields = ("enabled", "weight", "window_days")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["curve"] = list(zip(self.instance.xs, self.instance.ys, strict=True))

    def offer_window(self, policy: HealthPolicy) -> None:
        """Days of its own where the indicator has a window, and only in the policy for all segments."""
        known = BY_KEY.get(self.instance.indicator)
        field = self.fields.get("window_days")
        if known is None or field is None:
            return
        field.widget.attrs["placeholder"] = str(known.window_days) if known.window_days else "none"
        field.required = False
        field.disabled = not known.has_window or policy.segment != ""

    def clean_window_days(self) -> int | None:
        days: int | None = self.cleaned_data["window_days"]
        if not self.fields["window_days"].disabled:
            try:
                policies.check_window(self.instance.indicator, days)
            except PolicyRefused as error:
                raise ValidationError(str(error)) from error
        return days

    def clean_curve(self) -> list[tuple[float, float]]:
        curve: list[tuple[float, float]] = self.cleaned_data["curve"]
        try:
            policies.check_curve([x for x, _ in curve], [y for _, y in curve])
        except PolicyRefused as error:
            raise ValidationError(str(error)) from error
        return curve

    def save(self, commit: bool = True) -> Any:
        curve = self.cleaned_data["curve"]
        self.instance.xs, self.instance.ys = [x for x, _ in curve], [y for _, y in curve]
        return super().save(commit)


class WeightsTotal100(BaseInlineFormSet):  # type: ignore[type-arg]
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.offer_window(self.instance)

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        weights = [
            form.cleaned_data.get("weight") or Decimal(0)
            for form in self.forms
            if form.cleaned_data.get("enabled")
        ]
        try:
            policies.check_weights(weights)
        except PolicyRefused as error:
            raise ValidationError(str(error)) from error


class IndicatorInline(admin.TabularInline):  # type: ignore[type-arg]
    model = PolicyIndicator
    form = IndicatorForm
    formset = WeightsTotal100
    fields = ("about", "enabled", "weight", "window_days", "curve")
    readonly_fields = ("about",)
    extra = 0
    can_delete = False
    ordering = ("id",)
    coverage: Mapping[str, float] = MappingProxyType({})  # per cent of the customers by indicator
    verbose_name_plural = (
        "Indicators: weights total 100; a curve is value:points; a window is in days, an empty one is the one shown in "
        "grey (those of the policy for all segments hold for every segment); known is what has a value in the newest "
        "scoring"
    )

    @admin.display(description="Indicator")
    def about(self, row: PolicyIndicator) -> str:
        """What it is, which windows can be set or why none, and of how many it is known."""
        known = BY_KEY.get(row.indicator)
        if known is None:
            return row.indicator
        share = self.coverage.get(row.indicator)
        return format_html(
            "{} ({}), {}<br>{}<br>{}",
            known.label, known.unit, known.dimension.value, known.window_words,
            "Not scored yet." if share is None else f"Known of {share:g}% of the customers.",
        )  # fmt: skip

    def get_queryset(self, request: Any) -> Any:
        """An inline is made anew for each request, so what it looked up is the request's."""
        self.coverage = queries.coverage(request.tenant)
        return super().get_queryset(request)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return True  # whoever may open the policy; the policy's own class decides that

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is not None and obj.state == HealthPolicy.State.DRAFT

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


class PolicyForm(OwnRowForm):
    class Meta:
        model = HealthPolicy
        fields = ("missing_rule", "min_coverage_pct", "at_risk_from", "watch_from", "healthy_from", "note")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        names = ("at_risk_from", "watch_from", "healthy_from")
        if cleaned and all(cleaned.get(name) is not None for name in names):
            try:
                policies.check_bands(*(cleaned[name] for name in names))
            except PolicyRefused as error:
                raise ValidationError(str(error)) from error
        return cleaned


@register(HealthPolicy)
class HealthPolicyAdmin(TenantModelAdmin):
    """Drafts can be edited; published and retired versions are shown as they were."""

    form = PolicyForm
    inlines = (IndicatorInline,)
    can_add = False
    list_display = ("label", "state", "published_at", "published_by_label", "note")
    list_filter = ("state", "segment")
    ordering = ("segment", "-version")
    exclude = None
    fields = ("missing_rule", "min_coverage_pct", "at_risk_from", "watch_from", "healthy_from", "note")

    class Media:
        js = ("js/weights.js",)

    @admin.display(description="Policy")
    def label(self, policy: HealthPolicy) -> str:
        return str(policy)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or obj.state == HealthPolicy.State.DRAFT
        )

    def write(self, request: Any, row: Any, *, form: Any, before: dict[str, Any] | None) -> None:
        row.save()  # the event is written in save_related, when the indicators are known as well

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        before: dict[str, Any] = {name: str(form.initial.get(name)) for name in form.changed_data}
        after: dict[str, Any] = {name: str(form.cleaned_data[name]) for name in form.changed_data}
        for row in formsets[0].forms:
            if row.has_changed():
                key = row.instance.indicator
                before[key] = {name: str(row.initial.get(name)) for name in row.changed_data}
                after[key] = {name: str(row.cleaned_data[name]) for name in row.changed_data}
        super().save_related(request, form, formsets, change)
        if after:
            policies.note_change(
                request.tenant, policy_id=form.instance.pk, before=before, after=after, by=request.actor
            )

    def response_change(self, request: Any, obj: HealthPolicy) -> HttpResponseRedirect:
        """On to the policy's page, where the draft is previewed and published."""
        return HttpResponseRedirect(reverse("scoring:policy", args=[request.tenant.slug, obj.pk]))


@register(RenewalTarget)
class RenewalTargetAdmin(TenantModelAdmin):
    """What the tenant wants to have renewed in a quarter (its first day), in the reporting currency."""

    list_display = ("quarter", "amount")
    ordering = ("quarter",)
    fields = ("quarter", "amount")
    exclude = None


@register(OutcomeTarget)
class OutcomeTargetAdmin(TenantModelAdmin):
    """What the tenant aims at: rates in per cent, money in the reporting currency, NPS in points."""

    list_display = ("figure", "target")
    ordering = ("figure",)
    fields = ("figure", "target")
    exclude = None
    can_delete = True

    def delete_model(self, request: Any, obj: OutcomeTarget) -> None:
        remove_target(request.tenant, row=obj, by=request.actor)


@register(Competitor)
class CompetitorAdmin(TenantModelAdmin):
    """Names to look for in what customers write; texts are searched before the next scores."""

    list_display = ("name", "is_active", "searched_to")
    list_filter = ("is_active",)
    ordering = ("name",)
    fields = ("name", "is_active")

    def write(self, request: Any, row: Any, *, form: Any, before: dict[str, Any] | None) -> None:
        if before is not None and "name" in form.changed_data:
            forget_mentions(request.tenant, row)  # another name is looked for in all texts anew
        super().write(request, row, form=form, before=before)


# from, to, in words: beyond them a gate of automation would hold whatever a version has shown
HOLDS_BACK = {
    "months_in_shadow": (1, 36, "1 to 36 months"),
    "most_calibration_error": (
        Decimal("0.001"),
        Decimal("0.1"),
        "a share from 0.001 to 0.1, such as 0.03 for 3 %",
    ),
    "own_chance_from": (Decimal("0.5"), Decimal(1), "a share from 0.5 to 1, such as 0.7 for 70 %"),
}


class ChanceSettingsForm(OwnRowForm):
    class Meta:
        model = ChanceSettings
        fields = ("months_in_shadow", "least_leavers", "most_calibration_error", "own_chance_from")

    def clean(self) -> dict[str, Any]:
        """The table's own rules, told before it refuses."""
        cleaned = super().clean()
        for name, (low, high, words) in HOLDS_BACK.items():
            value = self.cleaned_data.get(name)
            if value is not None and not low <= value <= high:
                self.add_error(name, f"{value} would switch the gate off: give {words}.")
        return cleaned


@register(ChanceSettings)
class ChanceSettingsAdmin(TenantModelAdmin):
    """One row a workspace; shares are written as 0.80 for 80 %. Cuts are to look at: a replay comes before them."""

    form = ChanceSettingsForm
    list_display = ("precision_wanted", "medium_from", "high_from", "critical_from", "own_chance_from")
    exclude = None
    fields = ChanceSettingsForm.Meta.fields
    readonly_fields = CUTS

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        there = reverse("scoring:whatif_chances", args=[request.tenant.slug])
        words = format_html(
            'Replayed on the last 12 months, published and rolled back on the page <a href="{}">What if: chances</a>.',
            there,
        )
        cuts = {"fields": CUTS, "description": words}
        return [(None, {"fields": self.get_fields(request, obj)}), ("Levels, precision and flags", cuts)]

    def has_add_permission(self, request: Any) -> bool:
        may_add = super().has_add_permission(request)
        return may_add and model_queries.chance_settings(request.tenant).pk is None

    def write(self, request: Any, row: Any, *, form: Any, before: dict[str, Any] | None) -> None:
        if before is not None:
            row.row_version = F("row_version") + 1
        super().write(request, row, form=form, before=before)

    def columns(self, before: dict[str, Any] | None) -> list[str] | None:
        """What was changed here alone: `scoring.whatif` may publish cuts between load and save."""
        return None if before is None else [*before, "row_version"]
