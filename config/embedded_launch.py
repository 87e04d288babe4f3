"""Runs initdb and pg_ctl for the embedded PostgreSQL, as the user that may. `embedded.py` decides when."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from config.embedded_home import (
    PORT,
    SUPERUSER,
    EmbeddedError,
    Home,
    os_account,
    packaged_version,
    read_passwords,
    server_bin,
)

START_SECONDS = 300  # crash recovery with much write-ahead log takes minutes; cutting it short helps nobody
STOP_SECONDS = 60
LOG_BYTES = 10_000_000
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "jit": "off",
    "autovacuum_naptime": "10s",  # small tables grow by bulk writes; stale statistics give slow first pages
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
}
SETTINGS_VARIABLE = "HOLDFAST_POSTGRES_SETTINGS"

Progress = Callable[[str], None]


def launch(home: Home, lock: int, on_progress: Progress) -> None:
    """initdb where there is no data yet, then start and wait. All of the server's processes inherit `lock`."""
    home.make_server_folders()
    programs = server_bin(home)
    if not home.data.exists():
        if os.geteuid() == 0:
            on_progress(f"PostgreSQL cannot run as root: the user holdfast keeps the data in {home.base}.")
        on_progress("Creating the embedded PostgreSQL database …")
        _initdb(home, programs, lock)
    _check_major(home)
    _sweep_after_crash(home)
    if home.log.exists() and home.log.stat().st_size > LOG_BYTES:
        home.log.replace(home.log.with_suffix(".old.log"))
    on_progress("Starting PostgreSQL …")
    command: list[str | Path] = [
        programs / "pg_ctl",
        "start",
        "-D",
        home.data,
        "-w",
        "-t",
        str(START_SECONDS),
    ]
    _run(home, [*command, "-l", home.log, "-o", _server_options(home)], lock)


def shut_down(home: Home) -> None:
    """Fast stop, and wait until it is down."""
    command: list[str | Path] = [server_bin(home) / "pg_ctl", "stop", "-D", home.data, "-m", "fast"]
    _run(home, [*command, "-w", "-t", str(STOP_SECONDS)])


def postmaster_lives(home: Home) -> bool:
    """Guards a server started by hand, which lacks our lock: a process of that id working in the data folder."""
    try:
        pid = (home.data / "postmaster.pid").read_text().split("\n", 1)[0]
        return os.path.samefile(f"/proc/{int(pid)}/cwd", home.data)
    except (OSError, ValueError):  # no such file or process, or a zombie, which has no folder
        return False


def _server_options(home: Home) -> str:
    """Command-line settings, for the shell that pg_ctl starts. HOLDFAST_POSTGRES_SETTINGS has the last word."""
    settings = {**SETTINGS, "unix_socket_directories": f'"{home.socket_dir}"', "port": str(PORT)}
    for setting in os.environ.get(SETTINGS_VARIABLE, "").split():
        name, equals, value = setting.partition("=")
        if not equals:
            raise EmbeddedError(
                f"{SETTINGS_VARIABLE} has {setting!r}: write name=value, separated by spaces."
            )
        settings[name] = value
    return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())


def _initdb(home: Home, programs: Path, lock: int) -> None:
    """Build beside the final place and rename: data that was cut off half-way is never taken for a database."""
    fresh = home.base / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password_file = home.log.parent / "first-password"
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(read_passwords(home)[SUPERUSER])
    for path in (fresh, password_file):
        _give_to_server_user(path)
    command: list[str | Path] = [
        programs / "initdb",
        "-D",
        fresh,
        "-U",
        SUPERUSER,
        f"--pwfile={password_file}",
    ]
    safety = ["--auth=scram-sha-256", "--data-checksums"]
    text = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        _run(home, [*command, *safety, *text], lock)
    finally:
        password_file.unlink()
    fresh.rename(home.data)


def _give_to_server_user(path: Path) -> None:
    if os.geteuid() == 0:
        account = os_account()
        os.chown(path, account.pw_uid, account.pw_gid)


def _check_major(home: Home) -> None:
    """Another major version's files cannot be read; starting would only fail with a riddle in the log."""
    found = (home.data / "PG_VERSION").read_text().strip()
    wanted = packaged_version().partition(".")[0]
    if found != wanted:
        raise EmbeddedError(
            f"{home.data} was made by PostgreSQL {found}, this is {wanted}. Install the Holdfast release "
            "that made it, run `manage.py backup FILE` there, move the folder away and restore here."
        )


def _sweep_after_crash(home: Home) -> None:
    """Nothing of the server lives (we hold its lock), but a zombie's or a reused pid would stop the new one."""
    (home.data / "postmaster.pid").unlink(missing_ok=True)
    for leftover in home.socket_dir.glob(".s.PGSQL.*"):
        leftover.unlink()


def _run(home: Home, command: Sequence[str | Path], *inherit: int) -> None:
    """Run a server program as the server's user; its output goes to a file, which a daemon may keep open."""
    account = os_account() if os.geteuid() == 0 else None
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=inherit,
            cwd="/",  # the server's user may not be able to enter ours
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},  # no PG* variable of the caller's
            umask=0o077,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=True,  # Ctrl-C is for us, not for a start or stop half-way
            check=False,
        )
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if done.returncode != 0:
        raise EmbeddedError(f"{Path(command[0]).name} failed: {said}\n{_log_tail(home)}")


def _log_tail(home: Home) -> str:
    try:
        lines = home.log.read_text(errors="replace").splitlines()[-15:]
    except FileNotFoundError:
        return ""
    return f"The end of {home.log}:\n" + "\n".join(lines)
