"""Start, workspaces, invitations and the people of a workspace."""

import re

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenants import invitations, queries, services
from tenants.access import Actor
from tenants.models import Membership, User
from tests.worlds import MAKER, PASSWORD, World

pytestmark = pytest.mark.django_db
LINK = re.compile(r"http://127\.0\.0\.1:\d+(/auth/invitation/[^\"\s]+/)")


def signed_in(membership):
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def admin(acme):
    return signed_in(acme.ops_admin)


def last_event(world, verb):
    with world.here():
        return AuditEvent.objects.filter(tenant=world.tenant, verb=verb).order_by("-id").first()


def fresh(world, role):
    return queries.member(world.tenant, membership_id=world.people[role].pk)


# --- start and workspaces -----------------------------------------------------------------------


def test_bare_addresses_lead_to_the_last_workspace_with_their_query(acme, globex):
    client = signed_in(acme.csm)
    assert client.get("/").headers["Location"] == "/t/acme/queue/"
    assert client.get("/accounts/7/?tab=health").headers["Location"] == "/t/acme/accounts/7/?tab=health"
    with globex.here():
        services.ensure_member(globex.tenant, email="csm@acme.example", role="csm", by=MAKER)
    assert client.get("/queue/").headers["Location"] == "/workspaces/"
    assert client.post("/workspaces/", {"slug": "globex"}).headers["Location"] == "/t/globex/queue/"
    assert client.get("/queue/").headers["Location"] == "/t/globex/queue/"
    client.get("/t/acme/")
    assert client.get("/accounts/").headers["Location"] == "/t/acme/accounts/"


def test_nobody_is_sent_to_a_workspace_that_is_not_theirs(acme, globex):
    client = signed_in(acme.csm)
    assert client.post("/workspaces/", {"slug": "globex"}).status_code == 404
    User.objects.filter(pk=acme.csm.user_id).update(last_tenant=globex.tenant)
    assert client.get("/").headers["Location"] == "/t/acme/queue/"


@pytest.mark.parametrize("rest", ["/evil.example/", "%2Fevil.example", "..%2f..%2f", "//evil.example"])
def test_the_redirect_stays_on_this_site(acme, rest):
    answer = signed_in(acme.csm).get(f"/accounts/{rest}")
    assert answer.status_code in {302, 404}
    assert answer.headers.get("Location", "/t/acme/").startswith("/t/acme/")


def test_somebody_in_no_workspace_is_told_so_and_can_sign_out(db):
    client = Client()
    client.force_login(User.objects.create_user("alone@example.com", PASSWORD))
    page = client.get("/", follow=True)
    assert page.status_code == 200
    assert "You are in no workspace" in page.text
    assert "/auth/logout/" in page.text


# --- people -------------------------------------------------------------------------------------


def test_the_list_shows_everybody_of_this_workspace_and_nobody_else(acme, globex, admin):
    page = admin.get("/t/acme/settings/people/").text
    for each in acme.people.values():
        assert each.user.email in page
    assert "globex" not in page


def test_the_list_costs_the_same_for_ten_people_or_thirty(acme, admin, query_count):
    few = query_count(lambda: admin.get("/t/acme/settings/people/"))
    with acme.here():
        for number in range(20):
            services.ensure_member(acme.tenant, email=f"p{number}@acme.example", role="csm", by=MAKER)
    assert query_count(lambda: admin.get("/t/acme/settings/people/")) == few <= 12


def test_somebody_new_is_added_and_invited_with_a_link_shown_once(acme, admin):
    form = {"email": "New@Acme.example", "name": "Nia New", "role": "csm", "regions": "EMEA, APAC"}
    answer = admin.post("/t/acme/settings/people/new/", form, follow=True)
    assert answer.redirect_chain[-1][1] == 303
    path = LINK.search(answer.text).group(1)
    membership = queries.people(acme.tenant).get(user__email="new@acme.example")
    assert membership.regions == ["EMEA", "APAC"]
    assert not LINK.search(admin.get(answer.redirect_chain[-1][0]).text), "a second look shows no link"
    assert Client().post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert Client().login(email="new@acme.example", password=PASSWORD)
    assert last_event(acme, "tenants.invitation_accepted").object_label == "Nia New"
    again = admin.post(f"/t/acme/settings/people/{membership.pk}/invitation/", follow=True)
    assert "needs no invitation" in again.text
    assert not LINK.search(again.text)


def test_a_forged_or_old_or_borrowed_link_opens_nothing(acme, globex):
    with acme.here():
        waiting, _ = services.ensure_member(acme.tenant, email="w@acme.example", role="csm", by=MAKER)
    token = invitations.token_for(waiting.user, acme.tenant)
    address = reverse("tenants:invitation", args=[token])
    assert Client().get(address).status_code == 200
    for bad in (
        token[:-2],
        token + "x",
        "nonsense",
        "a" * 4000,
        invitations.token_for(acme.csm.user, acme.tenant),
    ):
        assert Client().get(reverse("tenants:invitation", args=[bad])).status_code == 410
    with acme.here():
        services.change_member(
            acme.tenant,
            membership_id=waiting.pk,
            role="csm",
            team_id=None,
            is_active=False,
            scope={},
            by=MAKER,
        )
    assert Client().get(address).status_code == 410, "a membership that ended"


def test_an_expired_link_opens_nothing(acme, monkeypatch):
    with acme.here():
        waiting, _ = services.ensure_member(acme.tenant, email="w@acme.example", role="csm", by=MAKER)
    token = invitations.token_for(waiting.user, acme.tenant)
    monkeypatch.setattr(invitations, "GOOD_FOR_DAYS", -1)
    assert Client().get(reverse("tenants:invitation", args=[token])).status_code == 410


def test_an_admin_cannot_claim_an_address_and_follow_it_into_another_organisation(acme, globex, admin):
    """Claim first, wait for the other organisation to let the address in, then set its password."""
    with acme.here():
        claimed, _ = services.ensure_member(acme.tenant, email="bob@globex.example", role="csm", by=MAKER)
    token = invitations.token_for(claimed.user, acme.tenant)
    there = signed_in(globex.ops_admin).post(
        "/t/globex/settings/people/new/", {"email": "bob@globex.example", "role": "executive"}
    )
    assert there.status_code == 422
    assert "cannot be added here" in there.text
    with globex.here():  # the operator may
        services.ensure_member(globex.tenant, email="bob@globex.example", role="executive", by=MAKER)
    assert Client().get(reverse("tenants:invitation", args=[token])).status_code == 410
    again = admin.post(f"/t/acme/settings/people/{claimed.pk}/invitation/", follow=True)
    assert not LINK.search(again.text)


def people_page(world, name="new/"):
    return f"/t/{world.tenant.slug}/settings/people/{name}"


def asks_for_a_link(client, world, email):
    """The page after an admin added the address and pressed for a link, and whether it shows one."""
    added = client.post(people_page(world), {"email": email, "role": "csm"}, follow=True)
    waiting = queries.people(world.tenant).get(user__email=email)
    page = people_page(world, f"{waiting.pk}/")
    again = client.post(f"{page}invitation/", follow=True)
    return bool(LINK.search(added.text) or LINK.search(again.text) or LINK.search(client.get(page).text))


@pytest.fixture
def box(acme):
    """The same organisation's sandbox with an admin of its own."""
    tenant, _ = services.create_tenant(
        organization="Acme", slug="acmebox", environment="sandbox", currency="USD", time_zone="UTC", by=MAKER
    )
    world = World(tenant)
    with world.here():
        world.people["ops_admin"], _ = services.ensure_member(
            tenant, email="contractor@acme.example", role="ops_admin", by=MAKER, password=PASSWORD
        )
    return world


def test_a_sandboxs_admin_gets_no_link_for_somebody_who_waits_in_production(acme, box, admin):
    """Added to the sandbox too, a new admin of production must not get a password of the sandbox's choosing."""
    added = admin.post(people_page(acme), {"email": "next@acme.example", "role": "ops_admin"}, follow=True)
    first = LINK.search(added.text).group(1)
    assert not asks_for_a_link(signed_in(box.ops_admin), box, "next@acme.example")
    assert Client().get(first).status_code == 410, "the earlier link would open the sandbox as well"
    user = User.objects.get(email="next@acme.example")
    operators = invitations.link_for(user, acme.tenant)
    assert Client().get(LINK.search(operators).group(1)).status_code == 200
    waiting = queries.membership_of_user(box.tenant, user)
    with box.here():
        services.end_membership(box.tenant, membership_id=waiting.pk, by=MAKER)
    assert Client().get(first).status_code == 200, "and is theirs again once they are in production alone"


@pytest.mark.parametrize("way", ["signed in", "linked"])
def test_no_link_sets_the_password_of_somebody_who_comes_in_another_way(acme, admin, way):
    """Single sign-on alone: without a password, in use every day."""
    added = admin.post(people_page(acme), {"email": "daily@acme.example", "role": "csm"}, follow=True)
    first = LINK.search(added.text).group(1)
    user = User.objects.get(email="daily@acme.example")
    if way == "signed in":
        Client().force_login(user)
    else:
        SocialAccount.objects.create(user=user, provider="company", uid="d-1")
    assert Client().get(first).status_code == 410
    assert Client().post(first, {"password": PASSWORD, "again": PASSWORD}).status_code == 410
    page = people_page(acme, f"{queries.membership_of_user(acme.tenant, user).pk}/")
    again = admin.post(f"{page}invitation/", follow=True)
    assert "needs no invitation" in again.text
    assert not LINK.search(again.text)


def test_one_tenants_admin_renames_nobody_of_another(acme, globex):
    with globex.here():
        services.ensure_member(globex.tenant, email="csm@acme.example", role="csm", by=MAKER, name="Renamed")
    assert User.objects.get(email="csm@acme.example").name == "csm acme"


def test_role_team_and_scope_are_changed_and_on_record(acme, admin):
    with acme.here():
        north = services.create_team(acme.tenant, name="North", by=MAKER)
    url = f"/t/acme/settings/people/{acme.csm.pk}/"
    form = {"role": "manager", "team": north.pk, "is_active": "on", "products": "P-1", "segments": "smb"}
    assert admin.post(url, form).status_code == 303
    changed = fresh(acme, "csm")
    assert (changed.role, changed.team_id, changed.products) == ("manager", north.pk, ["P-1"])
    assert changed.user.groups.get() == north.managers
    event = last_event(acme, "tenants.member_changed")
    assert event.diff["before"]["role"] == "csm"
    assert event.diff["after"]["role"] == "manager"
    assert "segments" in event.diff["after"]


def test_an_ended_membership_closes_every_door_at_once(acme, admin):
    csm = signed_in(acme.csm)
    assert csm.get("/t/acme/").status_code == 302
    assert admin.post(f"/t/acme/settings/people/{acme.csm.pk}/", {"role": "csm"}).status_code == 303
    assert csm.get("/t/acme/").headers["Location"].startswith("/auth/login/"), "the session ended too"
    assert signed_in(acme.csm).get("/t/acme/").status_code == 404
    assert fresh(acme, "csm").user.groups.count() == 0


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"role": "boss", "is_active": "on"}, "not one of the available choices"),
        ({"role": "csm", "is_active": "on", "segments": "huge"}, "Not a segment"),
        ({"role": "csm", "is_active": "on", "team": "999999"}, "not one of the available choices"),
        ({"role": "csm", "is_active": "on", "regions": "EM\x01EA"}, "plain text"),
        ({"role": "csm", "is_active": "on", "regions": "x" * 1001}, "at most 1000 characters"),
    ],
)
def test_a_bad_form_comes_back_with_the_reason(acme, admin, form, words):
    answer = admin.post(f"/t/acme/settings/people/{acme.csm.pk}/", form)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_foreign_team_is_no_choice(acme, globex, admin):
    with globex.here():
        theirs = services.create_team(globex.tenant, name="Theirs", by=MAKER)
    page = admin.get(f"/t/acme/settings/people/{acme.csm.pk}/")
    assert "Theirs" not in page.text
    form = {"role": "csm", "is_active": "on", "team": theirs.pk}
    assert admin.post(f"/t/acme/settings/people/{acme.csm.pk}/", form).status_code == 422


def test_nobody_changes_the_own_role_and_one_admin_stays(acme, admin):
    own = f"/t/acme/settings/people/{acme.ops_admin.pk}/"
    answer = admin.post(own, {"role": "csm", "is_active": "on"})
    assert answer.status_code == 422
    assert "your own role" in answer.text
    assert admin.post(own, {"role": "ops_admin"}).status_code == 422
    assert fresh(acme, "ops_admin").is_active
    with acme.here():
        second, _ = services.ensure_member(
            acme.tenant, email="second@acme.example", role="ops_admin", by=MAKER
        )
    Membership.objects.filter(pk=acme.ops_admin.pk).update(is_active=False)
    with acme.here(), pytest.raises(services.Refused, match="only operations admin"):
        services.change_member(
            acme.tenant, membership_id=second.pk, role="csm", team_id=None, is_active=True, scope={}, by=MAKER
        )


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"role": "csm", "scope": {"regions": ["north"]}},
        {"scope": {"regions": ["north"]}},
    ],
    ids=str,
)
def test_one_admin_who_sees_everything_stays(acme, change):
    """A narrowed one could never widen anybody again."""
    with acme.here():
        narrow, _ = services.ensure_member(acme.tenant, email="n@acme.example", role="ops_admin", by=MAKER)
        Membership.objects.filter(pk=narrow.pk).update(regions=["north"])
        narrow.refresh_from_db()
        how = {
            "membership_id": acme.ops_admin.pk,
            "role": "ops_admin",
            "team_id": None,
            "is_active": True,
        } | {
            "scope": {},
            "by": Actor.person(narrow),
            **change,
        }
        with pytest.raises(services.Refused, match="who sees everything: name another"):
            services.change_member(acme.tenant, **how)
        third, _ = services.ensure_member(acme.tenant, email="t@acme.example", role="ops_admin", by=MAKER)
        services.change_member(acme.tenant, **how)
    row = fresh(acme, "ops_admin")
    assert (row.role, row.is_active, row.regions) != ("ops_admin", True, [])
    assert (third.role, third.is_active) == ("ops_admin", True)


def test_names_are_escaped(acme, admin):
    with acme.here():
        services.ensure_member(
            acme.tenant, email="x@acme.example", role="csm", by=MAKER, name="<script>alert(1)</script>"
        )
    page = admin.get("/t/acme/settings/people/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_denied_page_is_on_record(acme):
    signed_in(acme.csm).get("/t/acme/settings/people/")
    event = last_event(acme, "tenants.access_denied")
    assert (event.actor_id, event.object_label) == (str(acme.csm.user_id), "/t/acme/settings/people/")
