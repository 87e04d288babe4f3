"""Writes of the identity provider: people let in and ended, groups and what they give; in this tenant alone."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from audit import services as audit
from scim import queries, roles
from scim.changes import GroupChange, UserChange
from scim.exceptions import ScimError, bad_value, forbidden, not_unique
from scim.models import ScimGroup, ScimGroupMember, ScimUser
from tenants import addresses
from tenants import queries as people
from tenants import services as members
from tenants.access import Actor
from tenants.exceptions import NotForPrograms, Refused
from tenants.models import Membership, Tenant
from tenants.roles import Role
from tenants.scoping import tenant_context


@transaction.atomic
def create_user(tenant: Tenant, *, change: UserChange, by: Actor) -> Membership:
    """Somebody new here, or back after the provider deleted them. They sign in with single sign-on or an invitation."""
    email = _address(change.email or "")
    found = queries.membership_of_email(tenant, email)
    if found is not None and not _was_removed(tenant, found):
        raise not_unique(f"{email} is here already, as user {found.pk}.")
    try:
        if found is None:
            found = members.add_by_program(
                tenant, email=email, name=change.name_from(""), role=roles.LEAST, by=by
            )
        elif change.active is not False and not found.is_active:
            _bring_back(tenant, found, role=roles.LEAST, by=by)
    except Refused as refusal:
        raise _in_scim(refusal) from refusal
    link, _ = ScimUser.objects.for_tenant(tenant).get_or_create(tenant=tenant, membership_id=found.pk)
    link.external_id, link.removed_at, link.changed_at = change.external_id or "", None, timezone.now()
    link.save()
    if change.active is False:
        members.end_membership(tenant, membership_id=found.pk, by=by)
    return queries.user(tenant, user_id=str(found.pk))


def _address(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise bad_value("userName must be an e-mail address.") from None
    if not addresses.is_usable(text):
        raise bad_value("userName must be an e-mail address.")
    if len(email) > 254:
        raise bad_value("userName is longer than an e-mail address can be.")
    return email


def _was_removed(tenant: Tenant, membership: Membership) -> bool:
    link = queries.links(tenant, [membership.pk]).get(membership.pk)
    return link is not None and link.removed_at is not None


@transaction.atomic
def change_user(tenant: Tenant, *, membership: Membership, change: UserChange, by: Actor) -> Membership:
    """What differs is changed. Of a leaver nothing else is, so that nothing else can stand in the way of that."""
    if change.active is False:
        members.end_membership(tenant, membership_id=membership.pk, by=by)
    else:
        if change.active and not membership.is_active:
            try:
                _bring_back(tenant, membership, role=_role_to_come_back_with(tenant, membership), by=by)
            except Refused as refusal:
                raise _in_scim(refusal) from refusal
        _rename(tenant, membership, change, by)
    link, _ = ScimUser.objects.for_tenant(tenant).get_or_create(tenant=tenant, membership_id=membership.pk)
    if change.external_id is not None:
        link.external_id = change.external_id
    link.changed_at = timezone.now()
    link.save(update_fields=["external_id", "changed_at"])
    return queries.user(tenant, user_id=str(membership.pk))


def _rename(tenant: Tenant, membership: Membership, change: UserChange, by: Actor) -> None:
    user = membership.user
    name = change.name_from(user.name)
    now = membership.address
    email = _address(change.email) if change.email else now
    if (name, email) == (user.name, now):
        return
    if people.is_member_elsewhere(tenant, user) and email == now:
        return  # the name that another workspace gave stays; refusing would stop the provider's whole update
    try:
        addresses.rename_person(tenant, membership=membership, name=name, email=email, by=by)
    except Refused as refusal:
        raise _in_scim(refusal) from refusal


def _in_scim(refusal: Refused) -> ScimError:
    return forbidden(str(refusal)) if isinstance(refusal, NotForPrograms) else not_unique(str(refusal))


def _role_to_come_back_with(tenant: Tenant, membership: Membership) -> str:
    """The one they left with, if a provider could have given it: an operations admin's only by a group mapped so."""
    if membership.role != Role.OPS_ADMIN:
        return membership.role
    groups = queries.groups_of(tenant, [membership.pk]).get(membership.pk, [])
    return roles.role_of(groups) or roles.LEAST


def _bring_back(tenant: Tenant, membership: Membership, *, role: str, by: Actor) -> None:
    """Only whom a provider's own call ended. Whoever an admin put out stays out until an admin lets them in."""
    if not membership.user.is_active:
        raise NotForPrograms("This person left and was forgotten. Add them anew.")
    if not membership.ended_by.startswith(f"{by.kind}:"):
        raise NotForPrograms(
            "This membership was ended here, not by the provider. An operations admin can open it again, under People."
        )
    scope = {name: getattr(membership, name) for name in members.SCOPE}
    members.change_member(
        tenant, membership_id=membership.pk, role=role, team_id=membership.team_id, is_active=True, scope=scope, by=by
    )  # fmt: skip


@transaction.atomic
def remove_user(tenant: Tenant, *, membership: Membership, by: Actor) -> None:
    """Out, and not found any more; the person's row and what they did stay for the record."""
    members.end_membership(tenant, membership_id=membership.pk, by=by)
    link, _ = ScimUser.objects.for_tenant(tenant).get_or_create(tenant=tenant, membership_id=membership.pk)
    link.removed_at = link.changed_at = timezone.now()
    link.role_from_groups = False
    link.save()
    ScimGroupMember.objects.for_tenant(tenant).filter(membership_id=membership.pk).delete()


@transaction.atomic
def forget_person(membership: Membership) -> None:
    """What the provider says of somebody who was forgotten: its id, often the address, and their groups. They are not
    found any more, so nothing can be written back (tenants.hooks)."""
    tenant, now = membership.tenant, timezone.now()
    with tenant_context(tenant.pk):
        ScimUser.objects.for_tenant(tenant).update_or_create(
            tenant=tenant, membership_id=membership.pk,
            defaults={"external_id": "", "role_from_groups": False, "removed_at": now, "changed_at": now},
        )  # fmt: skip
        ScimGroupMember.objects.for_tenant(tenant).filter(membership_id=membership.pk).delete()


# --- groups --------------------------------------------------------------------------------------


@transaction.atomic
def create_group(tenant: Tenant, *, change: GroupChange, by: Actor) -> ScimGroup:
    """A group; one that is called like a role or a team gives it at once, others are mapped in the admin."""
    name = change.display_name or ""
    _check_name(tenant, name, group_id=None)
    group = ScimGroup.objects.create(
        tenant=tenant, display_name=name, external_id=change.external_id or "",
        role=roles.role_named(name), team=people.team_named(tenant, name),
    )  # fmt: skip
    after = {"name": name, "role": group.role, "team": str(group.team or "")}
    audit.record(tenant, verb="scim.group_created", by=by, subject=group, after=after)
    _apply_members(tenant, group, change, by)
    return group


def _check_name(tenant: Tenant, name: str, *, group_id: int | None) -> None:
    if not name:
        raise bad_value("displayName is missing.")
    same = ScimGroup.objects.for_tenant(tenant).filter(display_name__iexact=name)
    if (same if group_id is None else same.exclude(pk=group_id)).exists():
        raise not_unique(f"A group called {name} is here already.")


@transaction.atomic
def change_group(tenant: Tenant, *, group: ScimGroup, change: GroupChange, by: Actor) -> ScimGroup:
    """Name and members. A new name changes nothing about what the group gives: that is the admin's."""
    group = ScimGroup.objects.for_tenant(tenant).select_for_update().get(pk=group.pk)
    if change.display_name is not None and change.display_name != group.display_name:
        _check_name(tenant, change.display_name, group_id=group.pk)
        audit.record(
            tenant, verb="scim.group_renamed", by=by, subject=group,
            before={"name": group.display_name}, after={"name": change.display_name},
        )  # fmt: skip
        group.display_name = change.display_name
    if change.external_id is not None:
        group.external_id = change.external_id
    group.changed_at = timezone.now()
    group.save(update_fields=["display_name", "external_id", "changed_at"])
    _apply_members(tenant, group, change, by)
    return group


def _apply_members(tenant: Tenant, group: ScimGroup, change: GroupChange, by: Actor) -> None:
    """Who is in it afterwards, set-based; then roles of those for whom something differs."""
    before = queries.member_ids(tenant, group.pk)
    after = set(before) if change.members is None else _ids(tenant, change.members)
    for kind, named in change.steps:
        after = after | _ids(tenant, named) if kind == "add" else after - _numbers(named)
    added, gone = after - before, before - after
    if not added and not gone:
        return
    rows = ScimGroupMember.objects.for_tenant(tenant)
    rows.filter(group=group, membership_id__in=gone).delete()
    rows.bulk_create(
        [ScimGroupMember(tenant=tenant, group=group, membership_id=each) for each in sorted(added)],
        batch_size=2000, ignore_conflicts=True,
    )  # fmt: skip
    audit.record(
        tenant, verb="scim.group_members_changed", by=by, subject=group,
        after={"added": sorted(added)[:100], "removed": sorted(gone)[:100], "members": len(after)},
    )  # fmt: skip
    give_roles(tenant, membership_ids=sorted(added | gone), by=by)


def _numbers(ids: set[str]) -> set[int]:
    return {number for each in ids if (number := queries.number(each)) is not None}


def _ids(tenant: Tenant, ids: set[str]) -> set[int]:
    """These people's ids; raises ScimError for one that is nobody's here."""
    numbers = _numbers(ids)
    known = queries.known_ids(tenant, list(numbers))
    if len(known) < len(ids):
        unknown = sorted(each for each in ids if queries.number(each) not in known)[:3]
        raise bad_value(f"No user here has the id {', '.join(unknown)}.")
    return known


@transaction.atomic
def remove_group(tenant: Tenant, *, group: ScimGroup, by: Actor) -> None:
    was = sorted(queries.member_ids(tenant, group.pk))
    audit.record(tenant, verb="scim.group_removed", by=by, subject=group, before={"members": len(was)})
    ScimGroupMember.objects.for_tenant(tenant).filter(group=group).delete()
    ScimGroup.objects.for_tenant(tenant).filter(pk=group.pk).delete()
    give_roles(tenant, membership_ids=was, by=by)


@transaction.atomic
def map_group(tenant: Tenant, *, group: ScimGroup, by: Actor) -> None:
    """The admin said what the group gives; its people have it at once."""
    group.changed_at = timezone.now()
    group.save()
    after = {"role": group.role, "team": str(group.team or "")}
    audit.record(tenant, verb="scim.group_mapped", by=by, subject=group, after=after)
    give_roles(tenant, membership_ids=sorted(queries.member_ids(tenant, group.pk)), by=by)


def give_roles(tenant: Tenant, *, membership_ids: list[int], by: Actor) -> None:
    """Bring role and team of these people in line with their groups; costs a write only for who differs."""
    found = queries.users(tenant).in_bulk(membership_ids)
    groups = queries.groups_of(tenant, membership_ids)
    links = queries.links(tenant, membership_ids)
    for membership in found.values():
        own, link = groups.get(membership.pk, []), links.get(membership.pk)
        had_role = link is not None and link.role_from_groups
        has_role = roles.role_of(own) is not None
        role, team_id = roles.wanted_of(membership, own, had_role=had_role)
        if (role, team_id) != (membership.role, membership.team_id):
            _give(tenant, membership, role, team_id, by)
        if has_role != had_role:
            ScimUser.objects.for_tenant(tenant).update_or_create(
                tenant=tenant, membership_id=membership.pk, defaults={"role_from_groups": has_role}
            )


def _give(tenant: Tenant, membership: Membership, role: str, team_id: int | None, by: Actor) -> None:
    scope = {name: getattr(membership, name) for name in members.SCOPE}
    try:
        members.change_member(
            tenant, membership_id=membership.pk, role=role, team_id=team_id, is_active=membership.is_active,
            scope=scope, by=by,
        )  # fmt: skip
    except Refused as refusal:  # the only operations admin stays one, or nobody could name another
        audit.record(
            tenant, verb="scim.role_kept", by=by, object_type="tenants.membership", object_id=str(membership.pk),
            after={"wanted": role, "why": str(refusal)},
        )  # fmt: skip
