"""The provider is not told which addresses the installation knows: each call twice, for a new one and a known one."""

import hashlib
import re

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.page_panels import share_context
from approvals.queries import approvers
from audit.models import AuditEvent
from signin import company
from tenants import addresses, invitations, services
from tenants.exceptions import Refused
from tenants.forms import NewPersonForm
from tenants.models import Membership, Organisation, User
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
        mine, created = services.ensure_member(
            acme.tenant, email=KNOWN, role="manager", by=MAKER, may_take_place=True
        )
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


# --- a stand-in's own address ------------------------------------------------------------------------


def asked_for(scim, email):
    return scim("GET", f'Users?filter=userName eq "{email}"'.replace(" ", "%20")).json()["totalResults"]


def kept(scim, **more):
    """The membership that waits for KNOWN."""
    made = scim("POST", "Users", {"userName": KNOWN, **more}).json()
    return Membership.objects.select_related("user").get(pk=made["id"])


def test_nobody_computes_or_finds_the_address_of_a_stand_in(acme, globex, scim):
    place = kept(scim)
    plain = hashlib.sha256(f"{acme.tenant.pk}:{KNOWN}".encode()).hexdigest()[:32]
    assert asked_for(scim, f"waits-{plain}@waits.invalid") == 0
    assert place.user.email != f"waits-{plain}@waits.invalid"
    assert asked_for(scim, place.user.email) == 0
    assert asked_for(scim, KNOWN) == 1


def test_nobody_is_named_by_such_an_address(acme, scim, user):
    theirs = "Waits-1@Waits.Invalid"
    answer = scim("POST", "Users", {"userName": theirs})
    assert (answer.status_code, "must be an e-mail address" in answer.text) == (400, True)
    assert scim("PATCH", f"Users/{user()['id']}", patch(userName=theirs)).status_code == 400
    with acme.here():
        form = NewPersonForm(acme.tenant, {"email": theirs, "role": "csm"})
        assert form.errors == {"email": ["Enter a valid email address."]}
    with pytest.raises(CommandError, match="is not an e-mail address"):
        call_command("create_member", tenant="acme", email=theirs, role="csm")
    with pytest.raises(company.Refusal, match="no usable e-mail address"):
        company._email({"email": theirs, "email_verified": True})
    assert not User.objects.filter(email__iendswith="@waits.invalid").exists()


def test_no_mail_goes_to_a_stand_in(globex, scim):
    place = kept(scim)
    Client().post("/auth/password/reset/", {"email": place.user.email})
    assert [to for each in mail.outbox for to in each.to if "waits" in to] == []
    assert not addresses.is_proven(place.user, place.user.email)


def test_refusals_and_the_record_name_the_awaited_address(acme, globex, scim):
    place = kept(scim)
    scim("PATCH", f"Users/{place.pk}", patch(externalId="e-1", active=False))
    Membership.objects.filter(pk=place.pk).update(role="ops_admin", is_active=True)
    refused = scim("PATCH", f"Users/{place.pk}", patch(userName="other@acme.example"))
    assert (refused.status_code, KNOWN in refused.text, "waits-" in refused.text) == (403, True, False)
    with acme.here():
        labels = AuditEvent.objects.filter(tenant=acme.tenant, object_id=str(place.pk))
        said = set(labels.filter(object_type="tenants.membership").values_list("object_label", flat=True))
    assert said == {KNOWN}


# --- it is nobody who could act ----------------------------------------------------------------------


def with_role(place, role):
    Membership.objects.filter(pk=place.pk).update(role=role)


def test_a_stand_in_is_no_other_admin(acme, globex, scim):
    with_role(kept(scim), "ops_admin")
    with acme.here(), pytest.raises(Refused, match="only operations admin"):
        services.change_member(
            acme.tenant, membership_id=acme.ops_admin.pk, role="csm", team_id=None, is_active=True, scope={}, by=MAKER
        )  # fmt: skip


def test_a_stand_in_is_no_approver(acme, globex, scim):
    place = kept(scim)
    with_role(place, "manager")
    with acme.here():
        assert place.pk not in [each.pk for each in approvers(acme.tenant)]


def test_an_account_is_not_shared_with_a_stand_in(acme, globex, scim):
    place, account = kept(scim), acme.add_account()
    with acme.here():
        form = share_context(acme.tenant, acme.ops_admin, account)["share_form"]
    offered = dict(form.fields["member"].choices)
    assert (str(place.pk) in offered, str(acme.csm2.pk) in offered) == (False, True)


# --- who gives the place -----------------------------------------------------------------------------


@pytest.mark.parametrize("is_ended", [False, True])
def test_only_the_operator_gives_a_kept_place(acme, globex, scim, is_ended):
    place = kept(scim)
    if is_ended:
        scim("PATCH", f"Users/{place.pk}", patch(active=False))
    # globex became the same organisation's: People and groups could add the person but for the kept place
    globex.tenant.organisation = Organisation.objects.get(pk=acme.tenant.organisation_id)
    globex.tenant.save(update_fields=["organisation"])
    with acme.here():
        with pytest.raises(Refused, match="whoever runs this installation"):
            services.let_in_by_group(acme.tenant, email=KNOWN, name="", role="csm", team="", by=MAKER)
        with pytest.raises(Refused, match="whoever runs this installation"):
            services.add_person(
                acme.tenant, email=KNOWN.upper(), name="", role="csm", team=None, scope={}, by=MAKER
            )
    assert Membership.objects.get(pk=place.pk).user == place.user
    call_command("create_member", tenant="acme", email=KNOWN, role="csm")
    assert Membership.objects.get(pk=place.pk).user == globex.csm.user
    assert not User.objects.get(pk=place.user_id).is_active


def test_a_place_is_kept_anew_for_the_next_who_has_the_address(acme, globex, scim):
    """The first one's stand-in was put away with its place; it must not stand in the way of the next one's."""
    first = kept(scim)
    call_command("create_member", tenant="acme", email=KNOWN, role="csm")
    call_command("move_address", "--email", KNOWN, "--to", "elsewhere@globex.example")
    User.objects.create_user(KNOWN, "correct-horse-7")
    second = kept(scim)
    assert (second.awaits, second.is_active, second.user.is_active) == (KNOWN, True, True)
    assert second.user_id != first.user_id
    old = User.objects.get(pk=first.user_id)
    assert not old.is_active
    assert addresses.is_stand_in(old), "still nobody's"
    assert old.email != addresses.stand_in(acme.tenant, KNOWN)


def test_an_account_that_somebody_used_stays_open(acme, globex, scim, user):
    """A provider's own person, signed in once, then given an address that is somebody's elsewhere."""
    made = user()
    User.objects.filter(email="ada@acme.example").update(last_login=acme.tenant.created_at)
    scim("PATCH", f"Users/{made['id']}", patch(userName=KNOWN))
    ada = Membership.objects.get(pk=made["id"]).user
    call_command("create_member", tenant="acme", email=KNOWN, role="csm")
    assert Membership.objects.get(pk=made["id"]).user == globex.csm.user
    assert User.objects.get(pk=ada.pk).is_active
