"""What the tests of signing in share: a person's way through the pages, and their phone."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client

from audit.models import AuditEvent
from tests.worlds import PASSWORD

LOGIN = "/auth/login/"
SECOND = "/auth/2fa/authenticate/"


def try_password(client, email, password=PASSWORD, **extra):
    return client.post(LOGIN, {"login": email, "password": password}, **extra)


def signed_in(membership, **extra):
    """Somebody who came in by the page, in a browser of their own."""
    client = Client()
    answer = try_password(client, membership.user.email, **extra)
    assert answer.status_code == 302, answer.text[:2000]
    return client


def is_in(client, world):
    return client.get(world.url("queue/")).status_code == 200


SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def give_app(user, secret=SECRET):
    """An authenticator app for this person, as its page makes it."""
    return TOTP.activate(user, secret).instance


def code_of(secret=SECRET, steps=0):
    """What the phone shows now, or `steps` windows of 30 seconds away."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def events(world, verb):
    with world.here():
        return list(AuditEvent.objects.filter(tenant=world.tenant, verb=f"signin.{verb}").order_by("id"))


def factors(user):
    return sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))
