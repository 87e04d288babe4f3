"""acme and globex, made by the services once a process and put back as rows for each test.

Making one takes 180 statements, putting it back one, and most tests want one or two. The rows are those that the
services wrote: in the order of their first insert, with their own ids, which the sequences have passed. Events of the
log get new ids, times and transactions, as if they were recorded just now. Objects are new each time.
"""

import json
import pickle
import re
from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.scoping import tenant_context
from tests.worlds import World, make_world

_INSERT = re.compile(r'\s*INSERT INTO "?(\w+)"?', re.I)
OF_THE_INSTALLATION = {
    "tenants_organisation": "id = {organisation}",
    "tenants_tenant": "id = {tenant}",
    "tenants_user": "id IN (SELECT user_id FROM tenants_membership WHERE tenant_id = {tenant})",
    "tenants_user_groups": "user_id IN (SELECT user_id FROM tenants_membership WHERE tenant_id = {tenant})",
    "auth_group": "name LIKE 'tenant:{tenant}:%'",
}
AT_ITS_TIME = {"audit_event": {"id", "at", "epoch", "xid"}}


@dataclass(frozen=True)
class Kept:
    """One world: the database that it was made in, the statements that bring its rows back, and its objects."""

    database: str
    tenant_id: int
    sql: str
    world: bytes

    def again(self) -> World:
        with tenant_context(self.tenant_id), connection.cursor() as cursor:
            cursor.execute(self.sql)
        return pickle.loads(self.world)


def keep(slug: str) -> Kept:
    """Make the world in this transaction, which the caller rolls back, and note what it wrote."""
    with CaptureQueriesContext(connection) as captured:
        world = make_world(slug)
    tables = dict.fromkeys(found[1] for each in captured if (found := _INSERT.match(each["sql"])))
    with tenant_context(world.tenant.pk), connection.cursor() as cursor:
        sql = ";\n".join(filter(None, [_insert_of(cursor, table, world) for table in tables]))
    return Kept(connection.settings_dict["NAME"], world.tenant.pk, sql, pickle.dumps(world))


def _insert_of(cursor, table, world):
    """The statement that writes this world's rows of a table again."""
    which = OF_THE_INSTALLATION.get(table, "tenant_id = {tenant}")
    which = which.format(tenant=world.tenant.pk, organisation=world.tenant.organisation_id)
    left_out = AT_ITS_TIME.get(table, set())
    order = "ORDER BY id" if table in AT_ITS_TIME else ""
    cursor.execute(f"SELECT to_json(t)::text FROM (SELECT * FROM {table} WHERE {which} {order}) t")
    rows = [json.loads(row) for (row,) in cursor.fetchall()]
    if not rows:
        return ""
    columns = ", ".join(f'"{name}"' for name in rows[0] if name not in left_out)
    text = json.dumps(rows).replace("'", "''")
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, '{text}')"
