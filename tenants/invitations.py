"""Signed links with which a new person sets the first password: once, and within a week."""

import logging

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from tenants import addresses, queries
from tenants.exceptions import InvitationUnusable
from tenants.models import Tenant, User

log = logging.getLogger(__name__)
_SALT = "tenants.invitation"
GOOD_FOR_DAYS = 7


def link_for(user: User, tenant: Tenant) -> str:
    """The full address to hand over, which works only while the person waits for it (`is_waiting`)."""
    return f"{settings.HOLDFAST_PUBLIC_URL}{reverse('tenants:invitation', args=[token_for(user, tenant)])}"


def token_for(user: User, tenant: Tenant) -> str:
    return signing.dumps({"user": user.pk, "tenant": tenant.pk, "seal": _seal(user)}, salt=_SALT)


def mail(user: User, tenant: Tenant, link: str) -> bool:
    """Send the link to the invited person's own address; False where no mail server is set up, or it refused.

    A sandbox's mail goes no further than its mailbox (tenants.mail), so there it is written in its transaction.
    """
    if not settings.SENDS_MAIL and not tenant.is_sandbox:
        return False
    text = render_to_string(
        "tenants/email/invitation.txt",
        {
            "person": user,
            "at": tenant,
            "link": link,
            "days": GOOD_FOR_DAYS,
            "product_name": settings.PRODUCT_NAME,
        },
    )
    try:
        send_mail(f"Your invitation to {settings.PRODUCT_NAME}", text, None, [user.email])
    except OSError as error:
        log.warning("an invitation was not sent: %s", type(error).__name__)
        return False
    return True


def is_waiting(user: User) -> bool:
    """Somebody who never came in by any way. For all others such a link would open an account that is in use."""
    is_new = user.last_login is None and not user.has_usable_password() and not addresses.is_stand_in(user)
    return user.is_active and not user.is_superuser and is_new and not queries.has_company_sign_in(user)


def may_be_handed_out(user: User, tenant: Tenant) -> bool:
    """An admin hands out links for people of this workspace alone; the operator's command for all.

    Otherwise the sandbox's admin could set the password of somebody who waits in production.
    """
    if not is_waiting(user):  # most people are not, and that costs no query
        return False
    return queries.is_known_in(tenant, user) and queries.open_tenants_of(user) == [tenant.pk]


def person_of(token: str) -> tuple[User, Tenant]:
    """Whom the link is for, and the workspace that invited; raises InvitationUnusable."""
    try:
        said = signing.loads(token, salt=_SALT, max_age=GOOD_FOR_DAYS * 86_400)
    except signing.BadSignature as error:
        raise InvitationUnusable from error
    user, tenant = queries.user_by_id(said["user"]), queries.tenant_by_id(said["tenant"])
    if user is None or tenant is None or not is_waiting(user) or not queries.is_member(tenant, user):
        raise InvitationUnusable
    if not constant_time_compare(said["seal"], _seal(user)):
        raise InvitationUnusable
    return user, tenant


def _seal(user: User) -> str:
    """Changes with the password (even an unusable one is random), so a used link is dead; and with the workspaces
    and organisations of the person, so a link from before does not open a later one's data."""
    known_in = f"{queries.organisations_of(user)}:{queries.open_tenants_of(user)}"
    return salted_hmac(_SALT, f"{user.pk}:{user.email}:{user.password}:{known_in}").hexdigest()[:32]
