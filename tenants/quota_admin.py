"""Quotas and unit prices in the admin: an operations admin sets and takes them away, each on record."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from tenants import quota_services as services
from tenants import quotas
from tenants.admin import TenantModelAdmin, register
from tenants.forms import OwnRowForm
from tenants.quota_models import Quota, UnitPrice


class MeterForm(OwnRowForm):
    """The meter is one of those that apps registered, chosen by its label."""

    only_with_quota = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offered = [each for each in quotas.meters.values() if each.has_quota or not self.only_with_quota]
        choices = [(each.key, f"{each.label} ({each.unit})") for each in offered]
        self.fields["meter"] = forms.ChoiceField(choices=choices, label="Meter")

    def clean_limit(self) -> int:
        limit: int = self.cleaned_data["limit"]
        if limit < 0:
            raise ValidationError("A quota is 0 or more.")
        return limit


class QuotaForm(MeterForm):
    """Only of what is refused over the limit: any other limit would be a promise that nobody keeps."""

    only_with_quota = True


class _Removable(TenantModelAdmin):
    can_delete = True
    form: Any = MeterForm

    def delete_model(self, request: Any, obj: Any) -> None:
        services.remove_from_admin(request.tenant, row=obj, by=request.actor, request_id=request.request_id)


@register(Quota)
class QuotaAdmin(_Removable):
    form = QuotaForm
    fields = ("meter", "limit")
    exclude: ClassVar[Any] = ("tenant",)
    list_display = ("meter", "limit")
    ordering = ("meter",)


@register(UnitPrice)
class UnitPriceAdmin(_Removable):
    fields = ("meter", "source", "price", "per")
    exclude: ClassVar[Any] = ("tenant",)
    list_display = ("meter", "source", "price", "per")
    ordering = ("meter", "source")
