"""Opens a bundle: a folder, a .zip or a .tar.gz. Nothing outside of it is ever read, and nothing is read whole.

A zip is read in place. A tar.gz can only be read from its beginning, so its files go to a temporary folder once.
Guards: names that lead outside, links, devices, too many entries, too many bytes, too high a compression.
"""

import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from integrations.importing.format import FILES
from integrations.importing.problems import BundleRefused, FileStopped

GB = 1024**3


@dataclass(frozen=True)
class Limits:
    """How large a bundle may become when it is unpacked."""

    total: int = 64 * GB
    file: int = 32 * GB
    ratio: int = 250  # text packs 5 to 30 times; what packs far better was made to fill a disk
    ratio_from: int = 64 * 1024**2  # below this a high ratio does no harm
    entries: int = 1000


ENDINGS = (".csv", ".csv.gz")
_JUNK = (".", "__MACOSX")
BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
)


@dataclass(frozen=True)
class SourceFile:
    """One known file of the bundle. `open` gives its stored bytes, unpacked once more when it is a .csv.gz."""

    name: str  # tickets
    stored_as: str  # tickets.csv.gz
    size: int  # bytes as stored, for progress
    opener: Callable[[], IO[bytes]]
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
                f"The file is damaged: {_words(error)}. Pack it again and send it again."
            ) from error
        self.count += len(piece)
        limits = self._file.limits
        if self.count > limits.file:
            raise FileStopped(
                f"The file unpacks to more than {_size(limits.file)}. Split it into several bundles."
            )
        if self._packed is not None and self.count > max(limits.ratio_from, limits.ratio * self._file.size):
            raise FileStopped(_too_dense(limits))
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
            with zipfile.ZipFile(path) as archive:
                yield _zip(archive, limits)
        elif path.name.lower().endswith((".tar.gz", ".tgz")):
            with _unpacked_tar(path, limits, scratch) as bundle:
                yield bundle
        else:
            raise BundleRefused(f"{path.name} is no bundle. Send a folder, a .zip or a .tar.gz of CSV files.")
    except BROKEN as error:
        raise BundleRefused(
            f"The archive is damaged: {_words(error)}. Pack it again and send it again."
        ) from error


def _printable(name: str) -> str:
    """A file's name on disk may be no text at all."""
    return name.encode("utf-8", "replace").decode()


def _words(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _size(count: int) -> str:
    return f"{count // GB} GB" if count >= GB else f"{count // 1024**2} MB"


def _too_dense(limits: Limits) -> str:
    return f"It unpacks to more than {limits.ratio} times its size, which no table of customer data does."


# --- a folder -----------------------------------------------------------------------------------


def _folder(path: Path, limits: Limits) -> Bundle:
    entries: list[tuple[str, int, Callable[[], IO[bytes]]]] = []
    unknown: list[str] = []
    for entry in sorted(path.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            unknown.append(f"{entry.name}/")
            continue
        status = _plain_file(entry, path)
        entries.append((entry.name, status.st_size, _file_opener(entry)))
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


def _file_opener(path: Path) -> Callable[[], IO[bytes]]:
    def opener() -> IO[bytes]:
        try:
            return path.open("rb")
        except OSError as error:
            raise FileStopped(f"The file cannot be opened: {error.strerror}.") from error

    return opener


# --- archives -----------------------------------------------------------------------------------


def _zip(archive: zipfile.ZipFile, limits: Limits) -> Bundle:
    members = [member for member in archive.infolist() if not member.is_dir()]
    names = [_safe_name(member.filename) for member in members]
    if len(members) > limits.entries:
        raise BundleRefused(f"The archive holds more than {limits.entries:,} files.")
    _check_zip_sizes(members, limits)
    for member in members:
        mode = member.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise BundleRefused(f"{member.filename} is a link or a device. Pack the files themselves.")
        if member.flag_bits & 0x1:
            raise BundleRefused(f"{member.filename} is locked with a password. Pack the bundle without one.")
    return _from_archive(names, [(m.file_size, _zip_opener(archive, m)) for m in members], limits)


def _check_zip_sizes(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    """By the sizes that the archive declares; zipfile never gives more than the declared bytes of a member."""
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if total > limits.total:
        raise BundleRefused(f"The archive unpacks to more than {_size(limits.total)}. Split it.")
    if total > max(limits.ratio_from, limits.ratio * packed):
        raise BundleRefused(_too_dense(limits))


def _zip_opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opener() -> IO[bytes]:
        try:
            return archive.open(member)
        except (NotImplementedError, RuntimeError) as error:
            raise FileStopped(f"The file cannot be unpacked: {_words(error)}.") from error

    return opener


@contextmanager
def _unpacked_tar(path: Path, limits: Limits, scratch: Path | None) -> Iterator[Bundle]:
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="bundle-") as folder:
        names, sizes = _unpack(path, Path(folder), limits)
        openers = [_file_opener(Path(folder) / str(at)) for at in range(len(names))]
        yield _from_archive(names, list(zip(sizes, openers, strict=True)), limits)


def _unpack(path: Path, folder: Path, limits: Limits) -> tuple[list[str], list[int]]:
    """Writes the files to `folder` as 0, 1, 2, …: no name of the archive ever becomes a path of ours."""
    names: list[str] = []
    sizes: list[int] = []
    packed = path.stat().st_size
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            name = _safe_name(member.name)
            if member.isdir():
                continue
            if not member.isreg():
                raise BundleRefused(f"{member.name} is a link or a device. Pack the files themselves.")
            if len(names) >= limits.entries:
                raise BundleRefused(f"The archive holds more than {limits.entries:,} files.")
            if sum(sizes) + member.size > limits.total:
                raise BundleRefused(f"The archive unpacks to more than {_size(limits.total)}. Split it.")
            if sum(sizes) + member.size > max(limits.ratio_from, limits.ratio * packed):
                raise BundleRefused(_too_dense(limits))
            content = archive.extractfile(member)
            assert content is not None  # a regular file has content
            with (folder / str(len(names))).open("wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
            names.append(name)
            sizes.append(member.size)
    return names, sizes


def _safe_name(name: str) -> str:
    parts = PurePosixPath(name).parts
    if (
        not parts
        or name.startswith("/")
        or ".." in parts
        or "\\" in name
        or ":" in parts[0]
        or "\x00" in name
    ):
        raise BundleRefused(
            f"The archive holds a file with the name {name!r}, which leads outside. Pack it again."
        )
    return "/".join(part for part in parts if part != ".")


def _from_archive(
    names: list[str], contents: list[tuple[int, Callable[[], IO[bytes]]]], limits: Limits
) -> Bundle:
    """One top folder is taken off; what lies deeper or beside it is unknown."""
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise BundleRefused(f"The archive holds {double} twice. Pack it again with one of them.")
    serious = [name for name in names if not any(part.startswith(_JUNK) for part in name.split("/"))]
    tops = {name.split("/")[0] if "/" in name else "" for name in serious}
    prefix = f"{tops.pop()}/" if len(tops) == 1 else ""
    prefix = "" if prefix == "/" else prefix
    entries: list[tuple[str, int, Callable[[], IO[bytes]]]] = []
    unknown: list[str] = []
    for name, (size, opener) in zip(names, contents, strict=True):
        inner = name.removeprefix(prefix)
        if "/" in inner or name not in serious:
            unknown.append(inner)
        else:
            entries.append((inner, size, opener))
    return _bundle(entries, unknown, limits)


def _bundle(
    entries: list[tuple[str, int, Callable[[], IO[bytes]]]], unknown: list[str], limits: Limits
) -> Bundle:
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
