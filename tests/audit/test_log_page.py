"""The audit page: who sees which events, how they are narrowed, and what it costs."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit import queries, services
from tenants.access import SYSTEM
from tests.worlds import PASSWORD

pytestmark = pytest.mark.django_db


def log_in(client, world, role):
    assert client.login(email=world.people[role].user.email, password=PASSWORD)


def page(client, world, **query):
    return client.get(reverse("audit:log", args=[world.tenant.slug]), query)


def test_the_page_hides_the_other_tenant(client, acme, globex, say):
    say(acme, object_label="Ours", object_type="tests.thing", object_id="1")
    say(globex, object_label="Theirs", object_type="tests.thing", object_id="1")
    log_in(client, acme, "auditor")
    text = page(client, acme).text
    assert "Ours" in text
    assert "Theirs" not in text
    assert page(client, globex).status_code == 404


@pytest.mark.parametrize(
    ("role", "mine", "colleagues", "tenants"),
    [
        ("csm", True, False, False),
        ("manager", True, True, False),
        ("ops_admin", True, True, True),
        ("auditor", True, True, True),
    ],
)
def test_a_role_sees_the_events_of_the_accounts_it_may_see(
    client, acme, say, role, mine, colleagues, tenants
):
    own = acme.add_account("Mine", owner="csm")
    other = acme.add_account("Colleague's", owner="csm2")
    say(acme, object_label="about my account", account_id=own.pk)
    say(acme, object_label="about a colleague's account", account_id=other.pk)
    say(acme, object_label="about the tenant")
    log_in(client, acme, role)
    text = page(client, acme).text
    assert ("about my account" in text) == mine
    assert ("about a colleague&#x27;s account" in text) == colleagues
    assert ("about the tenant" in text) == tenants


@pytest.mark.parametrize("role", ["account_executive", "executive", "finance", "revops", "support"])
def test_other_roles_are_refused_and_the_refusal_is_noted(client, acme, role):
    log_in(client, acme, role)
    assert page(client, acme).status_code == 403
    with acme.here():
        event = queries.events(acme.tenant, acme.auditor, queries.Filters(verb="tenants.access_denied")).get()
    assert event.object_id == acme.url("audit/")
    assert event.actor_id == str(acme.people[role].user_id)
    assert event.request_id


def test_a_page_that_is_not_there_is_no_refusal(client, acme, globex):
    log_in(client, acme, "csm")
    assert page(client, globex).status_code == 404
    assert client.get(acme.url("jobs/999/")).status_code == 404
    with acme.here():
        assert not queries.events(
            acme.tenant, acme.auditor, queries.Filters(verb="tenants.access_denied")
        ).exists()


def test_a_narrowed_auditor_sees_no_account_outside_the_scope(acme, say):
    inside = acme.add_account("Inside", region="emea")
    outside = acme.add_account("Outside", region="apac")
    say(acme, account_id=inside.pk)
    say(acme, account_id=outside.pk)
    acme.auditor.regions = ["emea"]
    acme.auditor.save()
    with acme.here():
        seen = queries.events(acme.tenant, acme.auditor, queries.Filters(verb="tests.said"))
        assert [event.account_id for event in seen] == [inside.pk]


def test_each_filter_narrows(acme, say):
    account = acme.add_account("One")
    person = acme.actor("manager")
    say(acme, "a", account_id=account.pk)
    say(acme, "b", verb="jobs.did", decision_ref="AP-7")
    say(acme, "c", by=person, object_type="tests.thing", object_id="9")
    say(acme, "d", verb="jobsy.did")

    def words(**values):
        with acme.here():
            rows = queries.events(acme.tenant, acme.auditor, queries.Filters(**values)).order_by("at", "id")
            return "".join(row.diff["after"]["word"] for row in rows if "word" in row.diff.get("after", {}))

    assert words() == "abcd"
    assert words(account=account.pk) == "a"
    assert words(app="jobs") == "b"
    assert words(decision="AP-7") == "b"
    assert words(person=person.id) == "c"
    assert words(object_type="tests.thing", object_id="9") == "c"
    assert words(verb="jobsy.did") == "d"
    today = timezone.now().date()
    assert words(since=today, until=today) == "abcd"
    assert words(since=today + timedelta(days=1)) == words(until=today - timedelta(days=1)) == ""


def test_days_are_those_of_the_tenants_clock(acme, say, monkeypatch):
    acme.tenant.time_zone = "Pacific/Auckland"
    say(acme, "now")
    with acme.here():
        at = queries.events(acme.tenant, acme.auditor, queries.Filters(verb="tests.said")).get().at
        from zoneinfo import ZoneInfo

        there = at.astimezone(ZoneInfo("Pacific/Auckland")).date()
        found = queries.Filters(verb="tests.said", since=there, until=there)
        assert queries.events(acme.tenant, acme.auditor, found).count() == 1


def test_walking_back_and_forth_shows_each_event_once(client, acme, say):
    for number in range(60):
        say(acme, f"word {number}", object_label=f"thing {number:02}", verb="tests.said")
    log_in(client, acme, "auditor")
    shown = page(client, acme, verb="tests.said").context["page"]
    seen, places = [event.id for event in shown.rows], [(shown.first, shown.last, shown.total)]
    while shown.older:
        shown = page(client, acme, verb="tests.said", before=shown.older).context["page"]
        seen += [event.id for event in shown.rows]
        places.append((shown.first, shown.last, shown.total))
    assert len(seen) == len(set(seen)) == 60
    assert seen == sorted(seen, reverse=True)
    assert places == [(1, 25, 60), (26, 50, 60), (51, 60, 60)]
    back = page(client, acme, verb="tests.said", after=shown.newer).context["page"]
    assert (back.first, back.last) == (26, 50)
    first = page(client, acme, verb="tests.said", after=back.newer).context["page"]
    assert (first.first, first.newer) == (1, "")


@pytest.mark.parametrize(
    "place", ["x", "1", "1-2-3", "-1-2", "99999999999999999999-1", "१-१", "9" * 18 + "-1"]
)
def test_a_place_that_was_not_made_here_is_not_found(client, acme, place):
    log_in(client, acme, "auditor")
    assert page(client, acme, before=place).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"account": "x"}, {"account": str(2**70)}, {"since": "32 May"}, {"app": "nothing"}, {"verb": "DROP"},
        {"object_id": "a" * 500}, {"since": "0001-01-01", "until": "9999-12-31"},
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_said_and_left_out(client, acme, say, query):
    say(acme, object_label="still here")
    log_in(client, acme, "auditor")
    response = page(client, acme, **query)
    assert response.status_code == 200
    assert "still here" in response.text
    assert "This filter was left out." in response.text


def test_a_change_reads_as_before_and_after(client, acme):
    with acme.here():
        services.record(
            acme.tenant, verb="tests.changed", by=SYSTEM, object_label="<script>x</script>",
            before={"owner": "Anna", "arr": 10, "same": 1, "limits": {"low": 40}},
            after={"owner": "Boris", "arr": None, "same": 1, "limits": {"low": 45}, "tags": ["a", "b"]},
        )  # fmt: skip
    log_in(client, acme, "auditor")
    text = page(client, acme, verb="tests.changed").text
    assert "<script>x" not in text
    for piece in ("<del>Anna</del>", "<ins>Boris</ins>", "Limits / low", "<ins>45</ins>", "<ins>a; b</ins>"):
        assert piece in text
    assert "Same" not in text


@pytest.mark.parametrize("role", ["csm", "auditor"])
def test_the_page_costs_the_same_for_one_event_or_many(client, acme, say, role, query_count):
    account = acme.add_account("One")
    log_in(client, acme, role)
    say(acme, account_id=account.pk)
    few = query_count(lambda: page(client, acme))
    for _ in range(30):
        say(acme, account_id=account.pk)
    assert query_count(lambda: page(client, acme)) == few <= 12
    assert query_count(lambda: client.get(reverse("audit:rows", args=["acme"]))) <= 6
