"""The provider is not told which addresses the installation knows: each call twice, for a new one and a known one."""

import re

import pytest
from django.core.management import call_command
from django.test import Client

from tenants import invitations, services
from tenants.models import Membership, User
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db

NEW = "nobody@globex.example"  # as long as the other, so that nothing but the address could differ
KNOWN = "csm@globex.example"


def patch(**value):
    return {"Operations": [{"op": "replace", "value": value}]}


def shape(answer, email):
    """All that an answer says, the address, ids, times and versions apart."""
    text = answer.content.decode().replace(email, "ADDRESS")
    text = re.sub(r"\d{4}-\d\d-\d\dT[^\"]+", "TIME", text)
    text = re.sub(r"\d+", "#", re.sub(r'W/\\"\w+\\"', "VERSION", text))
    headers = {name: value for name, value in answer.headers.items() if name in ("Content-Type", "Allow")}
    return answer.status_code, headers, sorted(answer.headers), text


@pytest.fixture(params=["globex.csm", "superuser", "nobody's member"])
def known(request, globex):
    """An address that the installation knows and acme does not."""
    if request.param == "superuser":
        User.objects.create_superuser(KNOWN[1:], "correct-horse-7")
        return KNOWN[1:]
    if request.param == "nobody's member":
        User.objects.create_user(KNOWN[1:], "correct-horse-7")
        return KNOWN[1:]
    return globex.csm.user.email


def life(scim, email):
    """What a provider does with somebody, from the first day to the last; every answer."""
    name = {"givenName": "Ada", "familyName": "Byron"}
    sent = {"userName": email, "name": name, "externalId": "e-1"}
    made = scim("POST", "Users", sent)
    yield made
    user = f"Users/{made.json()['id']}"
    yield scim("POST", "Users", sent)  # twice is refused: here they are known
    yield scim("GET", user)
    yield scim("GET", f'Users?filter=userName eq "{email}"'.replace(" ", "%20"))
    group = scim("POST", "Groups", {"displayName": "Manager", "members": [{"value": made.json()["id"]}]})
    yield group
    yield scim("PATCH", user, patch(displayName="Ada King", externalId="e-2"))
    yield scim("PUT", user, sent)
    yield scim("PATCH", user, patch(active=False))
    yield scim("PATCH", user, patch(active=True))
    yield scim("DELETE", user)
    yield scim("GET", user)
    yield scim("POST", "Users", {"userName": email})
    yield scim("DELETE", user)
    yield scim("DELETE", f"Groups/{group.json()['id']}")


def test_a_known_address_is_answered_like_a_new_one(scim, known):
    new = [shape(answer, NEW) for answer in life(scim, NEW)]
    for step, (one, other) in enumerate(zip(new, life(scim, known), strict=True)):
        assert shape(other, known) == one, step
    assert [status for status, *_ in new] == [
        201,
        409,
        200,
        200,
        201,
        200,
        200,
        200,
        200,
        204,
        404,
        201,
        204,
        204,
    ]


def test_both_cost_as_much(acme, globex, scim, query_count):
    """No stopwatch, which a busy machine would make a liar of: the statements that make the time."""
    scim("GET", "Users")  # the first call of a minute notes its use
    new = query_count(lambda: scim("POST", "Users", {"userName": NEW}))
    known = query_count(lambda: scim("POST", "Users", {"userName": globex.csm.user.email}))
    assert abs(known - new) <= 2, (new, known)


def test_nor_does_a_new_address_of_somebody_tell(scim, user, known):
    first, second = user("one@acme.example"), user("two@acme.example")
    answers = [
        shape(scim("PATCH", f"Users/{made['id']}", patch(userName=email)), email)
        for made, email in ((first, NEW), (second, known))
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    # and back to one that nobody has: an account as any other
    back = scim("PATCH", f"Users/{second['id']}", patch(userName="two@acme.example"))
    assert back.json()["userName"] == "two@acme.example"
    assert Membership.objects.get(pk=second["id"]).user.email == "two@acme.example"


def test_the_person_is_not_touched_and_nobody_gets_in(acme, globex, scim):
    before = User.objects.filter(pk=globex.csm.user_id).values().get()
    made = scim("POST", "Users", {"userName": KNOWN, "displayName": "Taken"}).json()
    scim("PATCH", f"Users/{made['id']}", patch(displayName="Taken too"))
    assert User.objects.filter(pk=globex.csm.user_id).values().get() == before
    assert not Membership.objects.filter(user=globex.csm.user, tenant=acme.tenant).exists()
    person = Client()
    person.force_login(globex.csm.user)
    assert person.get(acme.url("queue/")).status_code == 404
    place = Membership.objects.get(pk=made["id"])
    assert place.awaits == KNOWN
    assert not place.user.has_usable_password()
    assert not invitations.may_be_handed_out(place.user, acme.tenant)
    scim("PATCH", f"Users/{made['id']}", patch(active=False))
    assert Membership.objects.get(pk=globex.csm.pk).is_active


def test_the_operator_gives_the_place_to_the_person(acme, globex, scim):
    made = scim("POST", "Users", {"userName": KNOWN}).json()
    scim("POST", "Groups", {"displayName": "csm", "members": [{"value": made["id"]}]})
    with acme.here():
        mine, created = services.ensure_member(acme.tenant, email=KNOWN, role="manager", by=MAKER)
    assert (str(mine.pk), created, mine.role) == (made["id"], False, "manager")
    person = Client()
    person.force_login(globex.csm.user)
    assert person.get(acme.url("queue/")).status_code == 200
    assert scim("GET", f"Users/{made['id']}").json()["userName"] == KNOWN
    # a leaver like any other from now on: out at the next click, and in this workspace alone
    scim("PATCH", f"Users/{made['id']}", patch(active=False))
    assert person.get(acme.url("queue/")).status_code in (302, 404)
    assert Membership.objects.get(pk=globex.csm.pk).is_active


def test_pages_show_the_address_and_no_stand_in(client, acme, globex, scim):
    made = scim("POST", "Users", {"userName": KNOWN}).json()
    client.force_login(acme.ops_admin.user)
    for place in ("settings/people/", f"settings/people/{made['id']}/"):
        text = client.get(acme.url(place)).text
        assert KNOWN in text, place
        assert "waits" not in text, place


def test_a_kept_place_is_forgotten_too(acme, globex, scim):
    made = scim("POST", "Users", {"userName": KNOWN, "displayName": "Ada Byron"}).json()
    scim("PATCH", f"Users/{made['id']}", patch(active=False))
    call_command("forget_member", tenant="acme", email=KNOWN)
    place = Membership.objects.get(pk=made["id"])
    assert (place.awaits, place.user.name) == ("", f"Former member {place.user_id}")
    assert User.objects.get(pk=globex.csm.user_id).email == KNOWN
