"""The approval policy in the admin: one row a line, written through the service that keeps the order sensible."""

from typing import Any

from approvals import policy_setup
from approvals.forms import PolicyLineForm
from approvals.models import ApprovalPolicy
from tenants.admin import TenantModelAdmin, register


@register(ApprovalPolicy)
class ApprovalPolicyAdmin(TenantModelAdmin):
    form = PolicyLineForm
    exclude = ("tenant", "version")
    list_display = (
        "name",
        "kind",
        "position",
        "max_discount_pct",
        "max_cost",
        "approver_roles",
        "answer_within_hours",
        "is_active",
        "version",
    )
    list_filter = ("kind", "is_active")
    ordering = ("kind", "position")

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
