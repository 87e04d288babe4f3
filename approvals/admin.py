"""The approval policy in the admin: one row a line, written through the service that keeps the order sensible."""

from typing import Any

from django.contrib import admin

from approvals import policy_setup
from approvals.forms import PolicyLineForm
from approvals.models import ApprovalPolicy
from tenants.admin import TenantModelAdmin, register


@register(ApprovalPolicy)
class ApprovalPolicyAdmin(TenantModelAdmin):
    ask_again = "it says who may agree to a discount"
    form = PolicyLineForm
    exclude = ("tenant", "version")
    list_display = (
        "name",
        "kind",
        "position",
        "max_discount_pct",
        "max_cost",
        "who",
        "answer_within_hours",
        "is_active",
        "version",
    )
    list_filter = ("kind", "is_active")
    ordering = ("kind", "position")

    @admin.display(description="Who must say yes")
    def who(self, row: ApprovalPolicy) -> str:
        return ", then ".join(row.approver_roles)

    def write(self, request: Any, row: ApprovalPolicy, *, form: Any, before: dict[str, Any] | None) -> None:
        saved = policy_setup.save_line(
            request.tenant,
            line_id=row.pk,
            version=form.cleaned_data["seen_version"],
            values={name: form.cleaned_data[name] for name in policy_setup.EDITABLE},
            by=request.actor,
            request_id=request.request_id,
        )
        row.pk = saved.pk
