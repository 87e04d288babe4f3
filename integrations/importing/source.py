"""Opens a bundle: a folder, a .zip or a .tar.gz. Nothing outside of it is ever read, and nothing is read whole.

Guards: names that lead outside, links, devices, too many entries, too many bytes, too high a compression.
"""

import gzip
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from integrations.importing.archives import Contents, Opener, file_opener, opened_zip, unpacked_tar
from integrations.importing.bounds import BROKEN, Limits, size_in_words, too_dense, words_of
from integrations.importing.format import FILES
from integrations.importing.problems import BundleRefused, FileStopped

__all__ = ["Bundle", "CountedBytes", "Limits", "SourceFile", "open_bundle"]

ENDINGS = (".csv", ".csv.gz")
_JUNK = (".", "__MACOSX")


@dataclass(frozen=True)
class SourceFile:
    """One known file of the bundle. `open` gives its stored bytes, unpacked once more when it is a .csv.gz."""

    name: str  # tickets
    stored_as: str  # tickets.csv.gz
    size: int  # bytes as stored, for progress
    opener: Opener
    limits: Limits

    @contextmanager
    def open(self) -> Iterator["CountedBytes"]:
        """The CSV's bytes, counted and bounded."""
        with self.opener() as stored:
            if not self.stored_as.endswith(".gz"):
                yield CountedBytes(stored, self)
                return
            with gzip.GzipFile(fileobj=stored, mode="rb") as unpacked:
                yield CountedBytes(unpacked, self, packed=stored)


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class CountedBytes:
    """Reads a file in pieces and stops it when it unpacks to more than the limits allow."""

    def __init__(self, stream: Readable, file: SourceFile, packed: IO[bytes] | None = None) -> None:
        self._stream = stream
        self._file = file
        self._packed = packed
        self.count = 0

    def read(self, size: int) -> bytes:
        try:
            piece = self._stream.read(size)
        except BROKEN as error:
            raise FileStopped(
                f"The file is damaged: {words_of(error)}. Pack it again and send it again."
            ) from error
        self.count += len(piece)
        limits = self._file.limits
        if self.count > limits.file:
            raise FileStopped(
                f"The file unpacks to more than {size_in_words(limits.file)}. Split it into several bundles."
            )
        if self._packed is not None and self.count > max(limits.ratio_from, limits.ratio * self._file.size):
            raise FileStopped(too_dense(limits))
        return piece

    def done(self) -> int:
        """How many of the stored bytes were read, about."""
        if self._packed is not None:
            return min(self._file.size, self._packed.tell())
        return min(self._file.size, self.count)


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds: known files by name, and the paths of files that the format does not know."""

    files: dict[str, SourceFile]
    unknown: list[str]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())


@contextmanager
def open_bundle(path: Path, *, limits: Limits | None = None, scratch: Path | None = None) -> Iterator[Bundle]:
    """The bundle at `path`; raises BundleRefused with the reason. `scratch` is where a tar.gz is unpacked."""
    limits = limits or Limits()
    try:
        if path.is_dir():
            yield _folder(path, limits)
        elif path.name.lower().endswith(".zip"):
            with opened_zip(path, limits) as contents:
                yield _from_archive(contents, limits)
        elif path.name.lower().endswith((".tar.gz", ".tgz")):
            with unpacked_tar(path, limits, scratch) as contents:
                yield _from_archive(contents, limits)
        else:
            raise BundleRefused(f"{path.name} is no bundle. Send a folder, a .zip or a .tar.gz of CSV files.")
    except BROKEN as error:
        raise BundleRefused(
            f"The archive is damaged: {words_of(error)}. Pack it again and send it again."
        ) from error


def _printable(name: str) -> str:
    """A file's name on disk may be no text at all."""
    return name.encode("utf-8", "replace").decode()


# --- a folder -----------------------------------------------------------------------------------


def _folder(path: Path, limits: Limits) -> Bundle:
    entries: list[tuple[str, int, Opener]] = []
    unknown: list[str] = []
    for entry in sorted(path.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            unknown.append(f"{entry.name}/")
            continue
        status = _plain_file(entry, path)
        entries.append((entry.name, status.st_size, file_opener(entry)))
    return _bundle(entries, unknown, limits)


def _plain_file(entry: Path, folder: Path) -> os.stat_result:
    """Its status; a link that leads out of the folder, a pipe or a device is refused before anything opens it."""
    if entry.is_symlink() and not entry.resolve().is_relative_to(folder.resolve()):
        raise BundleRefused(
            f"{entry.name} is a link that leads out of the bundle. Put the file itself there."
        )
    try:
        status = entry.stat()
    except OSError as error:
        raise BundleRefused(f"{entry.name} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise BundleRefused(f"{entry.name} is no ordinary file. Take it out of the bundle.")
    return status


# --- archives -----------------------------------------------------------------------------------


def _from_archive(archive: Contents, limits: Limits) -> Bundle:
    """One top folder is taken off; what lies deeper or beside it is unknown."""
    names, contents = archive
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise BundleRefused(f"The archive holds {double} twice. Pack it again with one of them.")
    serious = [name for name in names if not any(part.startswith(_JUNK) for part in name.split("/"))]
    tops = {name.split("/")[0] if "/" in name else "" for name in serious}
    prefix = f"{tops.pop()}/" if len(tops) == 1 else ""
    prefix = "" if prefix == "/" else prefix
    entries: list[tuple[str, int, Opener]] = []
    unknown: list[str] = []
    for name, (size, opener) in zip(names, contents, strict=True):
        inner = name.removeprefix(prefix)
        if "/" in inner or name not in serious:
            unknown.append(inner)
        else:
            entries.append((inner, size, opener))
    return _bundle(entries, unknown, limits)


def _bundle(entries: list[tuple[str, int, Opener]], unknown: list[str], limits: Limits) -> Bundle:
    files: dict[str, SourceFile] = {}
    for name, size, opener in entries:
        ending = next((e for e in reversed(ENDINGS) if name.endswith(e)), "")
        base = name.removesuffix(ending) if ending else ""
        if base in FILES:
            if base in files:
                raise BundleRefused(f"The bundle holds {base}.csv and {base}.csv.gz. Take one of them out.")
            files[base] = SourceFile(base, name, size, opener, limits)
        elif name.lower().split(".")[0] != "readme":
            unknown.append(name)
    return Bundle({name: files[name] for name in FILES if name in files}, sorted(map(_printable, unknown)))
