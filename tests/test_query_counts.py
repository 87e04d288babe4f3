"""How many statements each page and fragment costs, against a baseline kept in a file (tests/query_counts.json).

A page that grows shows up here before anybody feels it. After a change that is meant, remove the file and make it anew:
`UPDATE_QUERY_COUNTS=1 .venv/bin/pytest tests/test_query_counts.py` and let the difference be read in review.
Savepoints, the tenant's set_config and the rate limit are not counted: they are the frame's and the same everywhere.
"""

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.permission_table import TABLE
from tests.test_permissions import ask, sign_in, somebody_with_the_right

pytestmark = pytest.mark.django_db

FILE = Path(__file__).with_suffix(".json").with_name("query_counts.json")
UPDATES = bool(os.environ.get("UPDATE_QUERY_COUNTS"))
ROWS = [row for row in TABLE if row.method == "GET"]
PAGE, FRAGMENT = 12, 6  # DECISIONS 28
FRAME = (
    "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SELECT set_config(", "INSERT INTO tenants_rate_bucket",
)  # fmt: skip
MAY_COST_MORE = {
    "accounts:erase_person": "counts the person's rows in every table, once, before somebody confirms",
}


def baseline():
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def counted(row, world):
    """(answer, statements) of the query that costs most; of the second request: a process learns some things once."""
    made, queries = row.arrange(world)
    client = sign_in(somebody_with_the_right(row, world).user)
    found = []
    for query in queries:
        ask(client, row, world, made, query)
        with CaptureQueriesContext(connection) as captured:
            answer = ask(client, row, world, made, query)
        assert answer.status_code < 500, query
        found.append((answer, [each["sql"] for each in captured if not each["sql"].startswith(FRAME)]))
    return max(found, key=lambda each: len(each[1]))


def is_fragment(answer):
    """HTML without its own frame: what htmx puts into a page that stands already. Files are asked for like pages."""
    return answer["Content-Type"].startswith("text/html") and "<html" not in answer.text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_address_costs_what_it_did(row, acme):
    answer, asked = counted(row, acme)
    budget = FRAGMENT if is_fragment(answer) else PAGE
    assert len(asked) <= budget or row.name in MAY_COST_MORE, f"more than {budget} statements:\n" + "\n".join(
        asked
    )
    if UPDATES:
        most = max(len(asked), baseline().get(row.name, 0))  # an address may have several rows
        FILE.write_text(json.dumps(baseline() | {row.name: most}, indent=1, sort_keys=True) + "\n")
        return
    before = baseline().get(row.name)
    assert before is not None, f"{row.name} has no baseline yet; see the top of this file"
    assert len(asked) <= before, f"{row.name}: {len(asked)} statements instead of {before}:\n" + "\n".join(
        asked
    )


def test_the_baseline_names_addresses_that_exist_and_keeps_the_budget():
    found = baseline()
    assert set(found) == {row.name for row in ROWS}
    over = {name: count for name, count in found.items() if count > PAGE and name not in MAY_COST_MORE}
    assert not over, f"more than {PAGE} statements a page: {over}"
