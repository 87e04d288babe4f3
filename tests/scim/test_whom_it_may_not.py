"""What the provider's token may not do: reach an account that is more than it could give, or bring somebody back."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.test import Client

from scim.models import ScimGroup, ScimGroupMember, ScimUser
from tenants import services
from tenants.models import Membership, User
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db


def patch(**value):
    return {"Operations": [{"op": "replace", "value": value}]}


def change(scim, person, **value):
    return scim("PATCH", f"Users/{getattr(person, 'pk', person)}", patch(**value))


def ended_by_admin(acme, membership):
    with acme.here():
        services.change_member(
            acme.tenant, membership_id=membership.pk, role=membership.role, team_id=membership.team_id,
            is_active=False, scope={}, by=acme.actor("ops_admin"),
        )  # fmt: skip


@pytest.fixture
def second_admin(acme):
    with acme.here():
        return services.ensure_member(acme.tenant, email="olga@acme.example", role="ops_admin", by=MAKER)[0]


def ask_for_reset(email):
    Client().post("/auth/password/reset/", {"email": email})
    return [each for each in mail.outbox if re.search(r"/auth/password/reset/key/", each.body)]


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["ops_admin", "finance", "csm"])
def test_the_address_of_somebody_with_a_password_stays(acme, scim, role):
    member = acme.people[role]
    EmailAddress.objects.create(user=member.user, email=member.user.email, primary=True, verified=True)
    answer = change(scim, member, userName="attacker@evil.example")
    assert answer.status_code == 403
    assert "their address themselves" in answer.json()["detail"]
    assert User.objects.get(pk=member.user_id).email == f"{role}@acme.example"
    assert ask_for_reset("attacker@evil.example") == []


@pytest.mark.parametrize("is_active", [True, False])
def test_the_address_of_an_operations_admin_stays_also_without_a_password(
    acme, scim, second_admin, is_active
):
    Membership.objects.filter(pk=second_admin.pk).update(is_active=is_active)
    assert change(scim, second_admin, userName="attacker@evil.example").status_code == 403
    put = scim("PUT", f"Users/{second_admin.pk}", {"userName": "attacker@evil.example"})
    assert put.status_code == 403
    assert User.objects.get(pk=second_admin.user_id).email == "olga@acme.example"


def test_a_new_address_opens_nothing_before_it_is_proven(acme, scim, user):
    made = user()
    person = User.objects.get(email="ada@acme.example")
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    browser = Client()
    browser.force_login(person)
    assert browser.get(acme.url("accounts/")).status_code == 200
    assert change(scim, made["id"], userName="ada.l@acme.example").json()["userName"] == "ada.l@acme.example"
    assert browser.get(acme.url("accounts/")).status_code == 302, "the session of before has ended"
    kept = [(each.email, each.primary, each.verified) for each in EmailAddress.objects.filter(user=person)]
    assert kept == [("ada.l@acme.example", True, False)]
    for email in ("ada@acme.example", "ada.l@acme.example"):
        assert ask_for_reset(email) == []
    EmailAddress.objects.filter(user=person).update(verified=True)
    assert len(ask_for_reset("ada.l@acme.example")) == 1


def test_the_person_proves_a_new_address_by_its_mail(acme, scim, user):
    made = user()
    change(scim, made["id"], userName="ada.l@acme.example")
    person = User.objects.get(email="ada.l@acme.example")
    browser = Client()
    browser.force_login(person)
    browser.post("/auth/email/", {"action_send": "", "email": "ada.l@acme.example"})
    link = re.search(r"/auth/confirm-email/[^\s]+", mail.outbox[-1].body)[0]
    assert mail.outbox[-1].to == ["ada.l@acme.example"]
    browser.post(link)
    assert len(ask_for_reset("ada.l@acme.example")) == 1


def test_nobody_is_given_a_further_address_of_somebody_else(acme, scim, user):
    made = user()
    EmailAddress.objects.create(user=acme.csm.user, email="second@acme.example", verified=True)
    assert change(scim, made["id"], userName="second@acme.example").status_code == 409


# --- coming back ---------------------------------------------------------------------------------


def test_whom_an_admin_ended_does_not_come_back(acme, scim):
    ended_by_admin(acme, acme.csm)
    change(scim, acme.csm, active=False)  # the provider says so too, which changes nothing
    answer = change(scim, acme.csm, active=True)
    assert answer.status_code == 403
    assert "An operations admin can open it again" in answer.json()["detail"]
    assert not Membership.objects.get(pk=acme.csm.pk).is_active


def test_nor_by_being_deleted_and_made_again(acme, scim):
    ended_by_admin(acme, acme.csm)
    assert scim("DELETE", f"Users/{acme.csm.pk}").status_code == 204
    assert scim("POST", "Users", {"userName": "csm@acme.example"}).status_code == 403
    assert not Membership.objects.get(pk=acme.csm.pk).is_active


def test_an_operations_admin_whom_the_provider_ended_comes_back_with_the_least(acme, scim, second_admin):
    change(scim, second_admin, active=False)
    assert change(scim, second_admin, active=True).json()["active"] is True
    assert Membership.objects.get(pk=second_admin.pk).role == "account_executive"


def test_unless_a_group_that_was_mapped_by_hand_gives_it(acme, scim, second_admin):
    with acme.here():
        group = ScimGroup.objects.create(tenant=acme.tenant, display_name="Admins", role="ops_admin")
        ScimGroupMember.objects.create(tenant=acme.tenant, group=group, membership_id=second_admin.pk)
    change(scim, second_admin, active=False)
    change(scim, second_admin, active=True)
    assert Membership.objects.get(pk=second_admin.pk).role == "ops_admin"


def test_whom_an_admin_let_in_again_keeps_what_the_admin_gave(acme, scim, user):
    made = user()
    scim("DELETE", f"Users/{made['id']}")
    with acme.here():
        services.ensure_member(
            acme.tenant, email="ada@acme.example", role="manager", by=acme.actor("ops_admin")
        )
    assert scim("POST", "Users", {"userName": "ada@acme.example"}).status_code == 201
    assert Membership.objects.get(pk=made["id"]).role == "manager"


# --- forgotten -----------------------------------------------------------------------------------


def test_a_forgotten_person_is_forgotten_here_too(acme, scim, user):
    made = user(externalId="ada@acme.example")
    scim("POST", "Groups", {"displayName": "Everybody", "members": [{"value": made["id"]}]})
    change(scim, made["id"], active=False)
    call_command("forget_member", tenant="acme", email="ada@acme.example")
    assert scim("GET", f"Users/{made['id']}").status_code == 404
    back = {"userName": "ada@acme.example", "displayName": "Ada Byron", "active": True}
    assert change(scim, made["id"], **back).status_code == 404
    assert scim("GET", 'Users?filter=externalId eq "ada@acme.example"').json()["totalResults"] == 0
    with acme.here():
        assert ScimUser.objects.get(membership_id=made["id"]).external_id == ""
        assert not ScimGroupMember.objects.filter(membership_id=made["id"]).exists()
    assert Membership.objects.get(pk=made["id"]).user.name.startswith("Former member")


def test_hired_again_after_that_they_are_somebody_new(acme, scim, user):
    made = user()
    change(scim, made["id"], active=False)
    call_command("forget_member", tenant="acme", email="ada@acme.example")
    assert user()["id"] != made["id"]


def test_somebody_forgotten_before_this_was_kept_stays_so(acme, scim, user):
    made = user(externalId="ada@acme.example")
    change(scim, made["id"], active=False)
    User.objects.filter(email="ada@acme.example").update(
        is_active=False, email="left-1@left.invalid", name="Former member 1"
    )
    for value in ({"active": True}, {"userName": "ada@acme.example"}, {"displayName": "Ada Byron"}):
        change(scim, made["id"], **value)
    person = Membership.objects.get(pk=made["id"])
    assert (person.is_active, person.user.email, person.user.name) == (
        False, "left-1@left.invalid", "Former member 1"
    )  # fmt: skip


def test_an_answer_kept_for_a_repeat_goes_with_the_person(acme, scim):
    sent = {"userName": "once@acme.example"}
    made = scim("POST", "Users", sent, **{"Idempotency-Key": "k-9"}).json()
    change(scim, made["id"], active=False)
    call_command("forget_member", tenant="acme", email="once@acme.example")
    again = scim("POST", "Users", sent, **{"Idempotency-Key": "k-9"})
    assert again.json()["id"] != made["id"]
