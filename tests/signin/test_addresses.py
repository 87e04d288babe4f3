"""An address that another organisation claimed first is freed by whoever runs the installation."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import AuditEvent
from tenants import addresses, services
from tenants.exceptions import Refused
from tenants.models import Membership, User
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db
WANTED = "owner@globex.example"


@pytest.fixture
def claimed(acme, globex):
    """acme's admin added an address of globex first, and globex can add its own person no more."""
    with acme.here():
        member, _ = services.ensure_member(acme.tenant, email=WANTED, role="csm", by=MAKER)
    with pytest.raises(Refused, match="cannot be added here"):
        add(globex)
    return member


def add(world):
    with world.here():
        return services.add_person(
            world.tenant,
            email=WANTED,
            name="Owner",
            role="csm",
            team=None,
            scope={},
            by=world.actor("ops_admin"),
        )[0]


def move(**options):
    call_command("move_address", "--email", WANTED, *[f"--{name}={value}" for name, value in options.items()])


def test_a_claimed_address_is_freed_and_its_owner_comes_in(acme, globex, claimed):
    browser = Client()
    browser.force_login(claimed.user)
    assert browser.get(acme.url("accounts/")).status_code == 200
    move()
    assert browser.get(acme.url("accounts/")).status_code == 302, "the claimed account's sessions have ended"
    owner = add(globex)
    assert owner.user_id != claimed.user_id, "an account of its own, with nothing of the claimed one"
    assert not Membership.objects.filter(tenant=acme.tenant, user_id=owner.user_id).exists()
    kept = User.objects.get(pk=claimed.user_id)
    assert kept.email == f"moved-{kept.pk}@moved.invalid"
    assert Membership.objects.get(pk=claimed.pk).is_active, "what acme gave the account stays acme's business"
    with acme.here():
        (event,) = AuditEvent.objects.filter(tenant=acme.tenant, verb="tenants.address_moved")
    assert event.object_id == str(claimed.pk)
    assert WANTED not in str(vars(event)), "an event outlives the address"


def test_the_account_gets_an_address_that_opens_nothing_before_it_is_proven(acme, globex, claimed):
    move(to="new@acme.example")
    assert User.objects.get(pk=claimed.user_id).email == "new@acme.example"
    for email in (WANTED, "new@acme.example"):
        Client().post("/auth/password/reset/", {"email": email})
    assert not [each for each in mail.outbox if "/auth/password/reset/key/" in each.body]


def test_a_further_address_is_freed_and_the_main_one_stays(acme, globex):
    EmailAddress.objects.create(user=acme.csm.user, email=WANTED, verified=True)
    move()
    assert User.objects.get(pk=acme.csm.user_id).email == "csm@acme.example"
    assert not EmailAddress.objects.filter(email=WANTED).exists()


@pytest.mark.parametrize("to", ["csm@globex.example", "no address", "Waits-1@Waits.Invalid"])
def test_bad_wishes_are_refused_and_change_nothing(acme, globex, claimed, to):
    with pytest.raises(CommandError):
        move(to=to)
    assert User.objects.get(pk=claimed.user_id).email == WANTED


def test_the_address_of_a_stand_in_is_not_moved(acme, globex):
    """It is worked out from the one it waits for: with another, nobody would find the place again."""
    place = User.objects.create_user(email=addresses.stand_in(acme.tenant, "csm@globex.example"))
    with pytest.raises(CommandError, match="keeps a place"):
        call_command("move_address", "--email", place.email, "--to", "other@acme.example")
    assert User.objects.filter(pk=place.pk, email=place.email).exists()


def test_a_free_address_is_called_free(acme):
    with pytest.raises(CommandError, match="it is free"):
        move()
