"""Reads: people of one tenant as the provider sees them, and its groups."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from scim.exceptions import not_found
from scim.filters import Equals, unknown
from scim.models import ScimGroup, ScimGroupMember, ScimUser
from tenants.models import Membership, Tenant

_EMAIL = ("username", "emails", "emails.value")
USER_FILTERS = [*_EMAIL, "externalid", "id", "active"]
GROUP_FILTERS = ["displayname", "externalid", "id"]


@dataclass
class Page:
    """Some rows of a list, and how many there are in all."""

    total: int
    start: int
    rows: list[Any]
    more: dict[int, Any] = field(default_factory=dict)


def number(text: str) -> int | None:
    """An id as the database knows them, or None for what cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


# --- people --------------------------------------------------------------------------------------


def users(tenant: Tenant, wanted: Equals | None = None) -> QuerySet[Membership]:
    """Everybody in the tenant, active or not, but those whom the provider deleted. By id, as pages need."""
    removed = ScimUser.objects.for_tenant(tenant).exclude(removed_at=None).values("membership_id")
    rows = Membership.objects.select_related("user").filter(tenant=tenant).exclude(pk__in=removed)
    return rows.filter(_is_user(tenant, wanted)).order_by("pk") if wanted else rows.order_by("pk")


def _is_user(tenant: Tenant, wanted: Equals) -> Q:
    if wanted.attribute in _EMAIL:
        return _has_address(wanted.value.strip().lower())
    if wanted.attribute == "id":
        return Q(pk=number(wanted.value) or 0)
    if wanted.attribute == "active":
        return Q(is_active=wanted.value.lower() == "true")
    if wanted.attribute == "externalid":
        rows = ScimUser.objects.for_tenant(tenant).filter(external_id=wanted.value)
        return Q(pk__in=rows.values("membership_id"))
    raise unknown(wanted.attribute, ["userName", "emails.value", "externalId", "id", "active"])


def user(tenant: Tenant, *, user_id: str) -> Membership:
    """One person; raises ScimError 404, also for somebody of another tenant."""
    found = users(tenant).filter(pk=number(user_id) or 0).first()
    if found is None:
        raise not_found("user", user_id)
    return found


def links(tenant: Tenant, membership_ids: list[int]) -> dict[int, ScimUser]:
    rows = ScimUser.objects.for_tenant(tenant).filter(membership_id__in=membership_ids)
    return {each.membership_id: each for each in rows}


def groups_of(tenant: Tenant, membership_ids: list[int]) -> dict[int, list[ScimGroup]]:
    """The groups of these people, by name."""
    rows = (
        ScimGroupMember.objects.for_tenant(tenant)
        .select_related("group")
        .filter(membership_id__in=membership_ids)
        .order_by("group__display_name")
    )
    found: dict[int, list[ScimGroup]] = defaultdict(list)
    for each in rows:
        found[each.membership_id].append(each.group)
    return found


def membership_of_email(tenant: Tenant, email: str) -> Membership | None:
    return Membership.objects.select_related("user").filter(_has_address(email), tenant=tenant).first()


def _has_address(email: str) -> Q:
    """The address that the provider knows, never a stand-in's own; an empty one is nobody's, though most wait for
    nobody."""
    return Q(user__email=email, awaits="") | (Q(awaits=email) & ~Q(awaits=""))


# --- groups --------------------------------------------------------------------------------------


def groups(tenant: Tenant, wanted: Equals | None = None) -> QuerySet[ScimGroup]:
    rows = ScimGroup.objects.for_tenant(tenant).order_by("pk")
    if wanted is None:
        return rows
    if wanted.attribute == "displayname":
        return rows.filter(display_name__iexact=wanted.value)
    if wanted.attribute == "externalid":
        return rows.filter(external_id=wanted.value)
    if wanted.attribute == "id":
        return rows.filter(pk=number(wanted.value) or 0)
    raise unknown(wanted.attribute, ["displayName", "externalId", "id"])


def group(tenant: Tenant, *, group_id: str) -> ScimGroup:
    found = groups(tenant).filter(pk=number(group_id) or 0).first()
    if found is None:
        raise not_found("group", group_id)
    return found


def members_of(tenant: Tenant, group_ids: list[int]) -> dict[int, list[Membership]]:
    """Who is in these groups, those left out whom the provider deleted."""
    pairs = list(
        ScimGroupMember.objects.for_tenant(tenant)
        .filter(group_id__in=group_ids)
        .values_list("group_id", "membership_id")
        .order_by("membership_id")
    )
    people = users(tenant).in_bulk(list({member for _, member in pairs}))
    found: dict[int, list[Membership]] = defaultdict(list)
    for group_id, member in pairs:
        if member in people:
            found[group_id].append(people[member])
    return found


def member_ids(tenant: Tenant, group_id: int) -> set[int]:
    rows = ScimGroupMember.objects.for_tenant(tenant).filter(group_id=group_id)
    return set(rows.values_list("membership_id", flat=True))


def known_ids(tenant: Tenant, ids: list[int]) -> set[int]:
    """Which of these are people of this tenant."""
    return set(users(tenant).filter(pk__in=ids).values_list("pk", flat=True))


def page(rows: QuerySet[Any], *, start: int, count: int) -> Page:
    return Page(rows.count(), start, list(rows[start - 1 : start - 1 + count]) if count else [])
