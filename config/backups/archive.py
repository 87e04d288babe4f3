"""The file: a tar whose members carry checksums, with the manifest last, so that a cut file shows at once.

Members are written as they come, without a second copy on the disk: a header is put in front when its size is known.
"""

import errno
import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from config.backups import BackupError

FORMAT = 1
MARK, DUMP, MANIFEST, SEAL = "HOLDFAST-BACKUP", "database.dump", "manifest.json", "manifest.sha256"
ANCHORS, SECRET, UPLOADS = "audit-anchors.jsonl", "secret_key", "uploads/"
CHUNK = 1024 * 1024
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Writer:
    """Appends members to an open file and remembers their checksums."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.members: dict[str, dict[str, Any]] = {}
        self.add(MARK, [f"format {FORMAT}\n".encode()])

    def add(self, name: str, chunks: Iterable[bytes]) -> int:
        """Write one member and return its size."""
        header_at = self._out.tell()
        self._out.write(bytes(tarfile.BLOCKSIZE))
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            self._out.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        self._out.write(bytes(-size % tarfile.BLOCKSIZE))
        end = self._out.tell()
        self._out.seek(header_at)
        self._out.write(_header(name, size))
        self._out.seek(end)
        self.members[name] = {"size": size, "sha256": digest.hexdigest()}
        return size

    def finish(self, manifest: dict[str, Any]) -> None:
        text = json.dumps({**manifest, "members": dict(self.members)}, indent=1, sort_keys=True).encode()
        self.add(MANIFEST, [text])
        self.add(SEAL, [hashlib.sha256(text).hexdigest().encode()])
        self._out.write(bytes(2 * tarfile.BLOCKSIZE))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    made = info.tobuf(format=tarfile.GNU_FORMAT)
    if len(made) != tarfile.BLOCKSIZE:
        raise BackupError(f"The name {name!r} is too long for a backup: rename that file.")
    return made


def contents(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


@contextmanager
def new_file(path: Path) -> Iterator[Writer]:
    """A 0600 file that has its name only once it is whole and on the disk; never in the place of another."""
    if path.exists() or path.is_symlink():
        raise BackupError(f"{path} exists already: choose another name, or remove it first.")
    if not path.parent.is_dir():
        raise BackupError(f"There is no folder {path.parent}: make it first.", usage=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w+b") as out:
            yield Writer(out)
            out.flush()
            os.fsync(out.fileno())
        os.link(unfinished, path)  # unlike a rename, this never replaces what somebody put there meanwhile
    except FileExistsError:
        raise BackupError(f"{path} exists already: choose another name, or remove it first.") from None
    except OSError as error:
        raise in_words(error, path) from error
    finally:
        unfinished.unlink(missing_ok=True)


def in_words(error: OSError, path: Path) -> BackupError:
    if error.errno in NO_ROOM:
        return BackupError(
            f"There is no room for {path}: free some, or choose another disk. Nothing was left."
        )
    return BackupError(f"Cannot use {path}: {error.strerror or error}.")


class Reader:
    """A backup whose every checksum has been compared; `manifest` is what it says of itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = _checked(path)

    def names(self) -> list[str]:
        return [name for name in self.manifest["members"] if name != MARK]

    def has(self, name: str) -> bool:
        return name in self.manifest["members"]

    def extract(self, name: str, target: Path) -> None:
        """Write one member to a new 0600 file."""
        with tarfile.open(self.path, "r:") as tar:
            source = tar.extractfile(name)
            assert source is not None
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as out:
                while chunk := source.read(CHUNK):
                    out.write(chunk)


def _checked(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise BackupError(f"There is no file {path}.", usage=True)
    if not path.is_file():
        raise BackupError(f"{path} is not a file.", usage=True)
    try:
        return _read(path)
    except OSError as error:
        raise in_words(error, path) from error
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BackupError(
            f"{path} is cut off or damaged ({type(error).__name__}). Nothing was changed; use another backup."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as start:
        if start.read(len(MARK)) != MARK.encode():
            raise BackupError(f"{path} is not a backup made by `manage.py backup`.")
    found: dict[str, dict[str, Any]] = {}
    kept: dict[str, bytes] = {}
    with tarfile.open(path, "r:") as tar:
        for info in tar:
            if not info.isreg() or not _is_safe(info.name) or info.name in found:
                raise BackupError(f"{path} holds something that no backup holds: {info.name!r}.")
            found[info.name] = _digested(tar, info, keep=kept)
    manifest = _manifest(path, kept)
    listed = manifest["members"]
    for name, facts in listed.items():
        if found.get(name) != facts:
            raise BackupError(f"{path} is damaged: {name} is not what was written. Use another backup.")
    if set(found) - set(listed) - {MANIFEST, SEAL}:
        raise BackupError(f"{path} holds files that its list does not name. Use another backup.")
    return manifest


def _digested(tar: tarfile.TarFile, info: tarfile.TarInfo, *, keep: dict[str, bytes]) -> dict[str, Any]:
    source = tar.extractfile(info)
    assert source is not None
    if info.name in {MANIFEST, SEAL}:
        keep[info.name] = source.read(64 * CHUNK)
        return {}
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def _manifest(path: Path, kept: dict[str, bytes]) -> dict[str, Any]:
    if MANIFEST not in kept or SEAL not in kept:
        raise BackupError(f"{path} is cut off: its end is missing. Nothing was changed; use another backup.")
    if hashlib.sha256(kept[MANIFEST]).hexdigest().encode() != kept[SEAL]:
        raise BackupError(f"{path} is damaged: its list was changed. Use another backup.")
    manifest: dict[str, Any] = json.loads(kept[MANIFEST])
    if manifest["format"] != FORMAT:
        raise BackupError(
            f"{path} has the format {manifest['format']}, this release reads {FORMAT}: restore it with the "
            "release that made it, or a newer one."
        )
    return manifest


def _is_safe(name: str) -> bool:
    """Never outside of the folder it is unpacked to."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\\" not in name
