"""What a .zip or a .tar.gz holds: names and openers, after every guard. A name of the archive never becomes a path.

The archive's own tables are bounded before the library reads them: zipfile takes a whole directory and tarfile a whole
extended header into memory, and both may be packed to a thousandth of what they unpack to.
"""

import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from integrations.importing.bounds import Limits, size_in_words, too_dense, too_many, words_of
from integrations.importing.problems import BundleRefused, FileStopped

Opener = Callable[[], IO[bytes]]
Contents = tuple[list[str], list[tuple[int, Opener]]]  # names; size and opener of each
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


# --- zip ----------------------------------------------------------------------------------------


@contextmanager
def opened_zip(path: Path, limits: Limits) -> Iterator[Contents]:
    """A zip is read in place."""
    _check_directory(path, limits)
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        names = [safe_name(member.filename) for member in members]
        if len(members) > limits.entries:
            raise BundleRefused(too_many(limits))
        _check_sizes(members, path.stat().st_size, limits)
        for member in members:
            _check_member(member)
        yield names, [(member.file_size, _zip_opener(archive, member)) for member in members]


def _check_directory(path: Path, limits: Limits) -> None:
    """Before zipfile reads it: asked from the very function by which zipfile finds it, so that both see one answer."""
    with path.open("rb") as file:
        end: Any = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if end and end[zipfile._ECD_SIZE] > limits.headers:  # type: ignore[attr-defined]
        raise BundleRefused(too_many(limits))


def _check_sizes(members: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    """By the sizes that the archive declares; zipfile never gives more than the declared bytes of a member.

    Members that overlap declare the same packed bytes many times, so the archive's own size counts too.
    """
    total = sum(member.file_size for member in members)
    packed = min(size, sum(member.compress_size for member in members))
    if total > limits.total:
        raise BundleRefused(f"The archive unpacks to more than {size_in_words(limits.total)}. Split it.")
    if total > max(limits.ratio_from, limits.ratio * packed):
        raise BundleRefused(too_dense(limits))


def _check_member(member: zipfile.ZipInfo) -> None:
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise BundleRefused(f"{member.filename} is a link or a device. Pack the files themselves.")
    if member.flag_bits & 0x1:
        raise BundleRefused(f"{member.filename} is locked with a password. Pack the bundle without one.")
    if member.compress_type not in _PACKED_AS:  # others let the archive say how much memory unpacking takes
        raise BundleRefused(f"{member.filename} is packed in an unusual way. Pack it as an ordinary zip.")


def _zip_opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Opener:
    def opener() -> IO[bytes]:
        try:
            return archive.open(member)
        except (NotImplementedError, RuntimeError) as error:
            raise FileStopped(f"The file cannot be unpacked: {words_of(error)}.") from error

    return opener


# --- tar.gz -------------------------------------------------------------------------------------


@contextmanager
def unpacked_tar(path: Path, limits: Limits, scratch: Path | None) -> Iterator[Contents]:
    """A tar.gz can only be read from its beginning, so its files go to a temporary folder once."""
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="bundle-") as folder:
        names, sizes = _unpack(path, Path(folder), limits)
        openers = [file_opener(Path(folder) / str(at)) for at in range(len(names))]
        yield names, list(zip(sizes, openers, strict=True))


class _Member(tarfile.TarInfo):
    """Extended headers and maps of holes are read whole by tarfile: long ones are refused before that."""

    headers = Limits.headers
    _LONG = (
        tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    )  # fmt: skip

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in self._LONG and self.size > self.headers:
            raise BundleRefused("The archive's header is far too long. Pack the CSV files again.")
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise self._has_holes()
        return super()._proc_member(archive)  # type: ignore[misc]

    def _has_holes(self, *args: Any) -> BundleRefused:
        return BundleRefused(f"{self.name} is packed with holes in it. Pack it as an ordinary file.")

    def _refuse_holes(self, *args: Any) -> None:
        raise self._has_holes()

    # the three ways in which a pax header may announce holes
    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_holes


def _unpack(path: Path, folder: Path, limits: Limits) -> tuple[list[str], list[int]]:
    """Writes the files to `folder` as 0, 1, 2, …"""
    names: list[str] = []
    sizes: list[int] = []
    packed = path.stat().st_size
    with tarfile.open(path, "r|gz", tarinfo=_Member) as archive:
        for at, member in enumerate(archive):
            if at >= limits.entries:  # folders count too: each is kept in memory
                raise BundleRefused(too_many(limits))
            name = safe_name(member.name)
            if member.isdir():
                continue
            if not member.isreg():
                raise BundleRefused(f"{member.name} is a link or a device. Pack the files themselves.")
            if sum(sizes) + member.size > limits.total:
                raise BundleRefused(
                    f"The archive unpacks to more than {size_in_words(limits.total)}. Split it."
                )
            if sum(sizes) + member.size > max(limits.ratio_from, limits.ratio * packed):
                raise BundleRefused(too_dense(limits))
            content = archive.extractfile(member)
            assert content is not None  # a regular file has content
            with (folder / str(len(names))).open("wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
            names.append(name)
            sizes.append(member.size)
    return names, sizes


# --- both ---------------------------------------------------------------------------------------


def file_opener(path: Path) -> Opener:
    def opener() -> IO[bytes]:
        try:
            return path.open("rb")
        except OSError as error:
            raise FileStopped(f"The file cannot be opened: {error.strerror}.") from error

    return opener


def safe_name(name: str) -> str:
    parts = PurePosixPath(name).parts
    if (
        not parts
        or name.startswith("/")
        or ".." in parts
        or "\\" in name
        or ":" in parts[0]
        or "\x00" in name
    ):
        shown = f"{name[:100]!r}{' …' if len(name) > 100 else ''}"
        raise BundleRefused(
            f"The archive holds a file with the name {shown}, which leads outside. Pack it again."
        )
    return "/".join(part for part in parts if part != ".")
