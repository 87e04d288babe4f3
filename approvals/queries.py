"""Reads of policies, requests and decisions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, OuterRef, Q, QuerySet

from approvals import people
from approvals.models import ApprovalDecision, ApprovalPolicy, ApprovalRequest
from approvals.registry import kinds
from tenants.access import is_scoped
from tenants.models import Membership, Team, Tenant
from tenants.roles import Role

PENDING = ApprovalRequest.State.PENDING


# --- policy ---


def policy_lines(tenant: Tenant, *, kind: str) -> list[ApprovalPolicy]:
    """The active lines of one kind, in the order in which they are tried."""
    return list(
        ApprovalPolicy.objects.for_tenant(tenant).filter(kind=kind, is_active=True).order_by("position", "pk")
    )


def all_lines(tenant: Tenant) -> list[ApprovalPolicy]:
    """Active lines of every kind, for the page that lists what decides."""
    return list(
        ApprovalPolicy.objects.for_tenant(tenant).filter(is_active=True).order_by("kind", "position", "pk")
    )


def lines_for_update(tenant: Tenant, *, kind: str) -> list[ApprovalPolicy]:
    """Every line of a kind, locked: two changes at once could each leave the other's line unreachable."""
    return list(
        ApprovalPolicy.objects.for_tenant(tenant).filter(kind=kind).select_for_update().order_by("pk")
    )


def line_for_update(tenant: Tenant, *, line_id: int) -> ApprovalPolicy:
    return ApprovalPolicy.objects.for_tenant(tenant).select_for_update().get(pk=line_id)


def kinds_with_lines(tenant: Tenant) -> set[str]:
    return set(ApprovalPolicy.objects.for_tenant(tenant).values_list("kind", flat=True))


# --- one request ---


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


def pending_refs(tenant: Tenant, *, request_ids: list[int]) -> list[str]:
    """Those of these requests that still wait."""
    rows = ApprovalRequest.objects.for_tenant(tenant).filter(pk__in=request_ids, state=PENDING)
    return list(rows.order_by("pk").values_list("ref", flat=True))


def last_ref(tenant: Tenant) -> str | None:
    """The ref given last; right only under `lock_refs`."""
    return ApprovalRequest.objects.for_tenant(tenant).order_by("-pk").values_list("ref", flat=True).first()


def lock_refs(tenant: Tenant) -> None:
    """One at a time in a tenant until the transaction ends: refs are counted without gaps or doubles."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('approvals.refs'), %s::int)", [tenant.pk])


def overdue_refs(tenant: Tenant, *, now: datetime, limit: int) -> list[str]:
    """Refs of pending requests whose time is over, oldest first."""
    return list(
        ApprovalRequest.objects.for_tenant(tenant)
        .filter(state=PENDING, expires_at__lte=now)
        .order_by("expires_at", "pk")
        .values_list("ref", flat=True)[:limit]
    )


def decisions(tenant: Tenant, request: ApprovalRequest) -> list[ApprovalDecision]:
    """The answers to one request, in the order in which they were given."""
    return list(
        ApprovalDecision.objects.for_tenant(tenant).filter(request=request).order_by("decided_at", "pk")
    )


def decision_of(tenant: Tenant, *, request: ApprovalRequest, person_id: int) -> ApprovalDecision | None:
    return ApprovalDecision.objects.for_tenant(tenant).filter(request=request, person_id=person_id).first()


def sees_account(tenant: Tenant, viewer: Membership, *, request: ApprovalRequest) -> bool:
    """Whether the viewer sees the account that the request is about, by its kind's own rule."""
    visible = kinds[request.kind].visible(tenant, viewer)
    return ApprovalRequest.objects.for_tenant(tenant).filter(pk=request.pk, account_id__in=visible).exists()


def why_not(tenant: Tenant, viewer: Membership, *, request: ApprovalRequest) -> str:
    """Why this person cannot give the answer that the request waits for; empty when they can."""
    if reason := people.never_answers(request, viewer):
        return reason
    if request.next_role not in people.roles_of(viewer):
        return f"This waits for {people.waits_for(request.next_role)}."
    mine = ApprovalRequest.objects.for_tenant(tenant).filter(people.answerable(tenant, viewer), pk=request.pk)
    return "" if mine.exists() else "This account is outside your team or scope."


# --- lists ---


def readable_requests(tenant: Tenant, viewer: Membership) -> QuerySet[ApprovalRequest]:
    """What the viewer may read; `.answerable` tells whether it waits for them."""
    mine = ExpressionWrapper(people.answerable(tenant, viewer), output_field=BooleanField())
    return (
        ApprovalRequest.objects.for_tenant(tenant)
        .filter(people.readable(tenant, viewer))
        .annotate(answerable=mine)
    )


def waiting_for(tenant: Tenant, viewer: Membership) -> QuerySet[ApprovalRequest]:
    """Requests that this person can answer now; the number beside "Approvals"."""
    return ApprovalRequest.objects.for_tenant(tenant).filter(people.answerable(tenant, viewer))


def waiting(tenant: Tenant, viewer: Membership) -> QuerySet[ApprovalRequest]:
    """What waits for the viewer, and what the viewer waits for."""
    return readable_requests(tenant, viewer).filter(
        Q(answerable=True) | Q(requested_by=viewer.user_id), state=PENDING
    )


def answered_by(tenant: Tenant, viewer: Membership) -> QuerySet[ApprovalRequest]:
    given = ApprovalDecision.objects.for_tenant(tenant).filter(person=viewer.user_id).values("request")
    return readable_requests(tenant, viewer).filter(pk__in=given)


@dataclass(frozen=True)
class Summary:
    """The page's first sentence in numbers."""

    mine: int
    overdue: int
    own: int


def summary(tenant: Tenant, viewer: Membership, *, now: datetime) -> Summary:
    found = (
        readable_requests(tenant, viewer)
        .filter(state=PENDING)
        .aggregate(
            mine=Count("pk", filter=Q(answerable=True)),
            overdue=Count("pk", filter=Q(answerable=True, due_at__lt=now)),
            own=Count("pk", filter=Q(requested_by=viewer.user_id)),
        )
    )
    return Summary(**found)


# --- people ---


def approvers(tenant: Tenant) -> list[Membership]:
    """Managers and finance by name, without stand-ins, who answer nothing; `.leads` holds the teams that each stands
    at or above."""
    led = Team.objects.for_tenant(tenant).filter(managers__user=OuterRef("user_id")).values("pk")
    return list(
        Membership.objects.select_related("user")
        .filter(tenant=tenant, is_active=True, user__is_active=True, awaits="")
        .filter(role__in=[Role.MANAGER, Role.FINANCE])
        .annotate(leads=ArraySubquery(led))
        .order_by("user__name", "user__email")
    )


def seeing(tenant: Tenant, request: ApprovalRequest, approvers: list[Membership]) -> list[Membership]:
    """Those who see the request's account. Asks only where somebody's scope narrows what the role shows."""
    narrowed = [each for each in approvers if is_scoped(each)]
    if not narrowed or request.account_id is None or request.kind not in kinds:
        return approvers
    seen = _seeing(tenant, request, narrowed)
    return [each for each in approvers if each not in narrowed or each in seen]


def _seeing(tenant: Tenant, request: ApprovalRequest, viewers: list[Membership]) -> list[Membership]:
    visible = kinds[request.kind].visible
    columns: dict[str, Any] = {
        f"seen_{each.pk}": ExpressionWrapper(
            Q(account_id__in=visible(tenant, each)), output_field=BooleanField()
        )
        for each in viewers
    }
    row = (
        ApprovalRequest.objects.for_tenant(tenant)
        .filter(pk=request.pk)
        .annotate(**columns)
        .values(*columns)
        .get()
    )
    return [each for each in viewers if row[f"seen_{each.pk}"]]
