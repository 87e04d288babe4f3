"""Reads of policies, requests and decisions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from approvals.models import ApprovalDecision, ApprovalPolicy, ApprovalRequest
from tenants.models import Membership, Tenant
from tenants.queries import teams_above

PENDING = ApprovalRequest.State.PENDING


def policy_lines(tenant: Tenant, *, kind: str) -> list[ApprovalPolicy]:
    """The active lines of one kind, in the order in which they are tried."""
    return list(
        ApprovalPolicy.objects.for_tenant(tenant).filter(kind=kind, is_active=True).order_by("position", "pk")
    )


def kinds_with_lines(tenant: Tenant) -> set[str]:
    return set(ApprovalPolicy.objects.for_tenant(tenant).values_list("kind", flat=True))


def request_by_ref(tenant: Tenant, *, ref: str) -> ApprovalRequest | None:
    return ApprovalRequest.objects.for_tenant(tenant).filter(ref=ref).first()


def request_for_update(tenant: Tenant, *, ref: str) -> ApprovalRequest:
    """The request with its row locked: of two answers at once the second waits here and then sees the first."""
    return ApprovalRequest.objects.for_tenant(tenant).select_for_update().get(ref=ref)


def open_request(tenant: Tenant, *, subject_type: str, subject_id: str) -> ApprovalRequest | None:
    return (
        ApprovalRequest.objects.for_tenant(tenant)
        .filter(subject_type=subject_type, subject_id=subject_id, state=PENDING)
        .first()
    )


def overdue_refs(tenant: Tenant, *, now: datetime, limit: int) -> list[str]:
    """Refs of pending requests whose time is over, oldest first."""
    return list(
        ApprovalRequest.objects.for_tenant(tenant)
        .filter(state=PENDING, expires_at__lte=now)
        .order_by("expires_at", "pk")
        .values_list("ref", flat=True)[:limit]
    )


def last_ref(tenant: Tenant) -> str | None:
    """The ref given last; right only under `lock_refs`."""
    return ApprovalRequest.objects.for_tenant(tenant).order_by("-pk").values_list("ref", flat=True).first()


def lock_refs(tenant: Tenant) -> None:
    """One at a time in a tenant until the transaction ends: refs are counted without gaps or doubles."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('approvals.refs'), %s::int)", [tenant.pk])


def decisions(tenant: Tenant, requests: Iterable[ApprovalRequest]) -> list[ApprovalDecision]:
    """The answers to these requests, in the order in which they were given."""
    return list(
        ApprovalDecision.objects.for_tenant(tenant)
        .filter(request__in=[each.pk for each in requests])
        .order_by("decided_at", "pk")
    )


def decision_of(tenant: Tenant, *, request: ApprovalRequest, person_id: int) -> ApprovalDecision | None:
    return ApprovalDecision.objects.for_tenant(tenant).filter(request=request, person_id=person_id).first()


def sees_account(tenant: Tenant, *, request: ApprovalRequest, visible: Any) -> bool:
    """Whether the request's account is among the visible ones, in one query."""
    return ApprovalRequest.objects.for_tenant(tenant).filter(pk=request.pk, account_id__in=visible).exists()


def leads_team(tenant: Tenant, viewer: Membership, *, team_id: int) -> bool:
    """Whether the viewer's team is that team or stands above it."""
    return viewer.team_id in teams_above(tenant, team_id)
