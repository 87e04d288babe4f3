"""A member who left: the sign-in goes, the record stays readable (docs/erasure.md)."""

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import services
from audit.models import AuditEvent
from tenants.models import Membership, User
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db


def forget(acme):
    call_command("forget_member", tenant="acme", email="csm@acme.example")


def test_refuses_while_the_person_is_a_member_anywhere(acme, globex):
    with pytest.raises(CommandError, match="still an active member"):
        forget(acme)
    assert User.objects.filter(email="csm@acme.example").exists()


def test_refuses_a_stranger(acme, globex):
    with pytest.raises(CommandError, match="Nobody of that address"):
        call_command("forget_member", tenant="acme", email="csm@globex.example")


def test_takes_the_sign_in_and_keeps_the_record(acme):
    account = acme.add_account("Halden Logistics")
    with acme.here():
        services.add_note(acme.tenant, account_id=account.pk, text="Called them.", by=acme.actor("csm"))
    client = Client()
    client.post("/auth/login/", {"login": "csm@acme.example", "password": PASSWORD})
    Membership.objects.filter(pk=acme.csm.pk).update(is_active=False)
    EmailAddress.objects.get_or_create(user=acme.csm.user, email="csm@acme.example")
    forget(acme)
    user = User.objects.get(pk=acme.csm.user_id)
    assert user.email == f"left-{user.pk}@left.invalid"
    assert "csm" not in user.name
    assert not user.has_usable_password()
    assert not EmailAddress.objects.filter(user=user).exists()
    assert client.get("/t/acme/queue/").status_code in (302, 404)
    with acme.here():
        event = AuditEvent.objects.get(verb="accounts.note_added")
        assert event.actor_label.startswith("csm acme"), "who did it stays readable"
        assert AuditEvent.objects.get(verb="tenants.member_forgotten").object_label == "A former member"
    forget_again = pytest.raises(CommandError, match="Nobody")
    with forget_again:
        forget(acme)
