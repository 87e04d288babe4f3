"""The house that the faults are caused in: real processes of the product on a database of the test's own.

def test_fault_3_…(house):
    house.worker(); house.sweeper()                  # qcluster and sweeper, as serve starts them
    job = house.enqueue("faults.patient", mark="m")  # kinds: tests/faults/kinds/handlers.py
    line = house.wait_for("start", job=job)          # a line in the ledger outside
    house.kill(line.pid)                             # SIGKILL; the pid goes into the failure message
    house.go("m")                                    # what the handler waits for
    house.wait_job(job, "done")
    assert house.effects() == 1, house.report()

What there is
* fixture `house`: House on the session's server (fsync off); fixture `private_house`: the same on a server of the
  test's own, which it may stop, kill or starve (`private_house(settings="max_connections=20")` – a function).
* `house.world("acme")`, `("globex")`: tests.worlds.World of committed people, password tests.worlds.PASSWORD.
* `house.here(world)`: the ORM in this process, as the app role, inside a committed tenant transaction.
* `house.sql(query, *values)`: rows, as superuser, autocommit; good for looking from outside.
* `house.serve()` (database, web, worker, sweeper under the real supervisor), `house.web()` (gunicorn alone),
  `.worker()`, `.sweeper()`, `.manage("command", …)` (runs to its end), `.start(name, argv, **environment)` (the rest).
  Each takes environment variables as keywords: house.worker(HOLDFAST_JOB_TIMEOUT=2). They return Running: `.pid`,
  `.poll()`, `.wait(seconds)`, `.output()`, `.stop(seconds)` = SIGTERM and its exit code, `.kill_group()`.
* `house.browser()`: requests with cookies to house.web/serve's port; `.sign_in("csm@acme.example")` by the real form.
* `house.wait_until(condition, "what")`: 90 s at most; a failure shows killed pids, the ledger and the logs' ends.
* `house.ledger`: append-only file outside (tests/faults/ledger.py); write from a process of yours by `note("word", …)`.
* `house.pids()`: every live process of this house, found by a mark in its environment; all are killed at the end.
* `house.clock(seconds)`: moves the product's clock for its jobs, in all processes at once (HOLDFAST_CLOCK_FILE).

No monkeypatching here: what must be short is a setting of the product (BRISK below), what must misbehave is a kind of
job of tests/faults/kinds, which tests/faults/settings.py adds to the installed apps.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

from django.conf import settings
from django.db import connection, connections, transaction

from tests.faults import ledger as ledgers
from tests.faults.browser import Browser
from tests.faults.servers import ROOT, clone, drop, superuser
from tests.worlds import World

CEILING = 90.0
# The product's own settings, short: what takes a minute in production takes a second here.
BRISK = {
    "HOLDFAST_SWEEP_EVERY": "0.3",
    "HOLDFAST_BELL_LOST_AFTER": "3",
    "HOLDFAST_JOB_BACKOFF": "0.2",
    "HOLDFAST_STOP_SECONDS": "15",
}


class Running:
    """A process that leads a session of its own, and what it said."""

    def __init__(self, name, popen, log):
        self.name, self.popen, self.log = name, popen, log
        self.pid = popen.pid

    def poll(self):
        return self.popen.poll()

    def wait(self, seconds=CEILING):
        """Its exit code."""
        return self.popen.wait(seconds)

    def output(self):
        return self.log.read_text(errors="replace")

    def stop(self, seconds=CEILING):
        """SIGTERM, and its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill_group(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()


class House:
    def __init__(self, server, var, folder):
        self.server, self.var, self.folder = server, var, folder
        self.mark = uuid.uuid4().hex
        self.database = f"faults_{self.mark[:12]}"
        self.ledger = ledgers.Ledger(folder / "ledger")
        self.port = 0
        self.killed = []
        self.running = []
        self._before = None

    # --- opening and closing, by the fixture -----------------------------------------------------

    def open(self):
        from tests.faults.kinds import handlers

        handlers.register()
        os.environ[ledgers.VARIABLE] = str(self.ledger.path)
        for left in ("audit-anchors.jsonl", "uploads", "exports"):  # another test's; the folder is shared
            shutil.rmtree(self.var / left, ignore_errors=True)
            (self.var / left).unlink(missing_ok=True)
        clone(self.server, self.database)
        params = {**self.server.params("app"), "dbname": self.database}
        names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
        self._before = {name: connection.settings_dict[name] for name in names}
        connection.close()
        connection.settings_dict.update({name: params[short] for name, short in names.items()})
        return self

    def close(self):
        connections.close_all()
        for each in self.running:
            each.kill_group()
        self._kill_the_rest()
        if self._before:
            connection.settings_dict.update(self._before)
        with contextlib.suppress(Exception), superuser(self.server) as admin:
            drop(admin, self.database)

    def _kill_the_rest(self):
        """Whatever left its group: children of a supervisor lead groups of their own."""
        deadline = time.monotonic() + 10
        while (left := self.pids()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    # --- processes -------------------------------------------------------------------------------

    def env(self, **more):
        """The environment of a process of this house; a keyword of None takes a variable away."""
        found = {
            **os.environ,
            **BRISK,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "HOLDFAST_VAR": str(self.var),
            "HOLDFAST_DB_NAME": self.database,
            "HOLDFAST_SECRET_KEY": settings.SECRET_KEY,  # doorbells and sessions made here are good there
            "HOLDFAST_CLOCK_FILE": str(self.folder / "clock"),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            ledgers.VARIABLE: str(self.ledger.path),
            "FAULTS_HOUSE": self.mark,
            **{name: str(value) for name, value in more.items() if value is not None},
        }
        for name in ("HOLDFAST_DB_ROLE", *[name for name, value in more.items() if value is None]):
            if more.get(name) is None:
                found.pop(name, None)
        return found

    def start(self, name, argv, **environment):
        number = sum(each.name == name for each in self.running)
        log = self.folder / f"{name}{number or ''}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [str(each) for each in argv],
                cwd=ROOT,
                env=self.env(**environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(Running(name, popen, log))
        return self.running[-1]

    def python(self, *argv, name="python", **environment):
        return self.start(name, [sys.executable, *argv], **environment)

    def manage(self, *argv, seconds=CEILING, **environment):
        """A command to its end: a finished process with `.returncode` and `.output()`."""
        done = self.python("manage.py", *argv, name=argv[0], **environment)
        done.returncode = done.wait(seconds)
        return done

    def worker(self, *, ready=True, **environment):
        """The real qcluster in its own group, as the worker role; waits until it takes tasks."""
        before = self._beats()
        found = self.python("manage.py", "qcluster", name="worker", **environment)
        if ready:
            self._ring_canary()
            self.wait_until(lambda: self._beats() != before, "the workers' sign of life", alive=found)
        return found

    def sweeper(self, *, ready=True, **environment):
        """The real sweeper; waits until it leads (give ready=False to a second one)."""
        found = self.python("manage.py", "sweeper", name="sweeper", **environment)
        if ready:
            self.wait_until(self.sweeper_session, "a leading sweeper", alive=found)
        return found

    def web(self, *, ready=True, workers=2, **environment):
        """The real web server alone, with the arguments of `serve`."""
        from config.serving import _gunicorn

        self.port = free_port()
        argv = _gunicorn("127.0.0.1", self.port)
        argv[argv.index("--workers") + 1] = str(workers)
        found = self.start("web", argv, **{"HOLDFAST_DB_ROLE": "app", **environment})
        if ready:
            self.wait_ready(found)
        return found

    def serve(self, *, ready=True, **environment):
        """Everything under the real supervisor: `manage.py serve`."""
        self.port = free_port()
        found = self.python("manage.py", "serve", "--port", str(self.port), name="serve", **environment)
        if ready:
            self.wait_ready(found)
        return found

    def wait_ready(self, alive=None):
        self.wait_until(lambda: self.status("/readyz") == 200, "/readyz to answer 200", alive=alive)

    def status(self, path):
        """The answer's code; 0 when nobody answers."""
        import requests

        try:
            return Browser(self.address, timeout=10).get(path).status_code
        except requests.RequestException:
            return 0

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def browser(self, **options):
        return Browser(self.address, **options)

    def pids(self):
        """Every live process of this house, whatever its group or parent; zombies are dead."""
        mark = f"FAULTS_HOUSE={self.mark}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if mark in (entry / "environ").read_bytes().split(b"\0") and lives(int(entry.name)):
                        found.append(int(entry.name))
        return sorted(found)

    def kill(self, pid, sig=signal.SIGKILL, *, note=""):
        """Send the signal to one process and remember its pid for the failure message."""
        self.killed.append((pid, signal.Signals(sig).name, note or command_of(pid)))
        os.kill(pid, sig)

    def wait_dead(self, *pids):
        self.wait_until(lambda: not any(map(lives, pids)), f"the end of {pids}")

    # --- waiting and reporting -------------------------------------------------------------------

    def wait_until(self, condition, what, *, seconds=CEILING, alive=None, every=0.05):
        """The condition's answer once it is true. `alive`: a process that must not end meanwhile."""
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            ended = alive is not None and alive.poll() is not None
            if ended or time.monotonic() > deadline:
                why = f"{alive.name} ended with {alive.poll()}" if ended else f"{seconds:g} s passed"
                raise AssertionError(f"waited for {what}, but {why}\n{self.report()}")
            time.sleep(every)
        return answer

    def wait_for(self, word, count=1, *, seconds=CEILING, **wanted):
        """The newest of `count` ledger lines of this word with these details."""
        what = f"{count} x {word} {wanted} in the ledger"
        self.wait_until(lambda: self.ledger.count(word, **wanted) >= count, what, seconds=seconds)
        return self.ledger.lines(word, **wanted)[count - 1]

    def report(self):
        """For failure messages: the killed pids, the ledger, the jobs, the ends of the logs."""
        parts = [f"killed: {self.killed or 'nobody'}", f"ledger {self.ledger.path}:\n{self.ledger}"]
        with contextlib.suppress(Exception):
            names = "id, kind, state, attempts, left(last_error, 80)"
            rows = self.sql(f"SELECT {names} FROM jobs_job WHERE state <> 'done' ORDER BY id LIMIT 30")
            parts.append("jobs not done:\n" + "\n".join(map(str, rows)))
        for each in self.running:
            lines = each.output().splitlines()[-15:]
            parts.append(f"--- {each.name} (pid {each.pid}, {each.poll()}):\n" + "\n".join(lines))
        return "\n".join(parts)

    # --- the product's data ----------------------------------------------------------------------

    def sql(self, query, *values):
        """Rows as the superuser, from outside of every process of the product."""
        with superuser(self.server, self.database) as session:
            found = session.execute(query, values or None)
            return found.fetchall() if found.description else []

    def one(self, query, *values):
        return self.sql(query, *values)[0][0]

    def world(self, slug="acme"):
        from tenants.models import Membership, Tenant

        tenant = Tenant.objects.get(slug=slug)
        world = World(tenant)
        with transaction.atomic():
            for each in Membership.objects.filter(tenant=tenant).select_related("user", "tenant"):
                world.people[each.user.email.split("@")[0]] = each
        return world

    def here(self, world):
        from tenants.scoping import tenant_transaction

        return tenant_transaction(world.tenant.pk)

    @contextlib.contextmanager
    def as_role(self, role):
        """The ORM in this process as another role, such as "worker"."""
        params = self.server.params(role)
        before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
        connection.close()
        connection.settings_dict.update(USER=params["user"], PASSWORD=params["password"])
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(before)

    # --- jobs ------------------------------------------------------------------------------------

    def enqueue(self, kind, *, world=None, dedupe_key="", **args):
        """The id of a committed job of acme, or of `world`."""
        from jobs import services

        world = world or self.world()
        with self.here(world):
            return services.enqueue(world.tenant, kind=kind, args=args, dedupe_key=dedupe_key).pk

    def job(self, job_id):
        """(state, attempts, last_error)"""
        return self.sql("SELECT state, attempts, last_error FROM jobs_job WHERE id = %s", job_id)[0]

    def wait_job(self, job_id, state, *, seconds=CEILING):
        self.wait_until(lambda: self.job(job_id)[0] == state, f"job {job_id} to be {state}", seconds=seconds)
        return self.job(job_id)

    def wait_all_jobs(self, *, seconds=CEILING, kind="faults."):
        """Until no job of these kinds waits or runs."""
        query = "SELECT count(*) FROM jobs_job WHERE state IN ('queued', 'running') AND kind LIKE %s"
        self.wait_until(
            lambda: self.one(query, f"{kind}%") == 0, "all jobs to end", seconds=seconds, every=0.2
        )

    def effects(self, word=None):
        """How many effects were committed: audit events of the handlers in tests/faults/kinds."""
        query = "SELECT diff->'after'->>'word' FROM audit_event WHERE verb = 'faults.effect'"
        return sum(word in (None, found) for (found,) in self.sql(query))

    def bells(self):
        return self.one("SELECT count(*) FROM django_q_ormq")

    def go(self, mark):
        """What a waiting handler or the slow page waits for."""
        self.ledger.path.with_name(f"go-{mark}").touch()

    def clock(self, seconds):
        """Set the product's clock this far from the real one, for everything of this house."""
        fresh = self.folder / "clock.new"
        fresh.write_text(f"{seconds}\n")
        fresh.replace(self.folder / "clock")

    def sweeper_session(self):
        """The database's pid of the leading sweeper, or None."""
        from jobs.lease import SWEEPER_CLASS

        rows = self.sql(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())",
            SWEEPER_CLASS,
        )
        return rows[0][0] if rows else None

    def _beats(self):
        return self.sql("SELECT beat_at FROM jobs_workerheartbeat")

    def _ring_canary(self):
        from jobs import heartbeat

        with self.as_role("worker"):
            heartbeat.ask()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lives(pid):
    """Zombies are dead; nobody may have reaped an orphan yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid):
    """Direct children, oldest first."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(each) for each in (task / "children").read_text().split()]
    return sorted(found)


def command_of(pid):
    with contextlib.suppress(OSError):
        return (
            Path(f"/proc/{pid}/cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode(errors="replace")[-80:]
            .strip()
        )
    return ""
