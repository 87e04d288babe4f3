"""J21: a read-only reviewer of one region cannot list, search, count, export or guess anything outside it."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Contact, Ticket
from accounts.queries import visible_account, visible_accounts
from audit import queries as audit
from audit import services as record
from jobs import runner
from jobs import services as jobs
from playbooks.queries.queue import Wanted, listed
from tenants.models import Membership
from tests.approvals.makers import a_request
from tests.playbooks import makers
from tests.worlds import MAKER

pytestmark = pytest.mark.django_db

INSIDE, OUTSIDE = "Northwind Harbor", "Southgate Foundry"
SECRET = ("Southgate", "SOUTH-1", "Sigrun Outside")


@pytest.fixture
def two(acme):
    """An account in each region, both with everything that a page could show of one."""
    made = {}
    for name, region, key in ((INSIDE, "north", "NORTH-1"), (OUTSIDE, "south", "SOUTH-1")):
        account = acme.add_account(name, region=region, external_id=key, domain=f"{region}.example")
        with acme.here():
            mine = {"tenant": acme.tenant, "account": account}
            who = "Sigrun Outside" if region == "south" else "Nora Inside"
            Contact.objects.create(**mine, external_id=f"C-{region}", name=who)
            Ticket.objects.create(
                **mine, external_id=f"T-{region}", opened_at=timezone.now(), subject=f"{name} is down"
            )
            makers.health_row(acme, account, arr="777000" if region == "south" else "1000")
            play = makers.running_play(acme, account)
            record.record(
                acme.tenant,
                verb="tests.said",
                by=MAKER,
                account_id=account.pk,
                object_type="accounts.account",
                object_id=str(account.pk),
                object_label=name,
            )
        made[region] = (account, play)
    return made


@pytest.fixture(params=["reviewer", "auditor", "executive", "support"])
def narrowed(request, acme, two):
    """Somebody who sees the whole tenant by role and one region by scope."""
    member = acme.people[request.param]
    Membership.objects.filter(pk=member.pk).update(regions=["north"])
    member.refresh_from_db()
    return member


def get(client, acme, name, *args, **query):
    return client.get(reverse(name, args=[acme.tenant.slug, *args]), query)


PAGES = [
    ("accounts:list", {}), ("accounts:rows", {}), ("accounts:list", {"q": "south"}),
    ("accounts:search", {"q": "Southgate"}), ("accounts:search_results", {"q": "Sigrun"}),
    ("accounts:search_results", {"q": "south.example"}), ("playbooks:queue", {"view": "all"}),
    ("playbooks:queue_rows", {"view": "all", "q": "South"}), ("playbooks:queue", {"view": "play"}),
    ("playbooks:plays", {}), ("playbooks:plays_rows", {}), ("playbooks:my_tasks", {}), ("scoring:scores", {}),
    ("approvals:inbox", {}), ("audit:log", {}), ("audit:rows", {}), ("jobs:list", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "query"), PAGES, ids=lambda value: str(value))
def test_no_page_names_what_is_outside(acme, two, narrowed, client, name, query):
    client.force_login(narrowed.user)
    answer = get(client, acme, name, **query)
    assert answer.status_code in (200, 403)
    if answer.status_code == 200:
        # what was typed into a filter comes back in it
        text = answer.text.replace(query.get("q", "no filter"), "")
        assert not [word for word in SECRET if word in text]
        assert not [figure for figure in ("777k", "777,000", "777000") if figure in text]


def test_lists_and_single_accounts_agree(acme, two, narrowed):
    with acme.here():
        seen = set(visible_accounts(acme.tenant, narrowed).values_list("name", flat=True))
        assert seen == {INSIDE}
        for region, (account, _) in two.items():
            found = visible_account(acme.tenant, narrowed, account_id=account.pk)
            assert (found is not None) == (region == "north")
        rows = listed(acme.tenant, narrowed, Wanted(view="all"))
        assert [row.account.name for row in rows.select_related("account")] == [INSIDE]


def addresses(two, region):
    account, play = two[region]
    yield "accounts:account", [account.pk]
    yield "accounts:evidence", [account.pk]
    for panel in (
        "people",
        "contract",
        "evidence",
        "notes",
        "goals",
        "sources",
        "health",
        "history",
        "written-back",
    ):
        yield "accounts:panel", [account.pk, panel]
    yield "playbooks:queue_why", [account.pk]
    yield "playbooks:play", [play.pk]
    yield "playbooks:play_body", [play.pk]


def test_an_address_outside_answers_like_one_that_does_not_exist(acme, two, narrowed, client, query_count):
    """Same status, same words, same number of queries: nothing tells the two apart."""
    client.force_login(narrowed.user)
    for name, args in addresses(two, "south"):
        hidden, cost = asked(client, acme, query_count, name, args)
        absent, cost_of_absent = asked(client, acme, query_count, name, [10**9, *args[1:]])
        assert hidden.status_code == absent.status_code == 404, name
        assert said(hidden) == said(absent), name
        assert cost == cost_of_absent, name


def asked(client, acme, query_count, name, args):
    answers = []
    cost = query_count(lambda: answers.append(get(client, acme, name, *args)))
    return answers[0], cost


def said(answer):
    """What the page says, without its frame, whose forms carry fresh keys."""
    return answer.text.partition("<main")[2].partition("</main>")[0]


def test_inside_the_scope_the_same_addresses_open(acme, two, narrowed, client):
    client.force_login(narrowed.user)
    for name, args in addresses(two, "north"):
        assert get(client, acme, name, *args).status_code == 200, name


def test_totals_count_the_scope_alone(acme, two, narrowed, client):
    client.force_login(narrowed.user)
    assert "1–1 of 1" in get(client, acme, "accounts:list").text.replace("-", "–").replace("rows ", "") or (
        "of 2" not in get(client, acme, "accounts:list").text
    )
    assert "of 2" not in get(client, acme, "playbooks:queue", view="all").text


def test_the_event_log_holds_back_other_regions_and_the_whole_tenants_events(acme, two, narrowed):
    with acme.here():
        record.record(
            acme.tenant,
            verb="tests.said",
            by=MAKER,
            object_type="integrations.bundleimport",
            object_id="1",
            object_label="All regions",
            after={"rows": 123456},
        )
        labels = [event.object_label for event in audit.events(acme.tenant, narrowed)]
    assert INSIDE in labels
    assert OUTSIDE not in labels
    assert "All regions" not in labels


def test_an_export_of_somebody_narrowed_holds_the_scope_alone(acme, two, client):
    """The reviewer exports nothing (403). Who may export and is narrowed gets a file of the scope."""
    for role in ("reviewer", "auditor"):
        Membership.objects.filter(pk=acme.people[role].pk).update(regions=["north"])
    client.force_login(acme.reviewer.user)
    assert client.post(reverse("playbooks:queue_export", args=["acme"]), {"view": "all"}).status_code == 403
    assert client.post(reverse("audit:export", args=["acme"]), {"format": "csv"}).status_code == 403
    client.force_login(acme.auditor.user)
    answer = client.post(
        reverse("playbooks:queue_export", args=["acme"]), {"back": "view=all", "view": "all"}
    )
    assert answer.status_code == 200, answer.status_code
    text = answer.content.decode()
    assert INSIDE in text
    assert not [word for word in SECRET if word in text]
    from audit import exports

    with acme.here():
        args = {
            "membership_id": acme.auditor.pk,
            "form": "jsonl",
            "filters": exports.filters_as_json(audit.Filters()),
        }
        job = runner.run_now(
            jobs.enqueue(acme.tenant, kind=exports.KIND, args=args, by=acme.actor("auditor")).pk
        )
        lines = exports.path_of(acme.tenant, job.pk, "jsonl").read_text().splitlines()
    labels = {json.loads(line)["object_label"] for line in lines}
    assert INSIDE in labels
    assert OUTSIDE not in labels


def test_a_request_outside_is_not_found(acme, two, narrowed, client):
    with acme.here():
        Account.objects.update(region="south")
        ref = a_request(acme)["ref"]
        Account.objects.update(region="south")
    client.force_login(narrowed.user)
    assert get(client, acme, "approvals:request", ref).status_code in (403, 404)
    assert ref not in get(client, acme, "approvals:inbox").text


def test_the_reviewer_changes_nothing(acme, two, client):
    """Every address that changes something is closed to the role; the table of permissions runs each."""
    from tenants.roles import RIGHTS, Right, Role

    assert RIGHTS[Role.REVIEWER] == {Right.VIEW_ACCOUNTS, Right.VIEW_ALL_ACCOUNTS, Right.VIEW_OUTCOMES}
