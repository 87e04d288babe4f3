"""Reads about sign-ins."""

from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from signin.models import GroupMember, GroupRole, SignedIn
from tenants.models import Tenant, User

# A passkey or an app; recovery codes alone are no second factor
FACTORS = ("totp", "webauthn")


def browsers_of(user: User) -> QuerySet[SignedIn]:
    """Where this person is signed in, the latest first."""
    return SignedIn.objects.filter(user=user).order_by("-seen_at", "-pk")


def open_browsers_of(user: User, *, since: datetime) -> QuerySet[SignedIn]:
    """Those whose session is still there and was used after `since`."""
    open_keys = Session.objects.values("session_key")
    return browsers_of(user).filter(seen_at__gt=since, session_key__in=open_keys)


def has_factor(user: User) -> bool:
    """Whether the person set up an authenticator app or a passkey."""
    from allauth.mfa.models import Authenticator

    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def sealed_factors() -> list[Any]:
    """The rows that hold a secret of ours, for `reseal_secrets`."""
    from allauth.mfa.models import Authenticator

    return list(Authenticator.objects.filter(type__in=("totp", "recovery_codes")).order_by("pk"))


def role_for_groups(tenant: Tenant, *, provider: str, groups: list[str]) -> GroupRole | None:
    """What the person's groups give in this tenant: the row of the smallest rank."""
    found = GroupRole.objects.for_tenant(tenant).filter(provider=provider, group__in=groups)
    return found.select_related("team").order_by("rank", "pk").first()


def member_by_group(tenant: Tenant, user: User) -> GroupMember | None:
    """The note that a group gave this person's membership, if one did."""
    return (
        GroupMember.objects.for_tenant(tenant)
        .select_related("membership__user", "membership__tenant")
        .filter(membership__user=user)
        .first()
    )
