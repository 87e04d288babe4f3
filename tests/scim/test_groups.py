"""Groups by SCIM, and what being in one gives."""

import json

import pytest

from scim import services
from scim.models import ScimGroup
from tenants.models import Membership
from tenants.services import ensure_team
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db


def patch(*operations):
    return {"Operations": list(operations)}


@pytest.fixture
def group(scim):
    def make(name="Everybody", members=()):
        sent = {"displayName": name, "members": [{"value": str(each)} for each in members]}
        answer = scim("POST", "Groups", sent)
        assert answer.status_code == 201, answer.content
        return answer.json()

    return make


def role_of(membership_id):
    return Membership.objects.get(pk=membership_id).role


def members(scim, made):
    return {each["value"] for each in scim("GET", f"Groups/{made['id']}").json()["members"]}


def test_a_group_called_like_a_role_gives_it_and_takes_it_away(scim, user, group):
    ada = user()["id"]
    made = group("Manager", [ada])
    assert role_of(ada) == "manager"
    assert scim("GET", f"Users/{ada}").json()["groups"] == [{"value": made["id"], "display": "Manager"}]
    scim("PATCH", f"Groups/{made['id']}", patch({"op": "remove", "path": f'members[value eq "{ada}"]'}))
    assert role_of(ada) == "account_executive"


def test_a_group_called_like_a_team_gives_the_team(acme, user, group):
    with acme.here():
        team = ensure_team(acme.tenant, name="EMEA", by=MAKER)
    ada = user()["id"]
    group("EMEA", [ada])
    assert Membership.objects.get(pk=ada).team_id == team.pk


def test_no_group_makes_an_operations_admin_by_its_name(scim, user, group):
    ada = user()["id"]
    for name in ("ops_admin", "CS operations admin"):
        group(name, [ada])
    assert role_of(ada) == "account_executive"


def test_a_mapping_made_by_hand_counts_at_once(acme, scim, user, group):
    ada = user()["id"]
    made = group("okta-holdfast-7", [ada])
    with acme.here():
        row = ScimGroup.objects.get(pk=made["id"])
        row.role = "finance"
        services.map_group(acme.tenant, group=row, by=MAKER)
    assert role_of(ada) == "finance"
    assert scim("DELETE", f"Groups/{made['id']}").status_code == 204
    assert role_of(ada) == "account_executive"


def test_of_two_roles_the_stronger_counts(user, group):
    ada = user()["id"]
    group("csm", [ada])
    group("manager", [ada])
    assert role_of(ada) == "manager"


def test_whoever_was_never_in_a_group_keeps_the_role_given_by_hand(acme, scim, group):
    made = group("No role here", [acme.manager.pk])
    scim("PATCH", f"Groups/{made['id']}", patch({"op": "replace", "path": "members", "value": []}))
    assert role_of(acme.manager.pk) == "manager"


def test_the_only_admin_stays_one_when_a_group_says_otherwise(acme, group):
    group("csm", [acme.ops_admin.pk])
    assert role_of(acme.ops_admin.pk) == "ops_admin"


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "B"}]}, "AB"),
        ({"op": "Add", "value": {"members": [{"value": "B"}]}}, "AB"),
        ({"op": "replace", "path": "members", "value": [{"value": "B"}]}, "B"),
        ({"op": "Replace", "value": {"members": [{"value": "B"}], "displayName": "New"}}, "B"),
        ({"op": "remove", "path": "members"}, ""),
        ({"op": "Remove", "path": "members", "value": [{"value": "A"}]}, ""),
        ({"op": "remove", "path": 'members[value eq "A"]'}, ""),
        ({"op": "remove", "path": 'members[value eq "404404"]'}, "A"),
        ({"op": "replace", "path": "displayName", "value": "New"}, "A"),
        ({"op": "replace", "value": {"id": "9", "displayName": "New"}}, "A"),
    ],
)
def test_the_shapes_in_which_providers_change_members(acme, scim, group, operation, left):
    ids = {"A": str(acme.csm.pk), "B": str(acme.csm2.pk)}
    made = group("Shapes", [ids["A"]])
    text = json.dumps(operation).replace('"A"', f'"{ids["A"]}"').replace('"B"', f'"{ids["B"]}"')
    text = text.replace('\\"A\\"', f'\\"{ids["A"]}\\"')  # within a path
    answer = scim("PATCH", f"Groups/{made['id']}", patch(json.loads(text)))
    assert answer.status_code == 200, answer.content
    assert members(scim, made) == {ids[each] for each in left}


def test_steps_of_one_patch_count_in_their_order(acme, scim, group):
    a, b = str(acme.csm.pk), str(acme.csm2.pk)
    made = group("Order", [a])
    steps = [
        {"op": "remove", "path": f'members[value eq "{a}"]'},
        {"op": "add", "path": "members", "value": [{"value": b}]},
        {"op": "add", "path": "members", "value": [{"value": a}]},
        {"op": "remove", "path": "members", "value": [{"value": b}]},
    ]
    scim("PATCH", f"Groups/{made['id']}", patch(*steps))
    assert members(scim, made) == {a}


def test_a_group_takes_nobody_of_another_tenant(acme, globex, scim, group):
    made = group("Mixed", [acme.csm.pk])
    add = {
        "op": "add",
        "path": "members",
        "value": [{"value": str(acme.csm2.pk)}, {"value": str(globex.csm.pk)}],
    }
    answer = scim("PATCH", f"Groups/{made['id']}", patch(add))
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    assert members(scim, made) == {str(acme.csm.pk)}


def test_another_tenants_group_is_not_there(globex, scim):
    with globex.here():
        row = ScimGroup.objects.create(tenant=globex.tenant, display_name="Theirs")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = (
            patch({"op": "replace", "path": "displayName", "value": "x"})
            if method == "PATCH"
            else {"displayName": "x"}
        )
        assert scim(method, f"Groups/{row.pk}", None if method == "GET" else body).status_code == 404
    assert scim("GET", "Groups").json()["totalResults"] == 0


def test_names_are_unique_and_found_in_any_case(scim, group):
    made = group("Sales Europe")
    assert scim("POST", "Groups", {"displayName": "sales europe"}).status_code == 409
    body = scim("GET", 'Groups?excludedAttributes=members&filter=displayName eq "SALES EUROPE"').json()
    assert [each["id"] for each in body["Resources"]] == [made["id"]]
    assert "members" not in body["Resources"][0]
    assert scim("POST", "Groups", {"members": []}).status_code == 400
    put = scim("PUT", f"Groups/{made['id']}", {"displayName": "Sales", "externalId": "g-1"})
    assert (put.json()["displayName"], put.json()["externalId"], put.json()["members"]) == (
        "Sales",
        "g-1",
        [],
    )


def test_ten_thousand_members_are_taken_and_one_more_is_not(scim, group):
    made = group("Large")
    add = {"op": "add", "path": "members", "value": [{"value": str(10**9 + n)} for n in range(10_001)]}
    assert scim("PATCH", f"Groups/{made['id']}", patch(add)).status_code == 413
    add["value"].pop()
    answer = scim("PATCH", f"Groups/{made['id']}", patch(add))
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")  # taken, and nobody's ids
