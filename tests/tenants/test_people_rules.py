"""What a person may change of somebody's membership: nothing unseen, nothing of the own rights, nothing beyond them."""

import re
import threading

import pytest
from django.db import connections, transaction
from django.test import Client

from scim.models import ScimGroup
from tenants import services
from tenants.access import SCOPE, Actor
from tenants.exceptions import Refused
from tenants.models import Membership, Tenant
from tenants.scoping import tenant_transaction
from tests.worlds import MAKER, make_world

SEEN = re.compile(r'name="seen" value="(\w{64})"')


def signed_in(membership):
    client = Client()
    client.force_login(membership.user)
    return client


def page_of(membership):
    return f"/t/acme/settings/people/{membership.pk}/"


def narrowed(membership, **scope):
    Membership.objects.filter(pk=membership.pk).update(**scope)
    membership.refresh_from_db()
    return membership


def wanted(**changes):
    return {
        "role": "csm",
        "team_id": None,
        "is_active": True,
        "scope": {name: [] for name in SCOPE},
    } | changes


@pytest.mark.django_db
def test_a_page_that_is_out_of_date_gives_no_rights_back(acme):
    """One admin ends and narrows a membership; another one saves the page that they had open before."""
    one = signed_in(acme.ops_admin)
    with acme.here():
        second, _ = services.ensure_member(acme.tenant, email="two@acme.example", role="ops_admin", by=MAKER)
    two = signed_in(second)
    form = {"role": "csm", "team": acme.csm.team_id, "is_active": "on"}
    stale = SEEN.search(two.get(page_of(acme.csm)).text)[1]
    fresh = SEEN.search(one.get(page_of(acme.csm)).text)[1]
    ended = {**form, "is_active": "", "regions": "north", "seen": fresh}
    assert one.post(page_of(acme.csm), ended).status_code == 303
    for _ in "press", "again":
        late = two.post(page_of(acme.csm), {**form, "seen": stale})
        assert (late.status_code, "Somebody changed this meanwhile" in late.text) == (422, True)
        assert SEEN.search(late.text)[1] == stale, "a second press must not count as having seen it"
    acme.csm.refresh_from_db()
    assert (acme.csm.is_active, acme.csm.regions) == (False, ["north"])
    again = SEEN.search(two.get(page_of(acme.csm)).text)[1]
    assert two.post(page_of(acme.csm), {**form, "seen": again}).status_code == 303
    acme.csm.refresh_from_db()
    assert acme.csm.is_active


@pytest.mark.django_db
@pytest.mark.parametrize("scope", [{}, {"regions": "north, south"}, {"regions": "north", "segments": "smb"}])
def test_nobody_changes_the_own_scope(acme, scope):
    me = narrowed(acme.ops_admin, regions=["north"])
    form = {"role": "ops_admin", "team": me.team_id, "is_active": "on"}
    answer = signed_in(me).post(page_of(me), form | scope)
    assert (answer.status_code, "your own role or scope" in answer.text) == (422, True)
    me.refresh_from_db()
    assert (me.regions, me.segments) == (["north"], [])
    assert signed_in(me).post(page_of(me), {**form, "regions": "north"}).status_code == 303


@pytest.mark.django_db
def test_somebody_narrowed_gives_nobody_a_wider_scope(acme):
    """Else the own scope would be lifted by way of another person, whose link the admin is shown."""
    me = signed_in(narrowed(acme.ops_admin, regions=["north", "east"]))
    new = {"email": "wide@acme.example", "role": "ops_admin"}
    for scope in ({}, {"regions": "south"}, {"regions": "north, south"}, {"segments": "smb"}):
        answer = me.post("/t/acme/settings/people/new/", new | scope)
        assert (answer.status_code, "You see only some regions yourself" in answer.text) == (422, True), scope
    assert me.post("/t/acme/settings/people/new/", {**new, "regions": "east"}).status_code == 303
    form = {"role": "csm", "team": acme.csm2.team_id, "is_active": "on"}
    assert me.post(page_of(acme.csm2), {**form, "role": "ops_admin"}).status_code == 422, (
        "a role, in all regions"
    )
    assert me.post(page_of(acme.csm2), {**form, "regions": "north"}).status_code == 303
    assert me.post(page_of(acme.csm2), form).status_code == 422, "and not back"
    assert me.post(page_of(acme.csm), {**form, "is_active": ""}).status_code == 303, (
        "to put out gives nothing"
    )
    with acme.here():
        waits, _ = services.ensure_member(acme.tenant, email="w@acme.example", role="csm", by=MAKER)
    told = me.post(f"{page_of(waits)}invitation/", follow=True)
    assert "You see only some regions yourself" in told.text
    assert "/auth/invitation/" not in told.text


def demote(world, who, by):
    with tenant_transaction(world.tenant.pk):
        tenant = Tenant.objects.get(pk=world.tenant.pk)
        services.change_member(tenant, membership_id=who.pk, by=Actor.person(by), **wanted())


def test_two_admins_cannot_take_each_others_role_at_once(committed_db):
    with transaction.atomic():
        acme = make_world("acme")
    one, two = acme.ops_admin, acme.csm
    Membership.objects.filter(pk=two.pk).update(role="ops_admin")
    two.refresh_from_db()
    refused, reached = [], threading.Event()

    def other():
        reached.set()
        try:
            demote(acme, one, two)
        except Refused as refusal:
            refused.append(str(refusal))
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        demote(acme, two, one)
        thread.start()
        reached.wait(20)
        thread.join(1)  # it waits for the lock until this transaction ends; without the lock it would be done
        assert not refused
    thread.join(30)
    assert refused == ["You are no operations admin here any more: somebody changed that meanwhile."]
    left = Membership.objects.filter(tenant=acme.tenant, role="ops_admin", is_active=True)
    assert [each.pk for each in left] == [one.pk]


@pytest.mark.django_db
def test_somebody_narrowed_opens_no_other_way_out_of_the_scope(acme):
    """Tokens that make people, endpoints that get everybody's data, groups that give roles."""
    with acme.here():
        group = ScimGroup.objects.create(tenant=acme.tenant, display_name="Everybody")
    places = [acme.url(f"{rest}new/") for rest in ("services/", "endpoints/")]
    change = f"/admin/scim/scimgroup/{group.pk}/change/"
    wide = signed_in(acme.ops_admin)
    assert [wide.get(place).status_code for place in places] == [200, 200]
    assert 'name="role"' in wide.get(change, follow=True).text
    narrow = signed_in(narrowed(acme.ops_admin, regions=["north"]))
    for place in places:
        for answer in (narrow.get(place), narrow.post(place, {"name": "x"})):
            assert (answer.status_code, "you see a part of it" in answer.text) == (403, True), place
    page = narrow.get(change, follow=True)
    assert (page.status_code, 'name="role"' in page.text) == (200, False), "to look at"
    assert narrow.post(change, {"role": "executive", "team": ""}).status_code == 403
    assert (
        narrow.post("/admin/signin/grouprole/add/", {"group": "all", "role": "executive"}).status_code == 403
    )
    with acme.here():
        group.refresh_from_db()
    assert group.role == ""
