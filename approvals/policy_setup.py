"""The tenant's approval policy: its first lines, and changes by those who configure."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from approvals import people, queries
from approvals.models import ApprovalPolicy
from approvals.registry import kinds
from audit import services as audit
from tenants.access import SYSTEM, Actor
from tenants.exceptions import Refused
from tenants.models import Tenant

# position, widest discount in %, widest cost in the tenant's currency, who must say yes
DEFAULT_LINES: list[tuple[str, int | None, int | None, list[str]]] = [
    ("Small concession", 10, 5_000, ["manager"]),
    ("Usual concession", 20, 50_000, ["manager"]),
    ("Large concession", None, None, ["manager", "finance"]),
]

EDITABLE = (
    "kind",
    "position",
    "name",
    "max_discount_pct",
    "max_cost",
    "approver_roles",
    "answer_within_hours",
    "is_active",
)


@transaction.atomic
def install_default_policies(tenant: Tenant, *, by: Actor = SYSTEM) -> None:
    """The default lines for each registered kind that has none yet. Harmless to repeat."""
    missing = sorted(set(kinds) - queries.kinds_with_lines(tenant))
    lines = [
        ApprovalPolicy(
            tenant=tenant,
            kind=kind,
            name=name,
            position=position,
            max_discount_pct=discount,
            max_cost=cost,
            approver_roles=roles,
        )
        for kind in missing
        for position, (name, discount, cost, roles) in enumerate(DEFAULT_LINES, start=1)
    ]
    ApprovalPolicy.objects.bulk_create(lines)
    for kind in missing:
        audit.record(
            tenant,
            verb="approvals.policy_installed",
            by=by,
            object_type="approvals.approvalpolicy",
            object_id=kind,
            object_label=f"Default lines for {kinds[kind].label}",
        )


@transaction.atomic
def save_line(
    tenant: Tenant,
    *,
    line_id: int | None,
    version: int | None,
    values: dict[str, Any],
    by: Actor,
    request_id: str = "",
) -> ApprovalPolicy:
    """Add or change one line. Open requests that it would send to other people become void when they are answered.

    Raises Refused, in words for the form.
    """
    lines = queries.lines_for_update(tenant, kind=values["kind"])
    row = _row(tenant, line_id=line_id, version=version)
    before = {name: getattr(row, name) for name in EDITABLE} if line_id else None
    for name in EDITABLE:
        setattr(row, name, values[name])
    _check_roles(row.approver_roles)
    _check_order([*(line for line in lines if line.pk != row.pk), row])
    row.version += 1 if line_id else 0
    row.save()
    audit.record(
        tenant,
        verb="approvals.policy_changed",
        by=by,
        subject=row,
        before=before,
        after=dict(values),
        request_id=request_id,
    )
    return row


def _row(tenant: Tenant, *, line_id: int | None, version: int | None) -> ApprovalPolicy:
    if line_id is None:
        return ApprovalPolicy(tenant=tenant)
    row = queries.line_for_update(tenant, line_id=line_id)
    if row.version != version:
        raise Refused("Somebody changed this line in the meantime. Open it again.")
    return row


def _check_roles(roles: list[str]) -> None:
    if not roles or len(set(roles)) != len(roles) or not set(roles) <= set(people.APPROVER_ROLES):
        raise Refused("Name who must say yes: a manager, finance, or both.")


def _check_order(lines: Sequence[ApprovalPolicy]) -> None:
    """The first line that fits decides, so nothing may stand behind one that fits everything."""
    active = sorted((line for line in lines if line.is_active), key=lambda line: line.position)
    for line in active[:-1]:
        if line.max_discount_pct is None and line.max_cost is None:
            raise Refused(
                f"“{line.name}” has no limit, so no line after it would ever apply. Give it the highest position."
            )
