"""Faults 42 and 43: a new version comes in while the old one is at work, and a migration that is killed half-way."""

import threading
import time

import httpx
import pytest

from tests.faults.load import an_account, writing
from tests.faults.servers import superuser

NEXT = {"DJANGO_SETTINGS_MODULE": "tests.faults.settings_next"}
PAGES = ["/t/acme/accounts/", "/t/acme/queue/", "/readyz"]
LOCKS = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8 FROM pg_locks l
JOIN pg_stat_activity a USING (pid)
WHERE NOT l.granted AND l.locktype = 'relation' AND a.usename IN ('holdfast_app', 'holdfast_worker')
"""


class Readers:
    """People who open pages, one after the other, with a real client."""

    def __init__(self, addresses, cookies, count=3):
        self.addresses, self.cookies = addresses, cookies
        self.answers = []  # (status, seconds)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=[number]) for number in range(count)]

    def _read(self, number):
        with httpx.Client(cookies=self.cookies, timeout=60, trust_env=False) as client:
            turn = number
            while not self._stop.is_set():
                turn += 1
                address = self.addresses[turn % len(self.addresses)]
                began = time.monotonic()
                try:
                    status = client.get(address + PAGES[turn % len(PAGES)]).status_code
                except httpx.HTTPError as error:
                    status = f"{type(error).__name__}"
                self.answers.append((status, time.monotonic() - began))

    def __enter__(self):
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for each in self._threads:
            each.join(90)

    def bad(self):
        return [status for status, _ in self.answers if not isinstance(status, int) or status >= 500]


class LockWatch:
    """The longest time that a page or a job waited for a table, seen from outside."""

    def __init__(self, house):
        self._house, self.longest = house, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        with superuser(self._house.server, self._house.database) as session:
            while not self._stop.wait(0.03):
                [(waited,)] = session.execute(LOCKS).fetchall()
                self.longest = max(self.longest, waited)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)


@pytest.fixture
def busy(house):
    """The present release at work: pages, workers, jobs."""
    account = an_account(house)
    house.worker()
    house.sweeper()
    house.web()
    return account


def test_fault_42_migrating_under_load_with_old_and_new_code_at_once(house, busy):
    browser = house.browser().sign_in("csm@acme.example")
    old = house.address
    cookies = dict(browser.session.cookies)
    house.enqueue("faults.quick", word="before")
    with (
        LockWatch(house) as locks,
        writing(house, browser, busy, count=2) as writers,
        Readers([old], cookies) as readers,
    ):
        # a long report reads the very table that the migration changes
        with superuser(house.server, house.database) as report:
            report.execute("BEGIN")
            report.execute("SELECT count(*) FROM accounts_account")
            migrate = house.python("manage.py", "migrate", name="migrate", **NEXT)
            house.wait_until(lambda: "trying again" in migrate.output(), "migrate to give way", alive=migrate)
            report.execute("COMMIT")
        assert migrate.wait(180) == 0, house.report()
        kept = writers.kept()
        new = house.web(workers=1, **NEXT)
        house.wait_until(lambda: writers.kept() > kept + 3, "notes after the migration")
        house.enqueue("faults.quick", word="after")
        with Readers([old, house.address], cookies, count=2) as both:
            house.wait_until(lambda: len(both.answers) > 30, "pages of both releases", alive=new)
    assert not readers.bad() + both.bad(), f"{readers.bad()} {both.bad()}\n{house.report()}"
    assert not [status for status in writers.statuses() if status >= 500 or status == 0], writers.statuses()
    assert sum(status == 200 for status, _ in readers.answers) > 20
    assert locks.longest < 2.5, f"a page waited {locks.longest:.2f} s for a table\n{house.report()}"
    house.wait_until(lambda: house.effects() == 2, "both jobs")
    applied = house.one("SELECT count(*) FROM django_migrations WHERE app = 'faults_next'")
    assert applied == 5
    print(
        f"\nlongest wait for a table {locks.longest:.2f} s, {len(readers.answers)} pages, {writers.statuses()}"
    )


def tables(house):
    return {
        name for (name,) in house.sql("SELECT tablename FROM pg_tables WHERE tablename LIKE 'faults_next_%'")
    }


def test_fault_43_a_migration_killed_half_way_leaves_nothing_and_runs_again(house):
    migrate = house.python("manage.py", "migrate", name="migrate", FAULTS_STOP_HALF_WAY=1, **NEXT)
    house.wait_for("half way")
    house.kill(migrate.pid)
    migrate.wait()
    gone = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'holdfast_owner' AND datname = current_database()"
    house.wait_until(lambda: house.one(gone) == 0, "the killed migration's session to end")
    assert tables(house) == {"faults_next_colour"}, house.report()
    again = house.manage("migrate", **NEXT)
    assert again.returncode == 0, house.report()
    assert tables(house) == {"faults_next_colour", "faults_next_first", "faults_next_second"}


def test_fault_43_an_index_killed_while_it_was_made_is_made_anew(house):
    assert house.manage("migrate", "faults_next", "0002", **NEXT).returncode == 0, house.report()
    with superuser(house.server, house.database) as writer:
        writer.execute("BEGIN")
        writer.execute(
            "INSERT INTO faults_next_colour (name) VALUES ('red')"
        )  # the index must wait for this one
        migrate = house.python("manage.py", "migrate", name="migrate", **NEXT)
        making = "SELECT pid FROM pg_stat_progress_create_index"
        house.wait_until(lambda: house.sql(making), "the index to be in the making", alive=migrate)
        backend = house.one(making)
        house.kill(migrate.pid)
        migrate.wait()
        house.sql("SELECT pg_terminate_backend(%s)", backend)
        house.wait_until(lambda: not house.sql(making), "the end of its session")
        writer.execute("COMMIT")
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'faults_next_colour_ix'::regclass"
    assert house.one(valid) is False, "nothing was left behind, so this test saw nothing"
    again = house.manage("migrate", **NEXT)
    assert again.returncode == 0, house.report()
    assert house.one(valid) is True
    assert house.one("SELECT count(*) FROM faults_next_colour") == 1
