"""The variables of the page's frame: who sees which destination, and at what price."""

import pytest
from django.test import Client, RequestFactory
from django.urls import ResolverMatch

from accounts.models import Account
from accounts.queries import visible_accounts
from config import context
from tenants import nav, services
from tenants.models import User
from tenants.roles import Right
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_counts(monkeypatch):
    """Two destinations with a waiting number each, and one that no app brought."""
    monkeypatch.setattr(nav, "destinations", [])
    monkeypatch.setattr(nav, "_freshness", [lambda tenant, viewer: nav.Freshness("/fresh/", "yesterday")])
    for number, (label, name, right) in enumerate(
        [("Work", "tenants:start", Right.VIEW_ACCOUNTS), ("People", "tenants:people", Right.CONFIGURE)]
    ):
        nav.register(nav.Destination(label, name, number, right, count=visible_accounts))
    nav.register(nav.Destination("Not there", "nobody:home", 9, Right.VIEW_ACCOUNTS))
    nav.register(
        nav.Destination("None", "tenants:invite", 9, Right.VIEW_ACCOUNTS, count=lambda tenant, viewer: None)
    )


def frame(world, role, path="/t/acme/settings/people/"):
    request = RequestFactory().get(path)
    request.user = world.people[role].user
    request.membership = world.people[role]
    request.resolver_match = ResolverMatch(lambda: None, (), {})
    return context.page(request)


def test_a_destination_is_shown_to_those_who_may_open_it(acme, two_counts):
    acme.add_account()
    with acme.here():
        for role, labels in (("csm", ["Work"]), ("ops_admin", ["Work", "People"])):
            assert [item["label"] for item in frame(acme, role)["nav"]] == labels
        shown = list(frame(acme, "ops_admin")["nav"])
    assert [item["count"] for item in shown] == [1, 1]
    assert [item["current"] for item in shown] == [False, True], (
        "the longest address that fits is the current one"
    )


@pytest.mark.parametrize(("environment", "shown"), [("sandbox", True), ("production", False)])
def test_the_mailbox_is_in_the_menu_of_a_sandbox_alone(client, acme, environment, shown):
    acme.tenant.environment = environment
    acme.tenant.save()
    client.force_login(acme.people["ops_admin"].user)
    page = client.get(acme.url("queue/"))
    assert (acme.url("mailbox/") in page.text) is shown


def test_all_numbers_are_one_query_and_a_fragment_pays_nothing(acme, two_counts, query_count):
    with acme.here():
        assert query_count(lambda: frame(acme, "ops_admin")) == 0
        assert query_count(lambda: list(frame(acme, "ops_admin")["nav"])) == 1


def test_counting_together_is_counting_apart(acme):
    acme.add_account("A", segment="smb")
    acme.add_account("B")
    with acme.here():
        every = Account.objects.for_tenant(acme.tenant)
        asked = {
            "all": every,
            "smb": every.filter(segment="smb"),
            "page": every.order_by("name")[:1],
            "no": every.none(),
        }
        assert context.count_together(asked) == {"all": 2, "smb": 1, "page": 1, "no": 0}
        assert context.count_together({}) == {}


def test_the_frame_of_a_view_without_transaction_opens_its_own(acme, two_counts):
    acme.add_account()
    values = frame(acme, "csm")
    assert [item["count"] for item in values["nav"]] == [1]
    assert values["freshness"].scored_at == "yesterday"


def test_workspaces_are_listed_for_those_who_have_several(acme, globex):
    client = Client()
    client.force_login(acme.ops_admin.user)
    assert "Workspaces" not in client.get("/t/acme/settings/people/").text
    with globex.here():
        services.ensure_member(globex.tenant, email="ops_admin@acme.example", role="csm", by=MAKER)
    page = client.get("/t/acme/settings/people/").text
    assert 'href="/t/globex/"' in page
    assert 'href="/admin/acting-tenant/?workspace=acme"' in page


def test_somebody_switched_off_is_signed_out_everywhere(acme):
    client = Client()
    client.force_login(acme.csm.user)
    assert client.get("/t/acme/").status_code == 302
    User.objects.filter(pk=acme.csm.user_id).update(is_active=False)
    assert client.get("/t/acme/").headers["Location"].startswith("/auth/login/")
