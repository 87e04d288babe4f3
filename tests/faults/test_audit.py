"""Faults 40 and 41: history rewritten by somebody with all the power over the database, and sealers that die."""

import json
import re
import signal

import psycopg
import pytest

from tests.faults import load
from tests.faults.servers import superuser

SEALS = (
    "SELECT seq, event_count, previous_hash, seal_hash, last_key FROM audit_auditseal"
    " WHERE tenant_id = %s ORDER BY seq"
)
SEAL_ALL = "import django; django.setup()\n" + load.SEAL


@pytest.fixture
def house(private_house):
    """A server and a var folder of the test's own: no other transaction to wait for, no other test's anchors."""
    return private_house()


def say(house, world, *words):
    """Events of one transaction."""
    from audit.services import record
    from tenants.access import SYSTEM

    with house.here(world):
        for word in words:
            record(world.tenant, verb="tests.said", by=SYSTEM, after={"word": word})


def seals(house, world):
    return house.sql(SEALS, world.tenant.pk)


def sealed_history(house, world):
    """Three seals; nothing settled is left over."""
    for words in (["one", "two"], ["three"], ["four", "five", "six"]):
        say(house, world, *words)
        load.python(house, load.SEAL)
    found = seals(house, world)
    assert len(found) == 3, found
    assert found[-1][1] == 3
    return found


def verify(house):
    """The exit code of audit_verify and what it says of each tenant."""
    done = house.manage("audit_verify", "--json", str(house.folder / "report.json"))
    report = json.loads((house.folder / "report.json").read_text())
    return done.returncode, {each["tenant"]: each for each in report["tenants"]}, done.output()


def rewrite(house, statement, *values):
    """As the superuser, past privileges and triggers: how many rows it touched."""
    with superuser(house.server, house.database) as session:
        session.execute("SET session_replication_role = replica")
        return session.execute(statement, values or None).rowcount


TAMPERING = {
    "a row changed": ("UPDATE audit_event SET actor_label = 'Nobody' WHERE id = %s", "an event was changed"),
    "a row deleted": ("DELETE FROM audit_event WHERE id = %s", "1 of 3 events is missing"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_fault_40_one_row_touched_as_superuser_is_named_with_tenant_and_range(house, what):
    acme, globex = house.world("acme"), house.world("globex")
    found = sealed_history(house, acme)
    say(house, globex, "theirs")
    load.python(house, load.SEAL.replace('"acme"', '"globex"'))
    assert verify(house)[0] == 0
    statement, said = TAMPERING[what]
    assert rewrite(house, statement, found[-1][4][2]) == 1
    code, reports, output = verify(house)
    assert code == 1, output
    (fault,) = reports["acme"]["faults"]
    assert (fault["seq"], said in fault["what"]) == (3, True), fault
    assert (fault["after"], fault["upto"]) == (found[1][4], found[2][4]), "the range"
    assert "The event log of acme does not agree" in output
    assert reports["globex"]["ok"], "the other tenant's chain is untouched"


def test_fault_40_an_emptied_month_is_named_seal_by_seal(house):
    acme = house.world()
    found = sealed_history(house, acme)
    month = house.one("SELECT tableoid::regclass::text FROM audit_event LIMIT 1")
    with superuser(house.server, house.database) as session:
        with pytest.raises(psycopg.Error, match="append-only"):
            session.execute(f"TRUNCATE {month}")  # even the superuser, by accident
        session.execute(f"ALTER TABLE {month} DISABLE TRIGGER ALL")
        session.execute(f"TRUNCATE {month}")
    code, reports, output = verify(house)
    assert code == 1, output
    assert [fault["seq"] for fault in reports["acme"]["faults"]] == [seal[0] for seal in found]
    assert all("missing" in fault["what"] for fault in reports["acme"]["faults"])


ANCHOR = """
from audit import sealing
from tenants.models import Tenant
from tenants.scoping import tenant_transaction
tenant = Tenant.objects.get(slug="acme")
with tenant_transaction(tenant.pk):
    print(sealing.write_anchor(tenant, None)["seal_hash"])
"""


def test_fault_40_history_rewritten_and_sealed_anew_differs_from_the_anchor_outside(house):
    acme = house.world()
    found = sealed_history(house, acme)
    anchored = load.python(house, ANCHOR).splitlines()[-1]
    assert anchored == found[-1][3]
    assert verify(house)[0] == 0
    rewrite(house, "UPDATE audit_event SET actor_label = 'Nobody' WHERE id = %s", found[0][4][2])
    rewrite(house, "DELETE FROM audit_auditseal")
    load.python(house, load.SEAL)
    chain = seals(house, acme)
    assert chain, "sealed anew"
    code, reports, output = verify(house)
    assert code == 1, output
    whats = [fault["what"] for fault in reports["acme"]["faults"]]
    assert whats, output
    assert all(re.match(r"differs from the anchor|anchored once, gone now", what) for what in whats), whats


# --- sealers that die, and transactions that commit late -------------------------------------------


def sealer(house):
    return house.python("-c", SEAL_ALL, name="sealer", HOLDFAST_DB_ROLE="worker")


def at_the_lock(house, count):
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'holdfast_worker'"
    )
    return lambda: house.one(waiting) == count


def check_chain(house, world):
    """Without a gap, without an event twice or left out."""
    found = seals(house, world)
    assert [seal[0] for seal in found] == list(range(1, len(found) + 1)), found
    previous = ["0" * 64, *[seal[3] for seal in found]]
    assert [seal[2] for seal in found] == previous[:-1], found
    upto = found[-1][4]
    events = house.one(
        "SELECT count(*) FROM audit_event WHERE tenant_id = %s AND (epoch, xid, id) <= (%s, %s, %s)",
        world.tenant.pk, *upto,
    )  # fmt: skip
    assert sum(seal[1] for seal in found) == events, house.report()
    code, _, output = verify(house)
    assert code == 0, output


def test_fault_41_a_sealer_killed_between_root_and_row_leaves_neither_gap_nor_double(house):
    acme = house.world()
    say(house, acme, "one", "two")
    with superuser(house.server, house.database) as session, session.transaction():
        session.execute("LOCK TABLE audit_auditseal IN SHARE MODE")  # the root is made; its row has to wait
        first = sealer(house)
        house.wait_until(at_the_lock(house, 1), "the sealer to write its seal", alive=first)
        second = sealer(house)
        house.wait_until(at_the_lock(house, 2), "another one to wait for the first", alive=second)
        house.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert second.wait() == 0, second.output()
    assert len(seals(house, acme)) == 1, house.report()
    check_chain(house, acme)
    say(house, acme, "three")
    load.python(house, load.SEAL)
    assert seals(house, acme)[-1][1] >= 1
    check_chain(house, acme)


def test_fault_41_a_transaction_that_commits_late_is_sealed_and_nothing_passes_it_by(house):
    acme = house.world()
    say(house, acme, "before")
    load.python(house, load.SEAL)
    before = seals(house, acme)
    params = {**house.server.params("app"), "dbname": house.database}
    with psycopg.connect(**params) as late:
        late.execute("SELECT set_config('app.tenant_id', %s, true)", [str(acme.tenant.pk)])
        late.execute(
            "INSERT INTO audit_event (tenant_id, verb, actor_kind, actor_id, actor_label, diff) VALUES"
            " (%s, 'tests.said', 'system', 'system', 'Holdfast', '{}')",
            [acme.tenant.pk],
        )
        say(house, acme, "later begun, earlier committed")
        load.python(house, load.SEAL)
        assert seals(house, acme) == before, "an older transaction is open: nothing newer may be sealed"
        killed = sealer(house)
        house.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        late.commit()
    load.python(house, load.SEAL)
    after = seals(house, acme)
    assert len(after) == len(before) + 1
    assert after[-1][1] == 2, "both events, in one seal"
    check_chain(house, acme)
