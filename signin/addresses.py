"""Moves somebody's sign-in address out of the way, for whoever runs the installation (docs/operations.md)."""

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from audit import services as audit
from signin import sessions
from tenants import hooks, queries
from tenants.access import Actor
from tenants.addresses import is_nobodys
from tenants.exceptions import Refused
from tenants.models import User
from tenants.scoping import tenant_context


@transaction.atomic
def move_address(email: str, *, to: str, by: Actor) -> User:
    """The account of `email` gets the address `to`; empty: one that is nobody's, so that it signs nobody in.

    `email` is free then, also as a further address of anybody. Workspaces, rights and password stay with the account;
    its sessions end, and a given address opens it by mail only once it is proven. Raises Refused.
    """
    old, new = email.strip().lower(), to.strip().lower()
    if is_nobodys(old):
        raise Refused("That account keeps a place for an address: it has none of its own to move.")
    user = _holder(old)
    if new:
        _check_free(new, user)
    new = new or f"moved-{user.pk}@moved.invalid"
    EmailAddress.objects.filter(email__iexact=old).delete()
    if user.email == old:
        _give(user, new)
    sessions.end(user)
    for membership in queries.all_memberships_of(user):
        with tenant_context(membership.tenant_id):
            audit.record(
                membership.tenant, verb="tenants.address_moved", by=by, object_type="tenants.membership",
                object_id=str(membership.pk), object_label=str(user), before={"changed": ["email"]},
            )  # fmt: skip
            hooks.membership_changed(membership)
    return user


def _holder(email: str) -> User:
    """Whose address it is: their own, or a further one of theirs."""
    user = User.objects.select_for_update().filter(email=email).first()
    if user is None:
        further = EmailAddress.objects.filter(email__iexact=email).first()
        user = further and User.objects.select_for_update().get(pk=further.user_id)
    if user is None:
        raise Refused("Nobody here has that address: it is free.")
    if user.is_superuser:
        raise Refused("The account of a superuser is not moved.")
    return user


def _check_free(email: str, user: User) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(f"{email} is no e-mail address.") from None
    if is_nobodys(email):
        raise Refused(f"{email} is as those of accounts that keep a place: no mail reaches it.")
    others = EmailAddress.objects.filter(email__iexact=email).exclude(user=user)
    if queries.user_by_email(email) is not None or others.exists():
        raise Refused(f"{email} is somebody's address already.")


def _give(user: User, email: str) -> None:
    """The main address, which opens nothing by mail before it is proven (tenants.addresses.is_proven)."""
    user.email = email
    user.save(update_fields=["email"])
    EmailAddress.objects.filter(user=user).update(primary=False)
    EmailAddress.objects.update_or_create(
        user=user, email=email, defaults={"primary": True}, create_defaults={"primary": True, "verified": False}
    )  # fmt: skip
