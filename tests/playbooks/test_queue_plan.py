"""How PostgreSQL reads the first page of a large tenant: along the priority index, and no further than the page."""

import json
import time

import pytest
from django.db import connection, transaction

from playbooks.queries import queue_page
from playbooks.queries.queue import SORTS, View, Wanted, listed
from playbooks.queries.queue_head import head_of
from tests.conftest import _superuser, committed_database
from tests.worlds import make_world

pytestmark = pytest.mark.xdist_group("queue_plan")  # one world, so one worker
ACCOUNTS, SUGGESTIONS = 20_000, 2_000

FILL = """
WITH made AS (
    INSERT INTO accounts_account (tenant_id, external_id, name, domain, industry, country, region, plan, segment,
        owner_email, ae_email, parent_external_id, attributes, source, recorded_at, version, customer_since)
    SELECT %(tenant)s, 'A-' || n, 'Account ' || n, '', '', '', '', '', 'smb', '', '', '', '{}', 'test', now(), 1,
           '2024-01-01'
    FROM generate_series(1, %(accounts)s) n
    RETURNING id
), standing AS (
    INSERT INTO scoring_accounthealth (tenant_id, account_id, as_of, health, band, coverage_pct, spark, reasons,
        dimensions, currency, priority, arr_reporting, renewal_date, run_id, policy_version, override_band, updated_at)
    SELECT %(tenant)s, id, '2026-11-19', id %% 100, 'watch', 90, '{}', '[]', '{}', 'USD', (id * 7919) %% 100003,
           id %% 5000, date '2026-11-19' + (id %% 700)::int, 1, 'all v1', '', now()
    FROM made
)
INSERT INTO playbooks_recommendation (tenant_id, account_id, playbook_id, state, cause, event_key, reason, comment,
    decided_by_label, created_at, version)
SELECT %(tenant)s, id, (SELECT min(id) FROM playbooks_playbook WHERE tenant_id = %(tenant)s), 'suggested', '[]', '[]',
       '', '', '', now(), 1
FROM made WHERE id %% (%(accounts)s / %(suggestions)s) = 0
"""


@pytest.fixture(scope="module")
def large(test_server, template_database, django_db_setup, django_db_blocker):
    """20,000 scored accounts, every tenth with a suggestion, and statistics such as autovacuum makes them.

    Made once: the tests only read.
    """
    with committed_database(test_server, django_db_blocker) as name:
        with transaction.atomic():
            world = make_world("acme")
            with world.here(), connection.cursor() as cursor:
                size = {"tenant": world.tenant.pk, "accounts": ACCOUNTS, "suggestions": SUGGESTIONS}
                cursor.execute("SET LOCAL statement_timeout = 0")  # pages have one; this takes what it takes
                cursor.execute(FILL, size)
        with _superuser(test_server, name) as owner:
            owner.execute("ANALYZE")
        yield world


def plan_of(rows):
    sql, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        found = cursor.fetchone()[0]
    return (found if isinstance(found, list) else json.loads(found))[0]["Plan"]


def nodes(plan):
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def first_page(world, wanted):
    rows = listed(world.tenant, world.executive, wanted)
    return queue_page.ordered(queue_page.detailed(rows, world.tenant), SORTS[wanted.sort])[
        : queue_page.PAGE + 1
    ]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(), "health_priority_ix"),
        (Wanted(view=View.ALL.value), "health_priority_ix"),
        (Wanted(view=View.ALL.value, sort="renewal"), "health_renewal_ix"),
    ],
    ids=["first view", "all accounts", "all by renewal"],
)
def test_a_page_is_read_along_its_index(large, wanted, index):
    with transaction.atomic(), large.here():
        plan = plan_of(first_page(large, wanted))
    found = list(nodes(plan))
    assert index in {node.get("Index Name") for node in found}
    assert not [node for node in found if node["Node Type"] == "Sort" and node["Actual Rows"] > 100]
    walked = next(node for node in found if node.get("Index Name") == index)
    # a tenth of the accounts have a suggestion, so a page of the first view walks past about ten times its rows
    assert walked["Actual Rows"] * walked["Actual Loops"] <= (queue_page.PAGE + 1) * 20


def test_a_deep_page_starts_at_its_place(large):
    with transaction.atomic(), large.here():
        wanted = Wanted(view=View.ALL.value)
        middle = queue_page.ordered(listed(large.tenant, large.executive, wanted), SORTS["priority"])[10_000]
        behind = queue_page.beyond(SORTS["priority"], middle.priority, middle.account_id, backwards=False)
        rows = listed(large.tenant, large.executive, wanted).filter(behind)
        plan = plan_of(queue_page.ordered(queue_page.detailed(rows, large.tenant), SORTS["priority"])[:26])
        walked = next(node for node in nodes(plan) if node.get("Index Name") == "health_priority_ix")
        assert walked["Actual Rows"] <= 100
        assert walked.get("Rows Removed by Filter", 0) <= 100


def test_twenty_thousand_accounts_answer_in_time(large):
    """Generous, because the machine may be busy; alone it takes a tenth of this."""
    with transaction.atomic(), large.here():
        wanted = Wanted()
        started = time.monotonic()
        head = head_of(large.tenant, large.executive, wanted)
        page = queue_page.page(large.tenant, large.executive, wanted, head)
        seconds = time.monotonic() - started
    assert head.counts == {"decision": SUGGESTIONS, "renewing": head.counts["renewing"], "play": 0, "snoozed": 0,
                           "all": ACCOUNTS}  # fmt: skip
    assert (page.first, page.last, page.total) == (1, 25, SUGGESTIONS)
    print(f"head and page: {seconds * 1000:.0f} ms")
    assert seconds < 3
