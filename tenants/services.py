"""Writes about tenants, people and teams."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import models, transaction

from audit import services as audit
from tenants import addresses, hooks, invitations, member_rules, queries
from tenants.access import SCOPE as SCOPE
from tenants.access import Actor
from tenants.exceptions import Refused
from tenants.models import Membership, Organisation, Team, Tenant, User
from tenants.scoping import tenant_context
from tenants.teams import change_team as change_team  # the writes of this app are found here, teams' too
from tenants.teams import create_team as create_team
from tenants.teams import ensure_team as ensure_team
from tenants.teams import sync_groups

DEFAULT_TEAM = "Customer Success"


@transaction.atomic
def create_tenant(
    *, organization: str, slug: str, environment: str, currency: str, time_zone: str, by: Actor
) -> tuple[Tenant, bool]:
    """The tenant of that slug, made with its default team when absent; (tenant, whether it was created)."""
    existing = queries.tenant_by_slug(slug)
    if existing is not None:
        return existing, False
    organisation, _ = Organisation.objects.get_or_create(name=organization)
    tenant = Tenant.objects.create(
        organisation=organisation,
        slug=slug,
        name=organization if environment == "production" else f"{organization} (sandbox)",
        environment=environment,
        currency=currency,
        time_zone=time_zone,
    )
    with tenant_context(tenant.pk):
        ensure_team(tenant, name=DEFAULT_TEAM, by=by, is_default=True)
        audit.record(tenant, verb="tenants.tenant_created", by=by, subject=tenant, after={"slug": slug})
        hooks.tenant_created(tenant)
    return tenant, True


@transaction.atomic
def change_settings(
    tenant: Tenant,
    *,
    currency: str,
    time_zone: str,
    rejected_rows_limit_pct: Decimal,
    by: Actor,
    second_factor_roles: list[str] | None = None,
    mask_people: bool | None = None,
    **limits: int | None,
) -> None:
    """The tenant's own settings. Its slug, organisation and environment never change."""
    row = Tenant.objects.select_for_update().get(pk=tenant.pk)
    wanted = {
        "currency": currency,
        "time_zone": time_zone,
        "rejected_rows_limit_pct": rejected_rows_limit_pct,
        "second_factor_roles": row.second_factor_roles
        if second_factor_roles is None
        else second_factor_roles,
        "mask_people": row.mask_people if mask_people is None else mask_people,
        "requests_per_minute": limits.get("requests_per_minute", row.requests_per_minute),
    }
    before = {name: getattr(row, name) for name in wanted}
    if before == wanted:
        return
    for name, value in wanted.items():
        setattr(row, name, value)
        setattr(tenant, name, value)
    row.save(update_fields=list(wanted))
    audit.record(tenant, verb="tenants.settings_changed", by=by, subject=row, before=before, after=wanted)


# --- people -------------------------------------------------------------------------------------


@transaction.atomic
def ensure_member(
    tenant: Tenant,
    *,
    email: str,
    role: str,
    by: Actor,
    name: str = "",
    team: str = "",
    password: str | None = None,
    scope: dict[str, list[str]] | None = None,
    awaits: str = "",
    may_take_place: bool = False,
) -> tuple[Membership, bool]:
    """The person's membership with this role and team, created or brought up to date; (membership, created).

    Without `team` a member stays in the team they are in; a new one joins the default team. Only the operator's
    command says `may_take_place` (tenants.addresses).
    """
    user = _ensure_user(tenant, email=email, name=name, password=password)
    if may_take_place:
        addresses.take_place(tenant, user=user, by=by)
    membership = Membership.objects.select_for_update().filter(tenant=tenant, user=user).first()
    if team:
        team_id = ensure_team(tenant, name=team, by=by).pk
    elif membership is not None and membership.team_id is not None:
        team_id = membership.team_id
    else:
        team_id = (queries.default_team(tenant) or ensure_team(tenant, name=DEFAULT_TEAM, by=by)).pk
    values = {"role": role, "team_id": team_id, "is_active": True, **(scope or {})}
    if membership is not None:
        return _change(tenant, membership, values, by=by), False
    membership = Membership.objects.create(tenant=tenant, user=user, awaits=awaits, **values)
    _record_member(tenant, membership, "tenants.member_created", by=by, before=None, after=values)
    return membership, True


@transaction.atomic
def add_person(
    tenant: Tenant,
    *,
    email: str,
    name: str,
    role: str,
    team: Team | None,
    scope: dict[str, list[str]],
    by: Actor,
    awaits: str = "",
) -> tuple[Membership, bool]:
    """A member added by an operations admin: somebody new, or known in the same organisation.

    An admin of one organisation could otherwise claim an address first and wait until another organisation lets
    that address in. Across organisations only the operator's `create_member` adds people (docs/security.md).
    """
    member_rules.gives_no_more_than_own(by.membership, scope)
    user = _newcomer(tenant, email)
    if user is not None and queries.is_member(tenant, user):
        raise Refused(f"{user} is in this workspace already: change them in the list.")
    return ensure_member(
        tenant, email=email, role=role, by=by, name=name, team=team.name if team else "", scope=scope, awaits=awaits
    )  # fmt: skip


@transaction.atomic
def let_in_by_group(tenant: Tenant, *, email: str, name: str, role: str, team: str, by: Actor) -> Membership:
    """What a group of the company's directory gives, to a member or to somebody whom `add_person` could add.

    The list of groups is the tenant's own, so it gives an admin no more than People does. A membership that
    somebody else ended stays ended; the group brings back only what it took itself.
    """
    user = queries.user_by_email(email)
    if user is None or not queries.is_member(tenant, user):
        user = _newcomer(tenant, email)
    membership = user and queries.membership_of_user(tenant, user)
    if membership and not membership.is_active and membership.ended_by != _name_of(by):
        raise Refused("This membership was ended here by somebody: a group does not bring it back.")
    return ensure_member(tenant, email=email, role=role, team=team, name=name, by=by)[0]


@transaction.atomic
def add_by_program(tenant: Tenant, *, email: str, name: str, role: str, by: Actor) -> Membership:
    """A member named by an identity provider, which is not told whether the address is somebody's elsewhere.

    Where it is, somebody whom `add_person` would refuse, a stand-in takes the place: nobody can sign in as that, and
    the operator's `create_member` gives the place to the person (docs/security.md).
    """
    user = queries.user_by_email(email)
    is_ours = user is None or (queries.is_known_in(tenant, user) and not user.is_superuser)
    named = email if is_ours else addresses.stand_in(tenant, email)
    awaits = "" if is_ours else email
    return add_person(tenant, email=named, name=name, role=role, team=None, scope={}, by=by, awaits=awaits)[0]


def _newcomer(tenant: Tenant, email: str) -> User | None:
    """The person of that address, if one is here already. Raises Refused where another organisation knows them, or
    where a place is kept for the address, active or ended: that is the operator's to give."""
    user = queries.user_by_email(email)
    is_foreign = user is not None and not queries.is_known_in(tenant, user)
    if is_foreign or queries.place_kept_for(tenant, email.strip().lower()):
        raise Refused("This address cannot be added here. Ask whoever runs this installation to add it.")
    return user


def record_invitation(tenant: Tenant, *, membership: Membership, by: Actor) -> str:
    """A fresh link for somebody who waits for one; who asked for it is on record, the link is not."""
    member_rules.gives_no_more_than_own(by.membership, member_rules.scope_of(membership))
    if not invitations.may_be_handed_out(membership.user, tenant):
        raise Refused(
            f"{membership.address} needs no invitation: they have a password or signed in before, or belong to "
            "another workspace too."
        )
    audit.record(
        tenant, verb="tenants.invitation_made", by=by, object_type="tenants.membership",
        object_id=str(membership.pk), object_label=addresses.label_of(membership),
    )  # fmt: skip
    return invitations.link_for(membership.user, tenant)


def _ensure_user(tenant: Tenant, *, email: str, name: str, password: str | None) -> User:
    """The person of that e-mail. Somebody whom another tenant knows too keeps the name they have there."""
    user = queries.user_by_email(email)
    if user is None:
        return User.objects.create_user(email.strip(), password, name=name)
    if user.is_superuser:
        raise Refused(
            f"{user.email} is a superuser of this installation and joins no workspace: use another e-mail."
        )
    if password is not None:
        user.set_password(password)
        user.save(update_fields=["password"])
    if name and user.name != name and not queries.is_member_elsewhere(tenant, user):
        user.name = name
        user.save(update_fields=["name"])
    return user


@transaction.atomic
def change_member(
    tenant: Tenant,
    *,
    membership_id: int,
    role: str,
    team_id: int | None,
    is_active: bool,
    scope: dict[str, list[str]],
    by: Actor,
    seen: str = "",
) -> Membership:
    """A new role, team or scope, or the end of a membership (tenants.member_rules says what is refused).

    `seen` is the digest that the form was made with; without one nothing is compared.
    """
    membership, acting = member_rules.locked(tenant, membership_id, by=by)
    member_rules.check(membership, acting, role=role, is_active=is_active, scope=scope, was=seen)
    values = {"role": role, "team_id": team_id, "is_active": is_active, **scope}
    return _change(tenant, membership, values, by=by)


@transaction.atomic
def end_membership(tenant: Tenant, *, membership_id: int, by: Actor) -> Membership:
    """Out at once, also the last operations admin: a leaver whom the identity provider ends must not stay for want of
    another. Whoever runs the installation names a new one with `create_member`."""
    membership = (
        Membership.objects.select_related("user", "tenant").select_for_update(of=("self",))
        .get(tenant=tenant, pk=membership_id)
    )  # fmt: skip
    return _change(tenant, membership, {"is_active": False}, by=by)


def _change(tenant: Tenant, membership: Membership, values: dict[str, Any], *, by: Actor) -> Membership:
    """Write what differs, with its event; a call that changes nothing leaves none."""
    before = {name: getattr(membership, name) for name in values}
    changed = {name: value for name, value in values.items() if value != before[name]}
    if not changed:
        return membership
    for name, value in changed.items():
        setattr(membership, name, value)
    if "is_active" in changed:
        membership.ended_by = "" if membership.is_active else _name_of(by)
    membership.save(update_fields=[*changed, "ended_by"])
    _record_member(
        tenant, membership, "tenants.member_changed", by=by,
        before={name: before[name] for name in changed}, after=changed,
    )  # fmt: skip
    if changed.keys() & {"role", "is_active"}:
        hooks.rights_changed(membership)
    return membership


def _name_of(by: Actor) -> str:
    return f"{by.kind}:{by.id}"[:100]


def _record_member(
    tenant: Tenant,
    membership: Membership,
    verb: str,
    *,
    by: Actor,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    """Groups, event and grants of a membership just written."""
    sync_groups(tenant, membership)
    audit.record(
        tenant, verb=verb, by=by, object_type="tenants.membership", object_id=str(membership.pk),
        object_label=addresses.label_of(membership), before=before, after=after,
    )  # fmt: skip
    hooks.membership_changed(membership)


@transaction.atomic
def accept_invitation(token: str, *, password: str) -> User:
    """The invited person's first password; the link is dead from here on. Raises InvitationUnusable."""
    user, tenant = invitations.person_of(token)
    user = User.objects.select_for_update().get(pk=user.pk)
    user, tenant = invitations.person_of(token)  # again under the lock: two tabs, one link
    user.set_password(password)
    user.last_tenant = user.last_tenant or tenant
    user.save(update_fields=["password", "last_tenant"])
    with tenant_context(tenant.pk):
        by = Actor("person", str(user.pk), str(user))
        audit.record(tenant, verb="tenants.invitation_accepted", by=by, subject=user)
    return user


def remember_tenant(user: User, tenant: Tenant) -> None:
    """Where the bare addresses lead from now on."""
    if user.last_tenant_id != tenant.pk:
        User.objects.filter(pk=user.pk).update(last_tenant=tenant)


# --- the admin, and what was refused ------------------------------------------------------------


@transaction.atomic
def save_from_admin(
    tenant: Tenant,
    *,
    row: models.Model,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    by: Actor,
    request_id: str = "",
    only: Sequence[str] | None = None,
) -> None:
    """A row written by the admin's own form, with what it was and what it is now. `only`: the columns to write."""
    row.save(update_fields=only)
    audit.record(
        tenant, verb="tenants.admin_changed", by=by, subject=row, before=before, after=after, request_id=request_id
    )  # fmt: skip


def record_denied(tenant: Tenant, *, path: str, by: Actor, request_id: str) -> None:
    """Somebody in the tenant asked for what the role does not include."""
    audit.record(
        tenant, verb="tenants.access_denied", by=by, object_type="page", object_id=path[:80],
        object_label=path, request_id=request_id,
    )  # fmt: skip
