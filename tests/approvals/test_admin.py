"""Those who configure edit the policy; the service keeps it sensible and leaves a trace."""

import pytest
from django.test import Client
from django.urls import reverse

from approvals import policy_setup, queries
from approvals.models import ApprovalPolicy
from audit.models import AuditEvent
from tenants.exceptions import Refused
from tests.approvals.conftest import KIND, ask

ADD = "/admin/approvals/approvalpolicy/add/"


@pytest.fixture
def admin(acme):
    client = Client()
    client.force_login(acme.ops_admin.user)
    client.post("/admin/acting-tenant/", {"slug": "acme"})
    return client


def line(world, position):
    with world.here():
        return ApprovalPolicy.objects.for_tenant(world.tenant).get(kind=KIND, position=position)


def form_of(row, **changes):
    fields = {name: getattr(row, name) for name in policy_setup.EDITABLE}
    fields |= {"approver_roles": ",".join(row.approver_roles), "seen_version": row.version, **changes}
    return {name: "" if value is None else value for name, value in fields.items() if value is not False}


def save(admin, row, **changes):
    return admin.post(f"/admin/approvals/approvalpolicy/{row.pk}/change/", form_of(row, **changes))


def test_a_changed_limit_holds_from_the_next_request_on_and_is_recorded(acme, admin):
    row = line(acme, 1)
    assert save(admin, row, max_discount_pct="5", answer_within_hours=4).status_code == 302
    request = ask(acme, acme.add_account(), pct="6", cost="100")
    assert request.policy_version == "line 2, version 1"
    assert (
        ask(acme, acme.add_account("Other"), pct="5", cost="100", subject="2").policy_version
        == "line 1, version 2"
    )
    with acme.here():
        event = AuditEvent.objects.filter(tenant=acme.tenant, verb="approvals.policy_changed").get()
    assert event.actor_id == str(acme.ops_admin.user_id)
    assert (event.diff["before"]["max_discount_pct"], event.diff["after"]["max_discount_pct"]) == (
        "10.00",
        "5",
    )


def test_a_new_line(acme, admin):
    row = form_of(line(acme, 2), position=9, name="Never reached", seen_version="")
    page = admin.post(ADD, row)
    assert page.status_code == 422
    assert "“Large concession” has no limit" in page.text
    assert admin.post(ADD, {**row, "position": 0}).status_code == 200
    first = {**row, "position": 1}
    page = admin.post(ADD, first)
    assert "already exists" in page.text
    for each, position in ((3, 30), (2, 20)):
        assert save(admin, line(acme, each), position=position).status_code == 302
    assert admin.post(ADD, {**row, "position": 10, "max_discount_pct": "15"}).status_code == 302
    with acme.here():
        positions = [each.position for each in queries.policy_lines(acme.tenant, kind=KIND)]
    assert positions == [1, 10, 20, 30]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_discount_pct": "101"}, "less than or equal to 100"),
        ({"max_cost": "-1"}, "greater than or equal to 0"),
        ({"approver_roles": ""}, "This field is required"),
        ({"approver_roles": "nobody"}, "Select a valid choice"),
        ({"answer_within_hours": "0"}, "greater than or equal to 1"),
        ({"kind": "free_lunch"}, "Select a valid choice"),
    ],
)
def test_bad_values_are_shown_on_the_form(acme, admin, changes, words):
    page = save(admin, line(acme, 1), **changes)
    assert page.status_code == 200
    assert words in page.text
    assert line(acme, 1).version == 1


def test_a_line_that_fits_everything_cannot_come_first(acme, admin):
    page = save(admin, line(acme, 1), max_discount_pct="", max_cost="")
    assert page.status_code == 422
    assert "Give it the highest position" in page.text
    assert line(acme, 1).max_discount_pct == 10


def test_somebody_elses_change_is_not_overwritten(acme, admin):
    row = line(acme, 1)
    assert save(admin, row, name="Mine").status_code == 302
    page = save(admin, row, name="Theirs")
    assert page.status_code == 422
    assert "Somebody changed this line in the meantime" in page.text
    assert line(acme, 1).name == "Mine"


def test_a_line_can_be_switched_off_and_nothing_is_deleted(acme, admin):
    row = line(acme, 3)
    assert save(admin, row, is_active=False).status_code == 302
    assert not line(acme, 3).is_active
    assert admin.post(f"/admin/approvals/approvalpolicy/{row.pk}/delete/").status_code == 403


def test_another_tenants_lines_are_out_of_reach(acme, globex, admin):
    foreign = line(globex, 1)
    page = admin.get("/admin/approvals/approvalpolicy/")
    assert page.status_code == 200
    assert f"/approvalpolicy/{foreign.pk}/" not in page.text
    assert save(admin, foreign, name="Taken").status_code in {302, 404}
    assert line(globex, 1).name == "Small concession"
    with acme.here(), pytest.raises(ApprovalPolicy.DoesNotExist):
        policy_setup.save_line(
            acme.tenant, line_id=foreign.pk, version=1, values={"kind": KIND}, by=acme.actor("ops_admin")
        )


@pytest.mark.parametrize("roles", [[], ["manager", "manager"], ["csm"], ["manager", "ceo"]])
def test_the_service_knows_the_roles_without_the_form(acme, roles):
    row = line(acme, 1)
    values = {name: getattr(row, name) for name in policy_setup.EDITABLE} | {"approver_roles": roles}
    with acme.here(), pytest.raises(Refused, match="Name who must say yes"):
        policy_setup.save_line(
            acme.tenant, line_id=row.pk, version=1, values=values, by=acme.actor("ops_admin")
        )


def test_the_policy_is_on_the_list_of_thresholds(acme, admin):
    text = admin.get(reverse("admin:thresholds")).text
    assert "Approvals: who must say yes" in text
    assert "A discount above 20% or a cost above $50k needs a manager, then finance." in text
    assert "24 hours" in text
