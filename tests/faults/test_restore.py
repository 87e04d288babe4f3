"""Fault 44: the last backup restored into a fresh server; smoke, counts, isolation, seals; the time is printed."""

import json
import os

import pytest

from audit import sealing
from config import embedded
from tests.faults.house import House
from tests.faults.load import an_account
from tests.faults.servers import superuser
from tests.worlds import PASSWORD

TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
AND NOT relispartition AND relname NOT IN ('django_session', 'django_cache', 'django_q_ormq', 'django_q_task',
'django_q_schedule') ORDER BY relname
"""
TAMPER = """
ALTER TABLE audit_event DISABLE TRIGGER USER;
UPDATE audit_event SET actor_label = 'somebody else' WHERE id = (SELECT min(id) FROM audit_event);
ALTER TABLE audit_event ENABLE TRIGGER USER
"""


@pytest.fixture
def full(house):
    """Two tenants with accounts, a job that is due, sealed history."""
    for slug in ("acme", "globex"):
        world = house.world(slug)
        for number in range(20):
            an_account(house, world, name=f"{slug} {number}")
        house.enqueue("faults.quick", world=world, word=f"due in {slug}")
        seal_all(house, world)
    return house


def seal_all(house, world):
    """Until nothing settled is left; another database's transaction may hold it back for a moment."""
    open_ones = "SELECT count(*) FROM audit_event WHERE tenant_id = %s"
    sealed = "SELECT coalesce(sum(event_count), 0) FROM audit_auditseal WHERE tenant_id = %s"

    def done():
        sealing.run(world.tenant, lambda *_: None)
        return house.one(open_ones, world.tenant.pk) == house.one(sealed, world.tenant.pk)

    house.wait_until(done, "every event to be sealed")


@pytest.fixture
def fresh(tmp_path):
    """A var folder where there is nothing: a server of its own with other passwords, gone afterwards."""
    var = tmp_path / "fresh"
    yield var
    embedded.discard(var)


def counts(server, database="holdfast"):
    with superuser(server, database) as session:
        names = [name for (name,) in session.execute(TABLES).fetchall()]
        return {name: session.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def restore(house, file, fresh, *more):
    return house.manage(
        "restore", str(file), *more, "--json", str(fresh) + ".json", HOLDFAST_VAR=fresh, HOLDFAST_DB_NAME=None
    )


def result_of(fresh):
    with open(str(fresh) + ".json", encoding="utf-8") as text:
        return json.load(text)


def test_fault_44_the_backup_of_a_working_installation_lives_again_on_a_fresh_server(full, fresh, tmp_path):
    house, file = full, tmp_path / "backup"
    made = house.manage("backup", str(file), "--json", str(tmp_path / "made.json"))
    assert made.returncode == 0, house.report()
    before = counts(house.server, house.database)
    epoch = house.one("SELECT epoch FROM audit_installation")

    done = restore(house, file, fresh)
    assert done.returncode == 0, house.report()
    assert "What is next" in done.output()
    result = result_of(fresh)
    server = embedded.ensure_running(fresh, on_progress=lambda message: None)
    try:
        after = counts(server)
        # the restore itself leaves one event a tenant: that it recomputed the seals
        assert after == before | {"audit_event": before["audit_event"] + 2}
        assert result["epoch"] == epoch + 1
        assert read_passwords(server) != read_passwords(house.server)
        live_again(house, server, fresh)
    finally:
        embedded.stop_if_idle(server)
    seconds = json.loads((tmp_path / "made.json").read_text())["seconds"]
    print(f"\nbackup {seconds} s, restore {result['seconds']} s, {result['rows']:,} rows")


def read_passwords(server):
    return json.loads(server.home.passwords.read_text())["app"]


def live_again(house, server, fresh):
    """Sign in, write, have a job done, seal; and still nobody sees the other tenant."""
    there = House(server, fresh, house.folder / "there")
    there.folder.mkdir()
    there.database = server.database
    try:
        smoke(there)
    finally:
        for each in there.running:
            each.kill_group()
        there._kill_the_rest()


def smoke(there):
    seals = "SELECT coalesce(max(seq), 0) FROM audit_auditseal"
    sealed_before = there.one(seals)
    serve = there.serve()
    person = there.browser().sign_in("csm@acme.example", PASSWORD)
    page = person.get("/t/acme/accounts/")
    assert page.status_code == 200
    assert "acme 0" in page.text
    assert "globex" not in page.text
    assert person.get("/t/globex/accounts/").status_code == 404
    account = there.one("SELECT id FROM accounts_account WHERE name = 'acme 0'")
    assert person.post(f"/t/acme/accounts/{account}/notes/", {"text": "after"}).status_code == 303
    there.wait_all_jobs()
    assert there.one("SELECT count(*) FROM jobs_job WHERE kind = 'faults.quick' AND state = 'done'") == 2
    there.wait_until(
        lambda: there.one(seals) > sealed_before, "a seal over events of the new life", alive=serve
    )
    assert serve.stop() == 0, there.report()
    assert there.manage("audit_verify").returncode == 0, there.report()


def test_fault_44_a_history_that_was_changed_is_not_passed_off_as_whole(full, fresh, tmp_path):
    """The row is back as it was in the backup, and the restore says that it does not agree with its seal."""
    with superuser(full.server, full.database) as session:
        for statement in TAMPER.split(";"):
            session.execute(statement)
    assert full.manage("backup", str(tmp_path / "backup")).returncode == 0, full.report()
    done = restore(full, tmp_path / "backup", fresh)
    assert done.returncode == 1, full.report()
    assert "event log" in done.output()
    assert "Traceback" not in done.output()


def test_fault_44_a_restore_that_was_killed_leaves_nothing_and_runs_again(full, fresh, tmp_path):
    assert full.manage("backup", str(tmp_path / "backup")).returncode == 0, full.report()
    first = full.python(
        "manage.py",
        "restore",
        str(tmp_path / "backup"),
        name="restore",
        HOLDFAST_VAR=fresh,
        HOLDFAST_DB_NAME=None,
    )
    full.wait_until(lambda: "restoring the database" in first.output(), "the restore to begin", alive=first)
    full.kill(first.pid)
    first.wait()
    for pid in full.pids():  # pg_restore, which lost its parent
        full.kill(pid)
    again = restore(full, tmp_path / "backup", fresh, "--replace")
    assert again.returncode == 0, full.report()
    assert result_of(fresh)["tenants"] == 2


def test_fault_44_a_disk_that_fills_up_leaves_no_file(full, tmp_path):
    """By a limit on the size of files that the kernel holds the command to."""
    code = (
        "import resource, sys, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        f"sys.argv = ['manage.py', 'backup', {str(tmp_path / 'backup')!r}];"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    done = full.python("-c", code, name="backup")
    assert done.wait() == 1, full.report()
    assert "no room" in done.output()
    assert not [name for name in os.listdir(tmp_path) if "backup" in name and not name.endswith(".log")]
