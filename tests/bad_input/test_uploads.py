"""Uploads that are cut, lie about their length, flood, or are too large (inputs 35, 36): view and real server."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from integrations.models import BundleImport
from tests.imports.bundles import row
from tests.imports.test_pages import packed

pytestmark = pytest.mark.bad_input
ROOT = Path(__file__).resolve().parents[2]
MB = 1024**2
BOUNDARY = "holdfast-boundary"


@pytest.fixture
def upload_dir(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


@pytest.fixture
def revops(client, acme, upload_dir):
    client.force_login(acme.revops.user)
    return client


def left_on_disk(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def nothing_came(acme, upload_dir):
    assert left_on_disk(upload_dir) == []
    with acme.here():
        assert not BundleImport.objects.exists()


def body(content=b"PK", *, name="b.zip", before=b"", end=True):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="bundle"; filename="{name}"\r\n\r\n'
    tail = f"\r\n--{BOUNDARY}--\r\n" if end else ""
    return before + head.encode() + content + tail.encode()


def send(client, acme, sent, kind=f"multipart/form-data; boundary={BOUNDARY}", **headers):
    return client.generic("POST", acme.url("imports/upload/"), sent, content_type=kind, **headers)


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'x' * 300}",
     "multipart/form-data; boundary=\u00e9", "text/csv", "application/json", ""],
)  # fmt: skip
def test_input_36_without_a_boundary_it_is_a_bad_request(revops, acme, upload_dir, kind):
    answer = send(revops, acme, body(), kind)
    assert answer.status_code in (400, 422)
    nothing_came(acme, upload_dir)


def test_input_36_an_upload_that_ends_early_leaves_nothing(revops, acme, upload_dir):
    answer = send(revops, acme, body(b"PK" + bytes(200_000), end=False))
    if answer.status_code == 303:  # what came is kept, and is no archive: the import says so
        with acme.here():
            assert BundleImport.objects.count() == 1
    else:
        assert answer.status_code in (400, 422)
        nothing_came(acme, upload_dir)


@pytest.mark.parametrize("length", ["abc", "-5", "1e9", "", "99999999999999999999", "٣"])
def test_input_36_nonsense_for_a_length_is_no_crash(revops, acme, upload_dir, length):
    answer = send(revops, acme, body(), CONTENT_LENGTH=length)
    assert answer.status_code in (303, 400, 413, 422)
    if answer.status_code != 303:
        nothing_came(acme, upload_dir)


def test_input_36_a_flood_of_fields_is_a_bad_request(revops, acme, upload_dir):
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n'.encode()
    assert send(revops, acme, body(before=field * 100_000)).status_code == 400
    large = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"\r\n\r\n'.encode()
        + b"x" * (3 * MB)
        + b"\r\n"
    )
    assert send(revops, acme, body(before=large)).status_code in (400, 413)
    nothing_came(acme, upload_dir)


def test_input_36_a_second_file_and_other_files_go_nowhere(revops, acme, upload_dir, tmp_path):
    other = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="other"; filename="o.zip"\r\n\r\nPK\r\n'.encode()
    twice = other * 50 + body(b"PK1", end=False) + b"\r\n" + body(b"PK2")
    answer = send(revops, acme, twice)
    assert answer.status_code == 303
    assert len(left_on_disk(upload_dir)) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../x.zip", "x.zip"), ("/etc/passwd.zip", "passwd.zip"), ("C:\\x.zip", "x.zip"), ("CON.zip", "CON.zip"),
     ("x\x00.zip", None), ("\u202epiz.exe.zip", None), ("a" * 290 + ".zip", None), ("a\r\nSet-Cookie: x.zip", None)],
)  # fmt: skip
def test_input_35_a_file_name_is_only_ever_shown(revops, acme, upload_dir, name, kept):
    answer = (
        revops.post(acme.url("imports/upload/"), {"bundle": SimpleUploadedFile("x.zip", b"PK")})
        if kept is None and "\r" in name
        else send(revops, acme, body(name=name))
    )
    assert answer.status_code in (303, 400, 422)
    for path in upload_dir.rglob("*"):
        assert path.is_dir() or re.fullmatch(r"[0-9a-f]{32}\.zip", path.name)
    if answer.status_code == 303:
        with acme.here():
            shown = BundleImport.objects.get().file_name
        assert kept is None or shown == kept
        assert "/" not in shown
    assert not (upload_dir.parent / "x.zip").exists()


def test_input_35_a_name_of_300_characters_is_refused_in_words_or_kept_short(revops, acme, upload_dir):
    answer = send(revops, acme, body(name="a" * 400 + ".zip"))
    assert answer.status_code in (303, 422)


def test_input_36_the_real_limit_is_told_by_the_announced_length_alone(revops, acme, upload_dir, settings):
    """2 GB, as it is delivered: refused before a byte of it is read."""
    assert settings.UPLOAD_MAX_BYTES == 2048 * MB
    answer = send(revops, acme, body(), CONTENT_LENGTH=str(2048 * MB + 2 * MB))
    assert answer.status_code == 413
    assert "larger than 2,048 MB" in answer.text
    nothing_came(acme, upload_dir)


# --- against a real server ----------------------------------------------------------------------


@pytest.fixture
def served(committed_db, tmp_path):
    """gunicorn on a database of its own, where an upload may have 3 MB; (port, cookies, token, folder, path)."""
    from tests.worlds import make_world

    with transaction.atomic():
        world = make_world("acme")
    browser = Client()
    browser.force_login(world.revops.user)
    browser.get(world.url("imports/"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "HOLDFAST_DB_NAME": committed_db, "HOLDFAST_DB_ROLE": "app", "HOLDFAST_UPLOAD_MAX_MB": "3",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }  # fmt: skip
    argv = [sys.executable, "-m", "gunicorn", "config.wsgi", "-b", f"127.0.0.1:{port}", "--timeout", "90"]
    with (tmp_path / "said").open("w") as said:
        server = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, server, tmp_path / "said")
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in browser.cookies.items())
        token = browser.cookies["holdfast_csrf"].value
        yield port, cookies, token, settings.UPLOAD_DIR / str(world.tenant.pk), world.url("imports/upload/")
    finally:
        server.terminate()
        server.wait(90)


def _wait_for(port, server, said):
    end = time.monotonic() + 90
    while time.monotonic() < end:
        assert server.poll() is None, said.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(said.read_text())


def stream(port, path, headers, pieces):
    """The status of the answer, or None when the server closed the line on us while we sent."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    line.putrequest("POST", path)
    for name, value in headers.items():
        line.putheader(name, value)
    line.endheaders()
    try:
        for piece in pieces:
            line.send(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        return line.getresponse().status
    except (http.client.HTTPException, ConnectionError):
        return None
    finally:
        line.close()


def test_input_36_a_real_server_takes_no_upload_that_is_too_large_or_cut(served, tmp_path):
    port, cookies, token, folder, path = served
    before = left_on_disk(folder) if folder.exists() else []
    headers = {
        "Cookie": cookies,
        "X-CSRFToken": token,
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    # 20 MB that announce themselves: refused at once, whatever is sent
    pieces = [body(end=False), *[bytes(MB)] * 20]
    announced = stream(port, path, {**headers, "Content-Length": str(20 * MB)}, pieces)
    assert announced in (413, None)
    # the same that announce 4 MB, or come in chunks of unknown length
    assert stream(
        port, path, {**headers, "Content-Length": str(4 * MB - 10)}, [body(end=False), *[bytes(MB)] * 4]
    ) in (413, None)
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [body(end=False), *[bytes(MB)] * 5]]
    assert stream(port, path, {**headers, "Transfer-Encoding": "chunked"}, [*chunks, b"0\r\n\r\n"]) in (
        400,
        403,
        413,
        422,
        None,
    )
    # cut off: 1 MB of 2 announced, then the line is gone
    line = socket.create_connection(("127.0.0.1", port), 90)
    head = "".join(
        f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": str(2 * MB)}.items()
    )
    line.sendall(
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{head}\r\n".encode() + body(bytes(MB), end=False)
    )
    line.close()
    end = time.monotonic() + 90
    while (found := left_on_disk(folder) if folder.exists() else []) != before:
        assert time.monotonic() < end, found
        time.sleep(0.2)
    # and the server goes on: a good one lands
    good = packed(tmp_path, accounts=[row("accounts")])
    sent = body(good)
    assert stream(port, path, {**headers, "Content-Length": str(len(sent))}, [sent]) == 303
    assert len(left_on_disk(folder)) == len(before) + 1
    (folder / next(iter(set(left_on_disk(folder)) - set(before)))).unlink()
