"""Committed events, and the wait until they are settled: another database's open transaction holds them back too."""

import time

from django.db import connection, transaction

from audit import log
from audit.events import ORIGIN
from audit.services import record
from tenants.access import SYSTEM
from tenants.scoping import tenant_transaction
from tests.worlds import make_world


def committed_world(slug="acme"):
    with transaction.atomic():
        return make_world(slug)


def say(world, *words, verb="tests.said", **about):
    """One transaction with these events; the last one's key."""
    with tenant_transaction(world.tenant.pk):
        keys = [record(world.tenant, verb=verb, by=SYSTEM, after={"word": word}, **about) for word in words]
    return keys[-1]


def wait_until_settled(world, key):
    """Until nothing older than this event can still commit."""
    deadline = time.monotonic() + 60
    before = (key[0], key[1], key[2] - 1)
    while True:
        with tenant_transaction(world.tenant.pk):
            if log.settled_after(world.tenant, after=before, limit=1):
                return
        assert time.monotonic() < deadline, "some transaction of this server stays open"
        time.sleep(0.05)


def words(world):
    """What the log holds in its own order."""
    with tenant_transaction(world.tenant.pk):
        rows = log.between(world.tenant, after=ORIGIN, upto=(9, 2**60, 2**60), limit=1000)
        return [event.after["word"] for event in map(log.event_of, rows) if event.verb == "tests.said"]


def in_other_session(params):
    """A second session of the app role, where a transaction can be held open."""
    import psycopg

    return psycopg.connect(**params)


def raw_say(session, tenant_id, word):
    session.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant_id)])
    session.execute(
        "INSERT INTO audit_event (tenant_id, verb, actor_kind, actor_id, actor_label, diff) "
        "VALUES (%s, 'tests.said', 'system', 'system', 'Holdfast', jsonb_build_object('after', "
        "jsonb_build_object('word', %s::text)))",
        [tenant_id, word],
    )


def app_params(server):
    return {**server.params("app"), "dbname": connection.settings_dict["NAME"]}
