"""That the page's own queries find an account's events by index in a log that is large (EXPLAIN, not hope)."""

import json
import os

import pytest
from django.db import connection, transaction

from audit import queries
from jobs.paging import beyond
from tenants.scoping import tenant_transaction
from tests.audit import real
from tests.conftest import _superuser

MANY = """
INSERT INTO audit_event (tenant_id, verb, actor_kind, actor_id, actor_label, object_type, object_id, account_id,
                         decision_ref, diff)
SELECT %s, 'tests.said', 'person', (n %% 50)::text, 'Somebody', 'tests.thing', (n %% 500)::text,
       CASE WHEN n %% 4 <> 1 THEN 1 + n %% 2000 END, CASE WHEN n %% 10 = 0 THEN 'AP-' || n %% 300 ELSE '' END, '{}'
FROM generate_series(1, 40000) AS n
"""


@pytest.fixture(scope="module")
def busy_world(test_server, template_database, django_db_setup, django_db_blocker):
    """A tenant with 40,000 events among 2,000 accounts, and statistics about them; one for this module."""
    from tests.conftest import clone_database, drop_database

    name = f"holdfast_plans_{os.getpid()}"
    clone_database(test_server, name)
    with django_db_blocker.unblock():
        before = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = name
        world = real.committed_world()
        with tenant_transaction(world.tenant.pk), connection.cursor() as cursor:
            cursor.execute(MANY, [world.tenant.pk])
        with transaction.atomic():
            world.account = world.add_account("One")
        with _superuser(test_server, name) as session:
            session.execute("ANALYZE")
        yield world
        connection.close()
        connection.settings_dict["NAME"] = before
    drop_database(test_server, name)


def plan_of(world, role, filters, *, older_than=None):
    """(names of indexes used, kinds of nodes) of one page's query, run for real."""
    with tenant_transaction(world.tenant.pk):
        rows = queries.events(world.tenant, world.people[role], filters)
        if older_than is not None:
            rows = rows.filter(beyond(["at", "id"], older_than, newer=False))
        found = json.loads(rows.order_by("-at", "-id")[:26].explain(format="json", analyze=True))
    indexes, kinds, read = set(), set(), 0
    waiting = [found[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        rows_read = node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0)
        if node.get("Relation Name", "").startswith("audit_event"):
            if not rows_read:
                continue  # next months' tables are empty, and then a scan is the cheapest
            read += rows_read
            indexes.add(node.get("Index Name", "none"))
        kinds.add(node["Node Type"])
    return indexes, kinds, read


@pytest.mark.parametrize(
    ("filters", "column"),
    [
        ({"account": 7}, "account_id"),
        ({"object_type": "tests.thing", "object_id": "7"}, "object_type_object_id"),
        ({"decision": "AP-10"}, "decision_ref"),
        ({"person": "7"}, "actor_id"),
    ],
)
def test_everything_about_one_thing_is_read_by_its_index(busy_world, filters, column):
    indexes, kinds, read = plan_of(busy_world, "auditor", queries.Filters(**filters))
    assert "Seq Scan" not in kinds, (indexes, kinds)
    assert indexes, kinds
    assert all(column in name for name in indexes), indexes
    assert read < 1000, f"{read} rows read for one page"


def test_a_csm_reads_one_account_by_its_index_too(busy_world):
    filters = queries.Filters(account=busy_world.account.pk)
    indexes, _, read = plan_of(busy_world, "csm", filters)
    assert any("account_id" in name for name in indexes), indexes
    assert read < 2000


def test_the_newest_page_and_a_later_one_read_hardly_more_than_they_show(busy_world):
    _, kinds, read = plan_of(busy_world, "auditor", queries.Filters())
    assert "Seq Scan" not in kinds
    assert "Sort" not in kinds
    assert read < 200
    with tenant_transaction(busy_world.tenant.pk):
        rows = queries.events(busy_world.tenant, busy_world.auditor).order_by("-at", "-id")
        place = rows.values_list("at", "id")[20_000]
    _, kinds, read = plan_of(busy_world, "auditor", queries.Filters(), older_than=place)
    assert "Seq Scan" not in kinds
    assert read < 200
