"""People by SCIM: made, found, changed and ended, in this tenant alone."""

import pytest
from django.test import Client

from audit.models import AuditEvent
from tenants import services
from tenants.models import Membership, User
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def patch(*operations):
    return {"schemas": [PATCH], "Operations": list(operations)}


def test_somebody_is_let_in_with_the_least_role_and_no_password(acme, scim):
    answer = scim("POST", "Users", {"userName": "Ada@Acme.example", "externalId": "e-1", "title": "Countess",
                                    "name": {"givenName": "Ada", "familyName": "Byron"}})  # fmt: skip
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert answer.headers["Content-Type"].startswith("application/scim+json")
    assert answer.headers["Location"].endswith(acme.url(f"scim/v2/Users/{body['id']}"))
    assert answer.headers["Location"].startswith("http")
    assert answer.headers["ETag"] == body["meta"]["version"]
    assert (body["userName"], body["externalId"], body["active"]) == ("ada@acme.example", "e-1", True)
    assert body["name"] == {"formatted": "Ada Byron", "givenName": "Ada", "familyName": "Byron"}
    membership = Membership.objects.get(pk=body["id"])
    assert (membership.tenant_id, membership.role) == (acme.tenant.pk, "account_executive")
    assert not membership.user.has_usable_password()
    with acme.here():
        event = AuditEvent.objects.filter(verb="tenants.member_created", tenant=acme.tenant).latest("id")
    assert event.actor_kind == "service"


def test_the_same_address_twice_is_refused(scim, user):
    made = user()
    answer = scim("POST", "Users", {"userName": "ADA@acme.example"})
    assert answer.status_code == 409
    assert answer.json()["scimType"] == "uniqueness"
    assert made["id"] in answer.json()["detail"]


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ADA@acme.example"',
        'username EQ "ada@acme.example"',
        'emails[type eq "work"].value eq "ada@acme.example"',
        'externalId eq "e-9"',
    ],
)
def test_people_are_found_as_providers_ask(scim, user, text):
    made = user(externalId="e-9")
    body = scim("GET", f"Users?filter={text.replace(' ', '%20')}").json()
    assert (body["totalResults"], [each["id"] for each in body["Resources"]]) == (1, [made["id"]])


@pytest.mark.parametrize("text", ['userName sw "a"', 'userName eq "a" or active eq true', "userName", 'password eq "x"',
                                  'userName eq "a', "a" * 2000, 'user__password eq "x"'])  # fmt: skip
def test_other_filters_are_refused_in_words(scim, text):
    answer = scim("GET", f"Users?filter={text}")
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_pages_cover_everybody_once(acme, scim):
    total = scim("GET", "Users").json()["totalResults"]
    assert total == Membership.objects.filter(tenant=acme.tenant).count()
    seen, start = [], 1
    while start <= total:
        body = scim("GET", f"Users?startIndex={start}&count=4").json()
        seen += [each["id"] for each in body["Resources"]]
        start += 4
    assert len(seen) == len(set(seen)) == total
    assert scim("GET", "Users?count=0").json()["Resources"] == []
    assert scim("GET", "Users?count=-3").json()["itemsPerPage"] == 0
    assert scim("GET", "Users?startIndex=-1&count=1").json()["startIndex"] == 1
    assert scim("GET", "Users?startIndex=999999999999").json()["Resources"] == []
    assert scim("GET", "Users?count=many").status_code == 400


def test_a_page_costs_the_same_for_one_or_many(scim, user, query_count):
    scim("GET", "Users")  # the first call of a minute notes its use
    few = query_count(lambda: scim("GET", "Users?count=1"))
    for number in range(5):
        user(f"p{number}@acme.example")
    assert query_count(lambda: scim("GET", "Users?count=200")) == few


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "value": {"active": False}},  # Okta
        {"op": "Replace", "path": "active", "value": "False"},  # Entra
        {"op": "Replace", "path": "active", "value": False},
        {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": "false"},
        {"op": "Add", "path": "active", "value": [{"value": False}]},
    ],
)
def test_a_leaver_is_out_at_the_next_click(acme, scim, operation):
    """Deactivation kills the membership and with it every page, whatever session is open."""
    person = Client()
    person.force_login(acme.csm.user)
    assert person.get(acme.url("queue/")).status_code == 200
    answer = scim("PATCH", f"Users/{acme.csm.pk}", patch(operation))
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert person.get(acme.url("queue/")).status_code in (302, 404)
    assert not Membership.objects.get(pk=acme.csm.pk).is_active
    again = scim("PATCH", f"Users/{acme.csm.pk}", patch({"op": "replace", "path": "active", "value": True}))
    assert again.json()["active"] is True


def test_also_the_last_admin_leaves(acme, scim):
    answer = scim("PATCH", f"Users/{acme.ops_admin.pk}", patch({"op": "replace", "value": {"active": False}}))
    assert answer.json()["active"] is False


def test_a_leaver_with_a_refused_new_name_is_out_all_the_same(acme, scim):
    body = patch({"op": "replace", "value": {"active": False, "userName": acme.manager.user.email}})
    assert scim("PATCH", f"Users/{acme.csm.pk}", body).json()["active"] is False


def test_deleting_ends_and_hides_and_making_again_brings_back(acme, scim, user):
    made = user()
    assert scim("DELETE", f"Users/{made['id']}").status_code == 204
    assert scim("GET", f"Users/{made['id']}").status_code == 404
    assert scim("DELETE", f"Users/{made['id']}").status_code == 404
    assert not Membership.objects.get(pk=made["id"]).is_active
    again = user()
    assert (again["id"], again["active"]) == (made["id"], True)
    assert Membership.objects.get(pk=made["id"]).role == "account_executive"


def test_names_and_addresses_change_where_nobody_else_knows_the_person(scim, user):
    made = user()
    body = patch({"op": "replace", "path": "name.familyName", "value": "Lovelace"},
                 {"op": "replace", "path": "userName", "value": "ada.l@acme.example"})  # fmt: skip
    answer = scim("PATCH", f"Users/{made['id']}", body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["name"]["formatted"] == "Ada Lovelace"
    assert User.objects.get(email="ada.l@acme.example").name == "Ada Lovelace"
    put = {"userName": "ada.l@acme.example", "active": True, "displayName": "Countess"}
    assert scim("PUT", f"Users/{made['id']}", put).json()["displayName"] == "Countess"
    assert scim("PUT", f"Users/{made['id']}", {"active": True}).status_code == 400


def test_a_person_of_two_tenants_is_only_changed_in_this_one(acme, globex, scim):
    with globex.here():
        other, _ = services.ensure_member(globex.tenant, email=acme.csm.user.email, role="manager", by=MAKER)
    name = acme.csm.user.name
    answer = scim(
        "PATCH", f"Users/{acme.csm.pk}", patch({"op": "replace", "path": "displayName", "value": "Taken"})
    )
    assert answer.status_code == 200
    assert User.objects.get(pk=acme.csm.user.pk).name == name
    body = patch({"op": "replace", "path": "userName", "value": "taken@acme.example"})
    assert scim("PATCH", f"Users/{acme.csm.pk}", body).status_code == 409
    assert User.objects.get(pk=acme.csm.user.pk).email == acme.csm.user.email
    scim("PATCH", f"Users/{acme.csm.pk}", patch({"op": "replace", "path": "active", "value": False}))
    other.refresh_from_db()
    assert (other.is_active, other.role) == (True, "manager")
    assert User.objects.get(pk=acme.csm.user.pk).is_active


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_tenants_people_are_not_there(globex, scim, method):
    body = (
        {"userName": "x@acme.example"}
        if method == "PUT"
        else patch({"op": "replace", "value": {"active": False}})
    )
    for id_ in (globex.csm.pk, 0, -1, 2**63, "1e3", "०१", "9" * 400, "x"):
        assert scim(method, f"Users/{id_}", None if method == "GET" else body).status_code == 404, id_
    assert Membership.objects.get(pk=globex.csm.pk).is_active
    assert str(globex.csm.pk) not in [
        each["id"] for each in scim("GET", "Users?count=200").json()["Resources"]
    ]


def test_versions(scim, user):
    made = user()
    old = made["meta"]["version"]
    assert scim("GET", f"Users/{made['id']}", **{"If-None-Match": old}).status_code == 304
    change = patch({"op": "replace", "path": "externalId", "value": "e-2"})
    new = scim("PATCH", f"Users/{made['id']}", change, **{"If-Match": old}).json()["meta"]["version"]
    assert new != old
    assert scim("PATCH", f"Users/{made['id']}", change, **{"If-Match": old}).status_code == 412
    assert scim("DELETE", f"Users/{made['id']}", **{"If-Match": old}).status_code == 412
    assert scim("DELETE", f"Users/{made['id']}", **{"If-Match": new}).status_code == 204


def test_attributes_can_be_chosen(scim, user):
    user()
    first = scim("GET", "Users?attributes=userName").json()["Resources"][0]
    assert set(first) == {"schemas", "id", "meta", "userName"}
    first = scim("GET", "Users?excludedAttributes=groups,emails").json()["Resources"][0]
    assert "groups" not in first
    assert "userName" in first


def test_the_service_describes_itself(scim):
    config = scim("GET", "ServiceProviderConfig").json()
    assert config["patch"]["supported"]
    assert config["bulk"]["supported"] is False
    assert {each["id"] for each in scim("GET", "ResourceTypes").json()["Resources"]} == {"User", "Group"}
    schemas = scim("GET", "Schemas").json()["Resources"]
    assert scim("GET", f"Schemas/{schemas[0]['id']}").json()["name"] == "User"
    assert scim("GET", "Schemas/nothing").status_code == 404
    assert scim("GET", "Nothing").status_code in (400, 404)
    assert scim("POST", "ServiceProviderConfig", {}).status_code == 405
    assert scim("PUT", "Users", {}).status_code == 405


def test_a_repeat_with_a_key_has_one_effect(acme, scim):
    sent = {"userName": "once@acme.example"}
    first = scim("POST", "Users", sent, **{"Idempotency-Key": "k-1"})
    again = scim("POST", "Users", sent, **{"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (
        scim("POST", "Users", {"userName": "b@acme.example"}, **{"Idempotency-Key": "k-1"}).status_code == 422
    )
