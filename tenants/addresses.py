"""Name and sign-in address of a person, changed by a program, and which address opens an account."""

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from audit import services as audit
from tenants import hooks, queries
from tenants.access import Actor
from tenants.exceptions import NotForPrograms, Refused
from tenants.models import Membership, Tenant, User
from tenants.roles import Role

NOBODYS = "@waits.invalid"


@transaction.atomic
def rename_person(tenant: Tenant, *, membership: Membership, name: str, email: str, by: Actor) -> None:
    """A program's word for somebody's name and address. Raises Refused, which NotForPrograms is too.

    The new address signs nobody in and resets nothing until the person has proven it (`is_proven`).
    """
    user = User.objects.select_for_update().get(pk=membership.user_id)
    before = {"name": user.name, "email": membership.address}
    after = {"name": name or user.name, "email": email or membership.address}
    if before == after:
        return
    if user.is_superuser or queries.is_member_elsewhere(tenant, user):
        raise Refused(
            f"{membership.address} belongs to another workspace too: name and address cannot be changed from here."
        )
    if not user.is_active:
        raise NotForPrograms("This person left and was forgotten. Add them anew.")
    old = user.email
    if after["email"] != before["email"]:
        _check_may_change(tenant, membership, user, after["email"])
        _give_address(tenant, membership, user, after["email"])
    user.name = after["name"]
    user.save(update_fields=["name", "email"])
    membership.user = user
    changed = [key for key, value in before.items() if after[key] != value]
    audit.record(
        tenant, verb="tenants.member_renamed", by=by, object_type="tenants.membership", object_id=str(membership.pk),
        object_label=label_of(membership), before={"changed": changed},
    )  # fmt: skip
    hooks.membership_changed(membership)
    if "email" in changed:
        _forget_proof(user, old)
        hooks.rights_changed(membership)  # whoever sits in a session signs in anew


def _check_may_change(tenant: Tenant, membership: Membership, user: User, email: str) -> None:
    """Whoever has an address can have the account: so none of an account that is more than the program's to give.

    That an address is taken is said of this tenant's people alone; elsewhere the place waits (`stand_in`).
    """
    if membership.role == Role.OPS_ADMIN:
        raise NotForPrograms(
            f"{membership.address} is an operations admin: they change their address themselves."
        )
    if user.has_usable_password():
        raise NotForPrograms(
            f"{membership.address} has a password here: they change their address themselves."
        )
    if _is_here(tenant, email, besides=membership):
        raise Refused(f"{email} is somebody else's address here.")


def _give_address(tenant: Tenant, membership: Membership, user: User, email: str) -> None:
    """The address, or a place for whoever has it elsewhere."""
    is_taken = _is_somebodys(email, user)
    membership.awaits = email if is_taken else ""
    membership.save(update_fields=["awaits"])
    user.email = stand_in(tenant, email) if is_taken else email


def _is_here(tenant: Tenant, email: str, *, besides: Membership) -> bool:
    """Whether another member of this tenant has the address: as the main one, a further one, or kept for them."""
    others = Membership.objects.filter(tenant=tenant).exclude(pk=besides.pk)
    further = EmailAddress.objects.filter(email__iexact=email).values("user_id")
    return others.filter(Q(user__email=email) | Q(awaits=email) | Q(user_id__in=further)).exists()


def _is_somebodys(email: str, user: User) -> bool:
    others = EmailAddress.objects.filter(email__iexact=email).exclude(user=user)
    return queries.user_by_email(email) is not None or others.exists()


# --- places kept for people of other organisations -------------------------------------------------


def stand_in(tenant: Tenant, email: str) -> str:
    """The address of the account that keeps a place for this one: the same each time, and nobody's by its ending.

    An identity provider's call is answered as for an address that nobody has; otherwise any tenant's token could ask
    who is known on the whole installation. For the same reason it is keyed: a program must not be able to compute it.
    """
    kept = salted_hmac("tenants.stand_in", f"{tenant.pk}:{email}", algorithm="sha256").hexdigest()[:32]
    return f"waits-{kept}{NOBODYS}"


def is_nobodys(email: str) -> bool:
    """An address as stand-ins have them: nobody is named by it, signs in with it, or gets mail there."""
    return email.strip().lower().endswith(NOBODYS)


def is_usable(email: str) -> bool:
    """Whether somebody may be named by it as it was given, before its case is changed.

    Only ASCII: Django's check lets letters through that look like others, and the Kelvin sign, which `lower` makes a k,
    so that one person would pass for another. A domain with other letters has its form in ASCII (xn--).
    """
    return email.isascii() and not is_nobodys(email)


def is_stand_in(user: User) -> bool:
    return is_nobodys(user.email)


def label_of(membership: Membership) -> str:
    """What the record calls the person: never the stand-in's own address."""
    return membership.user.name or membership.address


def take_place(tenant: Tenant, *, user: User, by: Actor) -> None:
    """The place that was kept for this person's address becomes theirs, with its id, role and groups.

    Only for whoever may vouch that it is the same person: the operator. An address that somebody claimed in another
    organisation first would open this one's data.
    """
    place = queries.place_kept_for(tenant, user.email)
    if place is None or queries.was_member(tenant, user):
        return
    kept_by = place.user
    user.groups.add(*kept_by.groups.all())
    kept_by.groups.clear()
    # an account that somebody used is not ours to close
    if is_stand_in(kept_by) and kept_by.last_login is None:
        _put_away(kept_by)
    place.user, place.awaits = user, ""
    place.save(update_fields=["user", "awaits"])
    audit.record(
        tenant, verb="tenants.place_taken", by=by, object_type="tenants.membership", object_id=str(place.pk),
        object_label=str(user),
    )  # fmt: skip
    hooks.membership_changed(place)


def _put_away(user: User) -> None:
    """A stand-in whose place was taken. Its address goes too: the next who has the awaited one needs a place again."""
    EmailAddress.objects.filter(user=user).delete()
    user.email, user.is_active = f"taken-{user.pk}{NOBODYS}", False
    user.save(update_fields=["email", "is_active"])


# --- proof --------------------------------------------------------------------------------------------


def _forget_proof(user: User, old: str) -> None:
    """The new address is the main one and waits for its proof; unless the person had proven it as a further one."""
    mine = EmailAddress.objects.filter(user=user)
    mine.filter(email__iexact=old).delete()
    mine.update(primary=False)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"primary": True}, create_defaults={"primary": True, "verified": False}
    )  # fmt: skip


def is_proven(user: User, email: str) -> bool:
    """Whether mail to this address may open the account. One that nobody but an admin ever named is proven by it.

    A stand-in has none: no mail goes there.
    """
    if is_stand_in(user):
        return False
    return not EmailAddress.objects.filter(user=user, email__iexact=email, verified=False).exists()
