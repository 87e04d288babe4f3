"""Name and sign-in address of a person, changed by a program, and which address opens an account."""

from allauth.account.models import EmailAddress
from django.db import transaction

from audit import services as audit
from tenants import hooks, queries
from tenants.access import Actor
from tenants.exceptions import NotForPrograms, Refused
from tenants.models import Membership, Tenant, User
from tenants.roles import Role


@transaction.atomic
def rename_person(tenant: Tenant, *, membership: Membership, name: str, email: str, by: Actor) -> None:
    """A program's word for somebody's name and address. Raises Refused, which NotForPrograms is too.

    The new address signs nobody in and resets nothing until the person has proven it (`is_proven`).
    """
    user = User.objects.select_for_update().get(pk=membership.user_id)
    before = {"name": user.name, "email": user.email}
    after = {"name": name or user.name, "email": email or user.email}
    if before == after:
        return
    if user.is_superuser or queries.is_member_elsewhere(tenant, user):
        raise Refused(
            f"{user.email} belongs to another workspace too: name and address cannot be changed from here."
        )
    if not user.is_active:
        raise NotForPrograms("This person left and was forgotten. Add them anew.")
    if after["email"] != user.email:
        _check_new_address(membership, user, after["email"])
    user.name, user.email = after["name"], after["email"]
    user.save(update_fields=["name", "email"])
    membership.user = user
    changed = [key for key, value in before.items() if after[key] != value]
    audit.record(
        tenant, verb="tenants.member_renamed", by=by, object_type="tenants.membership", object_id=str(membership.pk),
        object_label=str(user), before={"changed": changed},
    )  # fmt: skip
    hooks.membership_changed(membership)
    if "email" in changed:
        _forget_proof(user, before["email"])
        hooks.rights_changed(membership)  # whoever sits in a session signs in anew


def _check_new_address(membership: Membership, user: User, email: str) -> None:
    """Whoever has an address can have the account: so none of an account that is more than the program's to give."""
    if membership.role == Role.OPS_ADMIN:
        raise NotForPrograms(f"{user.email} is an operations admin: they change their address themselves.")
    if user.has_usable_password():
        raise NotForPrograms(f"{user.email} has a password here: they change their address themselves.")
    others = EmailAddress.objects.filter(email__iexact=email).exclude(user=user)
    if queries.user_by_email(email) is not None or others.exists():
        raise Refused(f"{email} is somebody else's address here.")


def _forget_proof(user: User, old: str) -> None:
    """The new address is the main one and waits for its proof; unless the person had proven it as a further one."""
    mine = EmailAddress.objects.filter(user=user)
    mine.filter(email__iexact=old).delete()
    mine.update(primary=False)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"primary": True}, create_defaults={"primary": True, "verified": False}
    )  # fmt: skip


def is_proven(user: User, email: str) -> bool:
    """Whether mail to this address may open the account. One that nobody but an admin ever named is proven by it."""
    return not EmailAddress.objects.filter(user=user, email__iexact=email, verified=False).exists()
