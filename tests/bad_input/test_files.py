"""Files and archives made wrong, or made to do harm (inputs 30 to 35). Each ends in words, none in a crash."""

import gzip
import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import Account, Ticket
from integrations.importing.format import FILES
from integrations.importing.problems import BundleRefused
from integrations.importing.source import Limits, open_bundle
from tests.bad_input.conftest import EXAMPLES
from tests.imports.bundles import VALID, bring_in, bundle, row

pytestmark = pytest.mark.bad_input
ROOT = Path(__file__).resolve().parents[2]
MB = 1024**2
HEAD = "external_id,name\n"


def accounts(acme, tmp_path, content, **others):
    """The report on this accounts.csv."""
    return bring_in(acme, bundle(tmp_path / "b", accounts=content, **others))


def names(acme):
    with acme.here():
        return set(Account.objects.values_list("name", flat=True))


# --- 30: encodings and ends ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty: not even a header line. Export it again."),
        (HEAD.encode("utf-16"), "line 1: the text is not UTF-8. Save the file as UTF-8"),
        (HEAD.encode("utf-16-le"), "line 1, column number 1: it holds a NUL byte"),
        ((HEAD + "A1,Jürgen\n").encode("latin-1"), "line 2, column name: the text is not UTF-8"),
        (HEAD.encode() + b"A1,ok\nA2,\xc3\n", "line 3, column name: the text is not UTF-8"),
        (HEAD.encode() + b"A1,\xed\xa0\x80\n", "line 2, column name: the text is not UTF-8"),
        (HEAD.encode() + b"A1,o\x00k\n", "line 2, column name: it holds a NUL byte"),
    ],
    ids=["empty", "utf-16", "utf-16 without mark", "latin-1", "cut character", "lone surrogate", "nul"],
)
def test_input_30_a_file_that_is_no_text_is_stopped_and_says_where(acme, tmp_path, content, words):
    report = accounts(acme, tmp_path, content)["by_file"]["accounts.csv"]
    assert report["status"] == "stopped"
    assert words in report["message"].replace("Cannot be read at ", "")
    assert names(acme) == set()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfexternal_id,name\nA1,ok\nA2,two\n",
        b"external_id,name\r\nA1,ok\nA2,two\r\n",
        b"external_id,name\nA1,ok\nA2,two",
        b"external_id,name\r\n\r\nA1,ok\n\n\nA2,two\r\n\r\n",
        b'"external_id","name"\r\n"A1","ok"\r\nA2,"two"',
    ],
    ids=["byte order mark", "mixed ends", "no last end", "blank lines", "quoted"],
)
def test_input_30_marks_and_line_ends_do_not_matter(acme, tmp_path, content):
    report = accounts(acme, tmp_path, content)["by_file"]["accounts.csv"]
    assert (report["status"], report["created"]) == ("landed", 2)
    assert names(acme) == {"ok", "two"}


def test_input_30_a_header_alone_lands_with_nothing(acme, tmp_path):
    report = accounts(acme, tmp_path, HEAD)["by_file"]["accounts.csv"]
    assert (report["status"], report["read"]) == ("landed", 0)


# --- 31: columns --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("external_id\nA1\n", "Line 1: the column name is missing. Add it to the header, spelled like this."),
        ("External_ID,Name\nA1,x\n", "Line 1: the columns external_id, name are missing."),
        ("external_id,name,name\nA1,x,y\n", "line 1, column name: the column stands in the header twice"),
        (
            f"external_id,name,{'n' * 201}\nA1,x,y\n",
            "a column's name is too long. Is the header line missing?",
        ),
    ],
)
def test_input_31_columns_that_are_missing_or_doubled_stop_the_file(acme, tmp_path, content, words):
    report = accounts(acme, tmp_path, content)["by_file"]["accounts.csv"]
    assert report["status"] == "stopped"
    assert words in report["message"]


def test_input_31_order_and_further_columns_do_not_matter(acme, tmp_path):
    content = "hue,name,,external_id\nred,ok,passed over,A1\n"
    report = accounts(
        acme,
        tmp_path,
        content,
        tickets="opened_at,mood,external_id,account_external_id\n2026-03-01T00:00:00Z,bad,T1,A1\n",
    )
    assert [file["created"] for file in report["files"]] == [1, 1]
    assert "mood" in report["by_file"]["tickets.csv"]["message"]
    with acme.here():
        assert Account.objects.get().attributes == {"hue": "red"}


# --- 32: quotes and width -----------------------------------------------------------------------


def test_input_32_a_quoted_newline_is_one_cell(acme, tmp_path):
    report = accounts(acme, tmp_path, 'external_id,name\nA1,"two\r\nlines, ""quoted"""\nA2,x\n')
    assert report["by_file"]["accounts.csv"]["created"] == 2
    assert 'two\r\nlines, "quoted"' in names(acme)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('external_id,name\nA1,ok\nA2,"open\nA3,x\n', "line 3, column name: a quote opened here is not closed"),
        ('external_id,name\nA1,"x" y\n', "line 2, column name: text follows a closing quote"),
        (HEAD + "A1," + "x" * (10 * MB) + "\n", "line 2, column name: the cell is larger than 1 MB. Shorten it."),
        (HEAD + "x" * (13 * MB), "line 2: the line is longer than 12 MB."),
        (",".join(f"c{n}" for n in range(10_000)) + "\n", "line 1: 10,000 columns; at most 1,000 are read."),
    ],
    ids=["unbalanced", "after the quote", "10 MB cell", "no line end", "10,000 columns"],
)  # fmt: skip
def test_input_32_what_cannot_be_read_names_line_and_column(acme, tmp_path, content, words):
    report = accounts(acme, tmp_path, content)["by_file"]["accounts.csv"]
    assert report["status"] == "stopped"
    assert words in report["message"]
    assert names(acme) == set()


def test_input_32_more_metrics_than_a_row_can_hold_are_refused_in_words(acme, tmp_path):
    metrics = [f"m{n}" for n in range(501)]
    content = ",".join(["account_external_id", "date", *metrics]) + "\n"
    report = accounts(acme, tmp_path, [row("accounts")], usage_daily=content)
    assert "at most 500 are kept" in report["by_file"]["usage_daily.csv"]["message"]
    full = ",".join(["account_external_id", "date", *metrics[:500]]) + "\nA1,2026-03-01" + ",1.5" * 500 + "\n"
    assert (
        accounts(acme, tmp_path, [row("accounts")], usage_daily=full)["by_file"]["usage_daily.csv"]["created"]
        == 1
    )


# --- 33: the same again -------------------------------------------------------------------------


def test_input_33_again_changed_unknown_and_doubled(acme, tmp_path):
    rows = [row("tickets", external_id=f"T{n}") for n in range(60)]
    assert (
        accounts(acme, tmp_path, [row("accounts")], tickets=rows)["by_file"]["tickets.csv"]["created"] == 60
    )
    assert (
        accounts(acme, tmp_path, [row("accounts")], tickets=rows)["by_file"]["tickets.csv"]["unchanged"] == 60
    )
    changed = [*rows[1:], rows[1], row("tickets", external_id="T0", subject="new")]
    changed += [row("tickets", external_id="U", account_external_id="A9")]
    changed += [
        row("tickets", external_id="D", subject="one"),
        row("tickets", external_id="D", subject="two"),
    ]
    found = accounts(acme, tmp_path, [row("accounts")], tickets=changed)["by_file"]["tickets.csv"]
    assert (found["status"], found["updated"], found["unchanged"], found["rejected"]) == ("landed", 1, 60, 3)
    assert {each["column"] for each in found["rejected_rows"]} == {"account_external_id", "external_id"}
    with acme.here():
        assert Ticket.objects.count() == 60


# --- 34: archives made to do harm ---------------------------------------------------------------


def zipped(path, *members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def refused(path, **limits):
    with (
        pytest.raises(BundleRefused) as caught,
        open_bundle(path, limits=Limits(**limits), scratch=path.parent),
    ):
        pass
    return str(caught.value)


def test_input_34_a_zip_bomb_is_refused_before_it_is_opened(tmp_path):
    dense = zipped(tmp_path / "b.zip", ("accounts.csv", bytes(100 * MB)))
    assert dense.stat().st_size < MB
    assert "unpacks to more than 250 times its size" in refused(dense)
    assert "unpacks to more than 1 MB" in refused(dense, total=MB)
    assert "more than 2 files" in refused(
        zipped(tmp_path / "n.zip", *((f"{n}", b"") for n in range(3))), entries=2
    )


def test_input_34_a_zip_whose_directory_would_fill_the_memory_is_refused_unread(tmp_path):
    """The directory is read whole: its size is asked first, of 20,000 entries here."""
    many = zipped(tmp_path / "many.zip", *((f"{n:060}", b"") for n in range(20_000)))
    assert "holds more than 1,000 files" in refused(many)


def test_input_34_members_that_overlap_count_once(tmp_path):
    """A directory that names the same packed bytes a thousand times declares a thousand times their size."""
    small = zipped(tmp_path / "o.zip", ("accounts.csv", bytes(MB)))
    raw = small.read_bytes()
    end = raw.rindex(b"PK\x05\x06")
    size, start = struct.unpack("<II", raw[end + 12 : end + 20])
    entry = raw[start : start + size]
    names = [entry.replace(b"accounts.csv", b"file%08d" % n) for n in range(900)]
    body = b"".join(names)
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 900, 900, len(body), start, 0)
    small.write_bytes(raw[:start] + body + tail)
    assert "250 times its size" in refused(small)


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_input_34_unusual_packing_is_refused(tmp_path, packing):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("accounts.csv", HEAD)
    assert "packed in an unusual way" in refused(path)


def test_input_34_a_gz_bomb_inside_stops_its_file(acme, tmp_path):
    folder = bundle(tmp_path / "b", accounts=[row("accounts")])
    (folder / "tickets.csv.gz").write_bytes(gzip.compress(bytes(80 * MB)))
    found = bring_in(acme, folder)["by_file"]["tickets.csv"]
    assert found["status"] == "stopped"


def test_input_34_archives_in_archives_are_reported_and_not_opened(acme, tmp_path):
    inner = zipped(tmp_path / "inner.zip", ("accounts.csv", HEAD + "BAD,inner\n")).read_bytes()
    path = zipped(
        tmp_path / "b.zip",
        ("accounts.csv", HEAD + "A1,ok\n"),
        ("more.zip", inner),
        ("accounts.csv.zip", inner),
    )
    report = bring_in(acme, path)
    assert {file["file"]: file["status"] for file in report["files"]} == {
        "accounts.csv": "landed", "more.zip": "ignored", "accounts.csv.zip": "ignored",
    }  # fmt: skip
    assert names(acme) == {"ok"}


def tarred(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_input_34_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    member = tarfile.TarInfo("accounts.csv")
    member.type, member.linkname = kind, "/etc/passwd"
    assert "is a link or a device" in refused(tarred(tmp_path / "b.tar.gz", (member, b"")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz"], "nothing is left behind"


def test_input_34_a_link_in_a_zip_is_refused(tmp_path):
    member = zipfile.ZipInfo("accounts.csv")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "is a link or a device" in refused(zipped(tmp_path / "b.zip", (member, "/etc/passwd")))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_input_34_a_tar_header_that_would_fill_the_memory_is_refused_unread(tmp_path, kind):
    member = tarfile.TarInfo("x")
    member.type = kind
    assert "header is far too long" in refused(tarred(tmp_path / "b.tar.gz", (member, bytes(3 * MB))))


def test_input_34_a_tar_bomb_and_many_folders_are_refused(tmp_path):
    dense = tarred(tmp_path / "b.tar.gz", (tarfile.TarInfo("accounts.csv"), bytes(100 * MB)))
    assert "250 times its size" in refused(dense)
    folders = []
    for n in range(1001):
        folders.append((tarfile.TarInfo(f"d{n}"), b""))
        folders[-1][0].type = tarfile.DIRTYPE
    assert "more than 1,000 files" in refused(tarred(tmp_path / "f.tar.gz", *folders))


XLSX = [
    ("[Content_Types].xml", "<x/>"),
    ("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;'),
]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize("content", [b"MZ\x90\x00" + bytes(500), SVG, b"%PDF-1.7\n%%EOF", b"GIF89a;<script>"])
def test_input_34_another_kind_of_file_under_our_ending_is_damaged(acme, tmp_path, content):
    for ending in (".zip", ".tar.gz"):
        path = tmp_path / f"b{ending}"
        path.write_bytes(content)
        assert "The archive is damaged" in bring_in(acme, path)["refused"]


@pytest.mark.parametrize("content", [b"MZ\x90\x00" + bytes(500), SVG, b"\x7fELF\x02\x01\x01"])
def test_input_34_another_kind_of_file_as_a_csv_is_stopped(acme, tmp_path, content):
    assert accounts(acme, tmp_path, content)["by_file"]["accounts.csv"]["status"] == "stopped"


def test_input_34_a_workbook_is_no_bundle(acme, tmp_path):
    report = bring_in(acme, zipped(tmp_path / "book.xlsx.zip", *XLSX, ("xl/vbaProject.bin", b"macro")))
    assert "No file of the import format is in the bundle" in report["refused"]


def test_input_34_a_polyglot_lands_only_its_rows(acme, tmp_path):
    """A program with a zip behind it is a zip. Nothing of an upload is ever run or served."""
    path = zipped(tmp_path / "b.zip", ("accounts.csv", HEAD + "A1,<script>alert(1)</script>\n"))
    path.write_bytes(b"#!/bin/sh\nexit 1\n" + SVG + path.read_bytes())
    assert bring_in(acme, path)["by_file"]["accounts.csv"]["created"] == 1


# --- 35: names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../../x.csv", "/etc/x.csv", "a/../../x.csv", "C:\\x.csv", "C:x.csv", "..\\x.csv", "\\\\host\\x.csv"],
)
def test_input_35_names_that_lead_outside_are_refused(tmp_path, name):
    assert "leads outside" in refused(zipped(tmp_path / "b.zip", (name, HEAD)))
    assert "leads outside" in refused(tarred(tmp_path / "b.tar.gz", (tarfile.TarInfo(name), b"x")))
    assert not (tmp_path.parent.parent / "x.csv").exists()


@pytest.mark.parametrize(
    "name",
    [
        "x" * 300 + ".csv",
        "CON",
        "NUL.csv",
        "aux.csv",
        "accounts.csv.exe",
        "\u202egsv.stnuocca",
        "new\nline.csv",
        "accounts.CSV",
    ],
)
def test_input_35_odd_names_are_reported_and_never_a_path(acme, tmp_path, name):
    path = zipped(tmp_path / "b.zip", ("accounts.csv", HEAD + "A1,ok\n"), (name, "x"))
    report = bring_in(acme, path)
    assert {file["status"] for file in report["files"]} == {"landed", "ignored"}
    assert max(len(file["file"]) for file in report["files"]) <= 300
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.zip"]


def test_input_35_a_nul_ends_a_name(acme, tmp_path):
    path = zipped(tmp_path / "b.zip", ("accounts.csvX.exe", HEAD + "A1,ok\n"))
    path.write_bytes(path.read_bytes().replace(b"accounts.csvX.exe", b"accounts.csv\x00.exe"))
    report = bring_in(acme, path)
    assert report["refused"] or report["by_file"]["accounts.csv"]["status"] in ("landed", "stopped")


# --- anything at all ----------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@EXAMPLES
@given(file=st.sampled_from(sorted(FILES)), at=st.integers(0, 30), cell=TEXT, raw=st.binary(max_size=200))
@example(file="usage_daily", at=2, cell="١", raw=b"\x1f\x8b")
@example(file="accounts", at=1, cell="\ud7ff\x85\u2028", raw=b'"')
def test_input_32_any_text_in_any_cell_and_any_bytes_behind_it(acme, tmp_path, file, at, cell, raw):
    """Never a traceback, never half a file, and the counts add up."""
    columns = [column.name for column in FILES[file].columns]
    rows = {**VALID[file], columns[at % len(columns)]: cell.replace("\x00", "").replace("\r", "")}
    folder = tmp_path / "b"
    base = {name: [row(name)] for name in ("accounts", "contacts", "opportunities")}
    with acme.here():
        bundle(folder, **{**base, file: [rows]})
        path = folder / f"{file}.csv"
        path.write_bytes(path.read_bytes() + raw)
        report = bring_in(acme, folder)
    for found in report["files"]:
        landed = found["created"] + found["updated"] + found["unchanged"]
        if found["status"] == "landed":
            assert found["read"] == landed + found["rejected"], found
        else:
            assert landed == 0
            assert found["message"], found


# --- memory -------------------------------------------------------------------------------------

MOST_MEMORY = 500 * 1024  # kB


def hostile(folder):
    """Files that each would take gigabytes if they were held: wide, narrow and wrong, doubled, and a row of commas."""
    folder.mkdir()
    wide = ["external_id", "name", *(f"c{n}" for n in range(998))]
    with (folder / "accounts.csv").open("w") as out:
        out.write(",".join(wide) + "\nA1,ok" + "," * 998 + "\n")
        out.writelines(f'"W{n}",n' + "," * 998 + "\n" for n in range(6_000))
    (folder / "products.csv").write_text(HEAD + "a,\n" * 40_000)
    (folder / "contacts.csv").write_text("external_id,account_external_id\n" + "," * (11 * MB) + "\n")
    with (folder / "tickets.csv").open("w") as out:
        out.write("external_id,account_external_id,opened_at,subject\n")
        out.writelines(f"T1,A1,2026-03-01T09:30:00Z,s{n}\n" for n in range(10_000))
    with (folder / "articles.csv").open("w") as out:
        out.write("external_id,title,body," + ",".join(f"x{n}" for n in range(900)) + "\nK1,t")
        out.writelines([',"' + "y\n" * 500_000 + '"'] * 400)  # one row of 400 MB, no cell over its limit
    return folder


# A child begins with the peak of whoever starts it, and a test worker may be larger than the import: hence one between.
MEASURED = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def test_input_34_an_import_of_hostile_files_stays_under_500_mb(committed_db, tmp_path):
    """Measured by the kernel, of the process that imports."""
    from tests.worlds import make_world

    with transaction.atomic():
        make_world("acme")
    argv = [sys.executable, "manage.py", "import_bundle", "--tenant", "acme", str(hostile(tmp_path / "b"))]
    environment = {**os.environ, "HOLDFAST_DB_NAME": committed_db, "HOLDFAST_DB_ROLE": "app"}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with (tmp_path / "said").open("w") as said:
        between = [sys.executable, "-c", MEASURED, str(tmp_path / "most"), *argv]
        code = subprocess.call(between, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT)
    words = (tmp_path / "said").read_text()
    most = int((tmp_path / "most").read_text())
    assert code == 1, words[-2000:]
    assert "Traceback" not in words
    for name, said in {
        "accounts": "landed",
        "products": "stopped",
        "contacts": "stopped",
        "tickets": "stopped",
    }.items():
        assert f"{name}.csv" in words
        assert said in words.split(f"\n{name}.csv  ")[-1].split("\n")[0], words[-3000:]
    assert most < MOST_MEMORY, f"{most // 1024} MB at most"
