"""Opening bundles: folders and archives as they should be, and everything that tries to lead outside or to burst."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from integrations.importing.problems import BundleRefused, FileStopped
from integrations.importing.source import Limits, open_bundle

ACCOUNTS = b"external_id,name\nA1,One\n"


def zipped(path: Path, entries, *, compression=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def tarred(path: Path, entries) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in entries:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def opened(path, **options):
    """({name: bytes}, unknown)"""
    with open_bundle(path, scratch=path.parent / "scratch", **options) as bundle:
        contents = {}
        for name, file in bundle.files.items():
            with file.open() as stream:
                contents[name] = b"".join(iter(lambda s=stream: s.read(100), b""))
        return contents, bundle.unknown


ENTRIES = [
    ("README.md", b"hello"),
    ("notes.txt", b"?"),
    ("tickets.csv.gz", gzip.compress(b"T")),
    ("accounts.csv", ACCOUNTS),
]
EXPECTED = ({"accounts": ACCOUNTS, "tickets": b"T"}, ["notes.txt"])


def test_a_folder_a_zip_and_a_tar_gz_give_the_same_in_the_order_of_landing(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, content in ENTRIES:
        (folder / name).write_bytes(content)
    for path in (
        folder,
        zipped(tmp_path / "b.zip", ENTRIES),
        zipped(tmp_path / "top.zip", [(f"harbor/{name}", content) for name, content in ENTRIES]),
        tarred(tmp_path / "b.tar.gz", ENTRIES),
        tarred(tmp_path / "b.tgz", [(f"./harbor/{name}", content) for name, content in ENTRIES]),
    ):
        contents, unknown = opened(path)
        assert (contents, unknown) == EXPECTED, path
        assert list(contents) == ["accounts", "tickets"]
    assert not list((tmp_path / "scratch").iterdir()), "the unpacked files are gone"


def test_what_lies_deeper_or_beside_is_reported(tmp_path):
    entries = [
        ("top/accounts.csv", ACCOUNTS),
        ("top/old/accounts.csv", b"x"),
        ("__MACOSX/top/._accounts.csv", b"x"),
        (".hidden/accounts.csv", b"x"),
    ]
    assert opened(zipped(tmp_path / "b.zip", entries)) == (
        {"accounts": ACCOUNTS}, [".hidden/accounts.csv", "__MACOSX/top/._accounts.csv", "old/accounts.csv"],
    )  # fmt: skip
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "accounts.csv").write_bytes(ACCOUNTS)
    (folder / os.fsdecode(b"caf\xe9.csv")).write_bytes(b"x")
    assert opened(folder) == ({"accounts": ACCOUNTS}, ["caf?.csv", "sub/"])


def test_names_are_case_sensitive_and_known_ones_only(tmp_path):
    path = zipped(
        tmp_path / "b.zip", [("Accounts.csv", b"x"), ("accounts.CSV", b"x"), ("accounts.csv.bak", b"x")]
    )
    assert opened(path) == ({}, ["Accounts.csv", "accounts.CSV", "accounts.csv.bak"])


def test_both_csv_and_csv_gz_are_refused(tmp_path):
    path = zipped(
        tmp_path / "b.zip", [("accounts.csv", ACCOUNTS), ("accounts.csv.gz", gzip.compress(ACCOUNTS))]
    )
    with pytest.raises(BundleRefused, match=r"accounts\.csv and accounts\.csv\.gz"):
        opened(path)


OUTSIDE = [
    "../accounts.csv",
    "/etc/accounts.csv",
    "top/../../accounts.csv",
    "C:/accounts.csv",
    "..\\accounts.csv",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_outside_is_refused(tmp_path, name):
    with pytest.raises(BundleRefused, match="leads outside"):
        opened(zipped(tmp_path / "b.zip", [("accounts.csv", ACCOUNTS), (name, b"x")]))
    with pytest.raises(BundleRefused, match="leads outside"):
        opened(tarred(tmp_path / "b.tar.gz", [("accounts.csv", ACCOUNTS), (name, b"x")]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar.gz", "b.zip", "scratch"]


def special(kind) -> tarfile.TarInfo:
    member = tarfile.TarInfo("accounts.csv")
    member.type, member.linkname = kind, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with pytest.raises(BundleRefused, match="link or a device"):
        opened(tarred(tmp_path / "b.tar.gz", [(special(kind), None)]))


def test_a_link_in_a_zip_is_refused(tmp_path):
    member = zipfile.ZipInfo("accounts.csv")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(BundleRefused, match="link or a device"):
        opened(zipped(tmp_path / "b.zip", [(member, "/etc/passwd")]))


def test_a_link_out_of_the_folder_and_a_pipe_are_refused(tmp_path):
    (tmp_path / "secret.csv").write_bytes(ACCOUNTS)
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "accounts.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(BundleRefused, match="leads out of the bundle"):
        opened(folder)
    (folder / "accounts.csv").unlink()
    os.mkfifo(folder / "accounts.csv")
    with pytest.raises(BundleRefused, match="no ordinary file"):
        opened(folder)


def test_an_archive_that_bursts_is_refused_before_it_does(tmp_path):
    limits = Limits(ratio_from=1024)
    bomb = [("accounts.csv", b"\0" * 5_000_000)]
    for path in (zipped(tmp_path / "b.zip", bomb), tarred(tmp_path / "b.tar.gz", bomb)):
        with pytest.raises(BundleRefused, match="times its size"):
            opened(path, limits=limits)
        with pytest.raises(BundleRefused, match="more than 4 MB"):
            opened(path, limits=Limits(total=4 * 1024**2))


def test_a_packed_file_that_bursts_stops_where_it_passes_the_limit(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "accounts.csv.gz").write_bytes(gzip.compress(b"\0" * 5_000_000))
    with pytest.raises(FileStopped, match="times its size"):
        opened(folder, limits=Limits(ratio_from=1024))
    with pytest.raises(FileStopped, match="more than 1 MB"):
        opened(folder, limits=Limits(file=1024**2))


def test_too_many_entries_and_doubled_names_are_refused(tmp_path):
    many = [(f"x{n}.csv", b"") for n in range(20)]
    for path in (zipped(tmp_path / "b.zip", many), tarred(tmp_path / "b.tar.gz", many)):
        with pytest.raises(BundleRefused, match="more than 10 files"):
            opened(path, limits=Limits(entries=10))
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "c.zip", [("accounts.csv", b"1"), ("accounts.csv", b"2")])
    with pytest.raises(BundleRefused, match="twice"):
        opened(path)


@pytest.mark.parametrize("name", ["b.zip", "b.tar.gz", "b.tgz"])
def test_a_broken_archive_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is no archive")
    with pytest.raises(BundleRefused, match="damaged"):
        opened(path)


def test_a_cut_archive_is_refused_or_stops_its_file(tmp_path):
    whole = tarred(tmp_path / "b.tar.gz", [("accounts.csv", os.urandom(100_000))]).read_bytes()
    (tmp_path / "b.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BundleRefused, match="damaged"):
        opened(tmp_path / "b.tar.gz")
    folder = tmp_path / "bundle"
    folder.mkdir()
    packed = gzip.compress(os.urandom(100_000))
    (folder / "accounts.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(FileStopped, match="damaged"):
        opened(folder)
    (folder / "accounts.csv.gz").write_bytes(b"external_id,name\n")
    with pytest.raises(FileStopped, match="damaged"):
        opened(folder)


def test_a_locked_zip_is_refused(tmp_path):
    path = zipped(tmp_path / "b.zip", [("accounts.csv", ACCOUNTS)], compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    path.write_bytes(data)
    with pytest.raises(BundleRefused, match="password"):
        opened(path)


def test_anything_else_is_no_bundle(tmp_path):
    path = tmp_path / "accounts.csv"
    path.write_bytes(ACCOUNTS)
    with pytest.raises(BundleRefused, match="no bundle"):
        opened(path)
