"""The worlds that tests are given are those that the services make."""

import json
import re
import time

import pytest
from django.db import connection, transaction

from tests.conftest import _kept
from tests.kept_worlds import OF_THE_INSTALLATION
from tests.worlds import make_world

pytestmark = pytest.mark.django_db
MOMENTS = {"id", "at", "xid", "epoch", "password"}  # a password's salt is another one each time
TABLES = """
SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_name)
WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id' AND c.table_name !~ '_[0-9]{6}$'
  AND t.table_type = 'BASE TABLE' ORDER BY 1
"""


def rows_by_table(world):
    """What every table holds, without what differs each time: ids and moments."""
    with world.here(), connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [*OF_THE_INSTALLATION, *(name for (name,) in cursor.fetchall())]
        return {table: rows for table in tables if (rows := _rows(cursor, table))}


def _rows(cursor, table):
    cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
    found = []
    for (text,) in cursor.fetchall():
        cells = {name: cell for name, cell in json.loads(text).items() if name not in MOMENTS}
        words = re.sub(r"\d{4}-\d\d-\d\dT[^\"]+", "a moment", json.dumps(cells, sort_keys=True))
        found.append(re.sub(r"\d+", "#", words))
    return sorted(found)


def within(make):
    """What `make` leaves, and taken back."""
    with transaction.atomic():
        started = time.process_time()
        world = make()
        seconds = time.process_time() - started
        found = rows_by_table(world)
        transaction.set_rollback(True)
    return world, found, seconds


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_a_kept_world_is_the_one_that_is_made(slug):
    made, rows, slow = within(lambda: make_world(slug))
    again, kept, fast = within(_kept[slug].again)
    print(f"{slug}: made in {slow * 1000:.0f} ms, put back in {fast * 1000:.0f} ms of this process")
    assert len(rows) >= 10
    assert kept == rows
    assert again.people.keys() == made.people.keys()
    assert again.csm.user.check_password("correct-horse-7")


def test_what_a_test_does_to_its_world_is_not_kept():
    def changed():
        world = _kept["acme"].again()
        world.tenant.slug = "changed"
        world.add_account("One more")
        return world

    _, rows, _ = within(changed)
    assert "accounts_account" in rows
    world, rows, _ = within(_kept["acme"].again)
    assert "accounts_account" not in rows
    assert world.tenant.slug == "acme"
