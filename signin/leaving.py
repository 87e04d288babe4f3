"""A member who left: what signs them in goes, what they did keeps their name of that day (docs/erasure.md)."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from audit import services as audit
from signin import sessions
from signin.models import SignedIn
from tenants import hooks, idempotency, queries
from tenants.access import Actor
from tenants.exceptions import Refused
from tenants.models import Tenant, User
from tenants.scoping import tenant_context


@transaction.atomic
def forget_member(tenant: Tenant, *, user: User, by: Actor) -> None:
    """Take address, name, password, factors and sessions from somebody who is in no workspace any more.

    Raises Refused while they are an active member anywhere: their membership is ended first, by whoever may.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if queries.memberships_of(user).exists():
        raise Refused(
            f"{user} is still an active member of a workspace. End the membership first, under People."
        )
    sessions.end(user)
    for rows in (SignedIn, EmailAddress, Authenticator, SocialAccount):
        rows.objects.filter(user=user).delete()  # type: ignore[attr-defined]
    user.email, user.name = f"left-{user.pk}@left.invalid", f"Former member {user.pk}"
    user.is_active, user.last_tenant, user.last_login = False, None, None
    user.set_unusable_password()
    user.save()
    queries.all_memberships_of(user).update(awaits="")
    hooks.person_forgotten(queries.all_memberships_of(user))
    for each in queries.all_memberships_of(user):
        with tenant_context(each.tenant_id):
            idempotency.forget_all(each.tenant)
    audit.record(
        tenant, verb="tenants.member_forgotten", by=by, object_type="tenants.user", object_id=str(user.pk),
        object_label="A former member",
    )  # fmt: skip
