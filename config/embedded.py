"""The embedded PostgreSQL: started on demand, shared by concurrent processes, stopped by the last one.

Three things decide, and none of them is a pid, since a pid may be stale, reused or a zombie:

* a real connection says whether the server answers;
* the kernel lock on `running.lock`, inherited by every PostgreSQL process, says whether one of them still
  lives, so nobody starts a second server over a recovering one;
* the shared kernel lock on `users.lock`, one for each process between `ensure_running` and `stop_if_idle`,
  says whether anybody still wants it. A killed process drops its locks, so the next one can take over.
"""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from config import roles
from config.embedded_home import PORT, SUPERUSER, EmbeddedError, Home, packaged_bin, read_passwords
from config.embedded_launch import START_SECONDS, Progress, launch, postmaster_lives, shut_down

__all__ = [
    "EmbeddedError", "Server", "connection_params", "discard", "ensure_running", "find", "is_alive",
    "packaged_bin", "stop", "stop_if_idle",
]  # fmt: skip

_leases: dict[tuple[int, Path], int] = {}


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Server:
    """An embedded server; whether it runs is another question (`is_alive`)."""

    socket_dir: Path
    data_dir: Path
    port: int = PORT
    database: str = roles.DATABASE

    @property
    def home(self) -> Home:
        return Home(self.data_dir.parent)

    def params(self, role: str) -> dict[str, str]:
        """psycopg keywords for owner, app, worker, backup, or postgres (the superuser, for set-up only)."""
        return {
            "host": str(self.socket_dir),
            "port": str(self.port),
            "user": roles.LOGINS.get(role, role),
            "password": read_passwords(self.home)[role],
            "dbname": self.database,
        }

    def url(self, role: str) -> str:
        """The same as one postgresql:// address."""
        params = self.params(role)
        where = urlencode({"host": params["host"], "port": params["port"]})
        user = f"{quote(params['user'])}:{quote(params['password'], safe='')}"
        return f"postgresql://{user}@/{quote(params['dbname'])}?{where}"


def _server(home: Home) -> Server:
    return Server(socket_dir=home.socket_dir, data_dir=home.data)


def connection_params(var: Path, role: str) -> dict[str, str]:
    """Django's NAME, USER, PASSWORD, HOST and PORT. Starts nothing; makes the passwords on first use."""
    params = _server(Home.of(var)).params(role)
    return {
        "NAME": params["dbname"],
        "USER": params["user"],
        "PASSWORD": params["password"],
        "HOST": params["host"],
        "PORT": params["port"],
    }


def find(var: Path) -> Server | None:
    """The server of this var folder if it runs now; never starts or makes anything."""
    server = _server(Home.of(var))
    return server if is_alive(server) else None


def is_alive(server: Server) -> bool:
    """Whether it accepts connections at this moment. Finding all of them taken counts as alive."""
    return _ping(server) == pq.Ping.OK


def ensure_running(var: Path, *, on_progress: Progress = _to_stderr) -> Server:
    """Create, start and set up the server of `var` as far as needed, and keep it from being stopped under us."""
    home = Home.of(var)
    home.make()
    home.check_socket_dir()
    _take_lease(home)
    server = _server(home)
    if not _is_ready(server):
        with _only_one(home, on_progress):
            _start(server, on_progress)
            _set_up(server, on_progress)
    return server


def stop_if_idle(server: Server) -> bool:
    """Stop it unless another process uses it; True if it is down now. Close your own connections first."""
    lease = _leases.pop((os.getpid(), server.home.base), None)
    lease = _open(server.home.base / "users.lock") if lease is None else lease
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)  # while we hold this, nobody can start using it
        if _has_clients(server):
            return False
        _shut_down(server)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(lease)


def stop(server: Server) -> None:
    """Stop it now, whoever uses it; unfinished transactions are rolled back."""
    with _only_one(server.home, _to_stderr):
        _shut_down(server)


def discard(var: Path) -> None:
    """Stop the server of `var` and delete its data, binaries and passwords. For tests and throw-away copies."""
    home = Home.of(var)
    if home.base.exists():
        stop(_server(home))
        shutil.rmtree(home.base)
        shutil.rmtree(home.socket_dir, ignore_errors=True)


# --- locks --------------------------------------------------------------------------------------


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _take_lease(home: Home) -> None:
    """Hold `users.lock` for the life of this process. Waits while another process is stopping the server."""
    key = (os.getpid(), home.base)  # a forked child is a user of its own
    if key not in _leases:
        _leases[key] = _open(home.base / "users.lock")
        fcntl.flock(_leases[key], fcntl.LOCK_SH)


@contextmanager
def _only_one(home: Home, on_progress: Progress) -> Iterator[None]:
    """One starter or stopper at a time."""
    lock = _open(home.base / "start.lock")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress("Waiting for another process that is starting the database …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _running_lock(home: Home) -> int | None:
    """The lock that all processes of the server inherit; None while one of them lives."""
    lock = _open(home.base / "running.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


# --- what the server says -----------------------------------------------------------------------


def _ping(server: Server) -> pq.Ping:
    """OK, REJECT (starting, recovering or stopping) or NO_RESPONSE, from a real connection attempt."""
    where = make_conninfo(
        host=str(server.socket_dir), port=server.port, user=SUPERUSER, dbname=SUPERUSER, connect_timeout=5
    )
    return pq.Ping(pq.PGconn.ping(where.encode()))


def _superuser(server: Server) -> str:
    return make_conninfo(**{**server.params(SUPERUSER), "dbname": SUPERUSER}, connect_timeout=10)


def _is_ready(server: Server) -> bool:
    """Answers, and this version's roles and database are in place."""
    if not is_alive(server):
        return False
    try:
        with psycopg.connect(_superuser(server), autocommit=True) as connection:
            return roles.is_current(connection, server.database)
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise EmbeddedError(
                f"The passwords in {server.home.passwords} are not those of {server.data_dir}: "
                "restore the file that belongs to it."
            ) from error
        return False  # it went away between the two questions


def _has_clients(server: Server) -> bool:
    """Whether anybody else is connected. A connection just closed lingers for a moment: look more than once."""
    for attempt in range(10):
        if not is_alive(server):
            return False
        try:
            with psycopg.connect(_superuser(server), autocommit=True) as connection:
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchone()
        except psycopg.OperationalError:  # no free connection, or going down: not ours to stop
            return True
        if row == (0,):
            return False
        time.sleep(0.02 * (attempt + 1))
    return True


# --- starting and stopping ----------------------------------------------------------------------


def _start(server: Server, on_progress: Progress) -> None:
    """Wait for a server that is on its way, or start one once none of its processes lives."""
    began = told = time.monotonic()
    while (answer := _ping(server)) != pq.Ping.OK:
        lock = _running_lock(server.home) if answer != pq.Ping.REJECT else None
        if lock is not None:
            try:
                if not postmaster_lives(server.home):
                    return launch(server.home, lock, on_progress)
            finally:
                os.close(lock)  # the server keeps its inherited copy
        now = time.monotonic()
        if now - began > START_SECONDS:
            raise EmbeddedError(
                f"PostgreSQL in {server.data_dir} lives, but has not answered for {START_SECONDS} s. "
                f"If it is still recovering, run this again; its log is {server.home.log}."
            )
        if now - told > 5:
            on_progress(f"PostgreSQL is still starting or recovering, {now - began:.0f} s so far …")
            told = now
        time.sleep(0.1)


def _shut_down(server: Server) -> None:
    """Harmless when it is down already."""
    lock = _running_lock(server.home) if _ping(server) == pq.Ping.NO_RESPONSE else None
    if lock is not None:
        os.close(lock)
        return
    shut_down(server.home)


def _set_up(server: Server, on_progress: Progress) -> None:
    """Roles and database, unless this version's set-up is done."""
    if _is_ready(server):
        return
    on_progress("Setting up the database roles …")
    passwords = {role: word for role, word in read_passwords(server.home).items() if role != SUPERUSER}
    try:
        roles.set_up(_superuser(server), database=server.database, passwords=passwords)
    except roles.RolesError as error:
        raise EmbeddedError(str(error)) from error
