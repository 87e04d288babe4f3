"""The embedded server against real signals: concurrent starters, killed starters, killed servers."""

import json
import os
import shutil
import signal
import stat
import sys
import time
from pathlib import Path

import psycopg
import pytest

from config import embedded
from config.embedded_home import Home, server_bin
from config.embedded_launch import _run

from .conftest import ROOT, ask, do, python

pytestmark = pytest.mark.processes
STARTED = "SELECT pg_postmaster_start_time()::text"
START = "import sys, pathlib; from config import embedded; s = embedded.ensure_running(pathlib.Path(sys.argv[1]))\n"
KILL_MYSELF = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def postmaster_pid(server):
    return int((server.data_dir / "postmaster.pid").read_text().split("\n")[0])


def test_a_fresh_server_is_private_and_serves_every_role(server, var):
    for role in ("owner", "app", "worker", "backup"):
        assert ask(server, role, "SELECT current_user::text") == (f"holdfast_{role}",)
        with psycopg.connect(server.url(role)) as connection:
            assert connection.info.user == f"holdfast_{role}"
    assert ask(server, "app", "SHOW listen_addresses") == ("",)
    assert ask(server, "app", "SHOW data_checksums") == ("on",)
    assert ask(server, "app", "SHOW jit") == ("off",)
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.home.passwords.stat().st_mode) == 0o600
    assert len(os.fsencode(server.socket_dir / ".s.PGSQL.5432")) <= 107
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**{**server.params("app"), "password": "wrong"})


def test_connection_params_are_known_before_anything_runs(var):
    before = embedded.connection_params(var, "app")
    assert embedded.find(var) is None
    server = embedded.ensure_running(var)
    assert embedded.connection_params(var, "app") == before
    assert embedded.find(var) == server
    with psycopg.connect(
        host=before["HOST"],
        port=before["PORT"],
        user=before["USER"],
        password=before["PASSWORD"],
        dbname=before["NAME"],
    ):
        pass


def test_four_starters_at_once_share_one_server(var):
    ask_when = (
        "import psycopg; print(psycopg.connect(s.url('app')).execute(" + repr(STARTED) + ").fetchone()[0])"
    )
    starters = [python(START + ask_when, var) for _ in range(4)]
    answers = [starter.communicate(timeout=60)[0].strip() for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0, 0, 0]
    assert len(set(answers)) == 1, answers
    assert answers[0] == ask(embedded.find(var), "app", STARTED)[0]


@pytest.mark.parametrize("moment", ["Creating", "Starting", "Setting up"])
def test_a_starter_killed_half_way_leaves_nothing_to_repair(var, moment):
    code = (
        "import sys, pathlib, os, signal, threading; from config import embedded\n"
        "def die_soon(message):\n"
        "    if message.startswith(sys.argv[2]):\n"
        "        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGKILL]).start()\n"
        "embedded.ensure_running(pathlib.Path(sys.argv[1]), on_progress=die_soon)\n"
        "import time; time.sleep(60)"
    )
    starter = python(code, var, moment)
    assert starter.wait(timeout=60) == -signal.SIGKILL
    server = embedded.ensure_running(var)
    assert ask(server, "app", "SELECT 1") == (1,)


def test_the_next_owner_can_use_and_stop_what_a_killed_starter_left(var):
    assert python(START + KILL_MYSELF, var).wait(timeout=60) == -signal.SIGKILL
    left = embedded.find(var)
    assert left is not None
    began = ask(left, "app", STARTED)
    server = embedded.ensure_running(var)
    assert ask(server, "app", STARTED) == began, "a second server was started"
    assert embedded.stop_if_idle(server)
    assert embedded.find(var) is None


def test_it_is_stopped_only_when_nobody_else_uses_it(server, var):
    with psycopg.connect(**server.params("app")):
        assert not embedded.stop_if_idle(server), "a client was connected"
    embedded.ensure_running(var)
    user = python(START + "print('here', flush=True); sys.stdin.read()", var, stdin=-1)
    assert user.stdout.readline() == "here\n"
    assert not embedded.stop_if_idle(server), "another process was between two connections"
    user.communicate()
    assert embedded.stop_if_idle(server)
    assert not embedded.is_alive(server)


def test_a_killed_server_comes_back_with_every_acknowledged_row(server, var):
    do(server, "owner", "CREATE TABLE kept (n int)", "INSERT INTO kept SELECT generate_series(1, 1000)")
    os.kill(postmaster_pid(server), signal.SIGKILL)
    again = embedded.ensure_running(var)  # at once: the dead process may still be a zombie
    assert ask(again, "app", "SELECT count(*) FROM kept") == (1000,)


@pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans is Linux's")
def test_a_zombie_that_nobody_reaps_does_not_block_the_next_start(var):
    code = (
        "import ctypes, os, signal, time\n"
        "ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # orphans become ours, and we never reap them\n"
        + START
        + "pid = int((s.data_dir / 'postmaster.pid').read_text().split()[0])\n"
        "os.kill(pid, signal.SIGKILL); time.sleep(0.3)\n"
        "print(open(f'/proc/{pid}/stat').read().rsplit(')')[1].split()[0])\n"
        "s = embedded.ensure_running(pathlib.Path(sys.argv[1])); print(embedded.is_alive(s))"
    )
    starter = python(code, var)
    assert starter.communicate(timeout=60)[0].split() == ["Z", "True"]


def test_a_recovery_of_more_than_ten_seconds_is_waited_for(server, var, tmp_path, monkeypatch):
    """A slow archive stands in for a large log. The first starter is killed, so the next one meets it midway."""
    do(server, "owner", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
    os.kill(postmaster_pid(server), signal.SIGKILL)
    slow = server.home.base / "slow-archive"
    slow.write_text("#!/bin/sh\nsleep 11\nexit 1\n")
    slow.chmod(0o755)
    signal_file = server.data_dir / "recovery.signal"
    signal_file.touch()
    shutil.chown(signal_file, server.data_dir.stat().st_uid)
    monkeypatch.setenv("HOLDFAST_POSTGRES_SETTINGS", f"fsync=off shared_buffers=16MB restore_command={slow}")
    began = time.monotonic()
    first = python(START, var)
    time.sleep(2)
    first.kill()
    first.communicate()
    told = []
    again = embedded.ensure_running(var, on_progress=told.append)
    assert time.monotonic() - began > 10
    assert any("recovering" in message for message in told), told
    assert not any("Creating" in message or "Starting" in message for message in told), told
    assert ask(again, "app", "SELECT n FROM kept") == (1,)


def test_a_restart_by_hand_is_found_and_stopped_like_our_own(server, var):
    _run(
        server.home,
        [server_bin(server.home) / "pg_ctl", "restart", "-D", server.data_dir, "-m", "fast", "-w"],
    )
    again = embedded.ensure_running(var, on_progress=lambda message: pytest.fail(message))
    assert ask(again, "app", "SELECT 1") == (1,)
    embedded.stop(again)
    assert not embedded.is_alive(again)


def test_data_of_another_major_version_is_refused_untouched(server, var):
    embedded.stop(server)
    version = server.data_dir / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(embedded.EmbeddedError, match=r"made by PostgreSQL 17, this is 18.*backup"):
        embedded.ensure_running(var)
    version.write_text("18\n")
    assert ask(embedded.ensure_running(var), "app", "SELECT 1") == (1,)


def test_lost_or_foreign_passwords_are_named(server, var):
    kept = server.home.passwords.read_text()
    server.home.passwords.write_text(json.dumps(dict.fromkeys(json.loads(kept), "other")))
    with pytest.raises(embedded.EmbeddedError, match="are not those of"):
        embedded.ensure_running(var)
    server.home.passwords.unlink()
    with pytest.raises(embedded.EmbeddedError, match="is missing"):
        embedded.connection_params(var, "app")
    server.home.passwords.write_text(kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
def test_as_root_below_a_folder_nobody_else_can_enter(tmp_path, var):
    tmp_path.chmod(0o700)
    told = []
    server = embedded.ensure_running(var, on_progress=told.append)
    assert ask(server, "app", "SELECT 1") == (1,)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert server.data_dir.is_relative_to("/var/lib/holdfast")
    assert any(str(server.home.base) in message for message in told), told
    assert server.data_dir.owner() == "holdfast"


def _for_everybody(*paths: str | Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for path in paths for parent in Path(path).resolve().parents)


def _python_for_everybody() -> str:
    """This interpreter, or the system's of the same version when ours lives in root's home."""
    if _for_everybody(sys.executable):
        return sys.executable
    return shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin") or ""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to become")
@pytest.mark.skipif(not _for_everybody(ROOT / "manage.py"), reason="others cannot enter this clone")
@pytest.mark.skipif(not _python_for_everybody(), reason="others cannot run this Python")
def test_as_an_ordinary_user_in_a_folder_too_deep_for_a_socket(tmp_path):
    deep = Path("/tmp") / f"holdfast-test-{os.getpid()}" / ("d" * 90)
    deep.mkdir(parents=True)
    shutil.chown(deep, 65534)
    code = (
        START
        + "import os; print(s.data_dir, s.socket_dir, embedded.is_alive(s)); embedded.discard(s.home.var)"
    )
    code = code.replace("s.home.var", "pathlib.Path(sys.argv[1])")
    try:
        starter = python(
            code, deep, executable=_python_for_everybody(), user=65534, group=65534, extra_groups=[], cwd="/"
        )
        data, socket_dir, alive = starter.communicate(timeout=60)[0].split()
    finally:
        shutil.rmtree(deep.parent)
    assert (data, alive) == (str(deep / "postgres" / "data"), "True")
    assert socket_dir.startswith("/tmp/holdfast-65534-")
    assert not Path(socket_dir).exists()


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    home = Home(tmp_path / ("d" * 90))
    home.socket_dir.mkdir(mode=0o777)
    home.socket_dir.chmod(0o777)
    try:
        with pytest.raises(embedded.EmbeddedError, match="not ours alone"):
            home.check_socket_dir()
    finally:
        home.socket_dir.rmdir()
