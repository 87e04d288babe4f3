"""Fault 46, an upload larger than is taken: refused with words, nothing of it left, and the others go on meanwhile."""

import io
import threading

import pytest
import requests

from tests.faults import load

MB = 1024 * 1024
BOUNDARY = "part-of-the-upload"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="bundle"; filename="large.zip"\r\n'
    "Content-Type: application/zip\r\n\r\n"
).encode()


class Body(io.BytesIO):
    """A form with a file of a megabyte and a half: announced as long as it is, which the frame around it may be too.

    After the first half of a megabyte it waits until the others were looked at.
    """

    def __init__(self):
        self.is_under_way, self.go_on = threading.Event(), threading.Event()
        super().__init__(HEAD + b"x" * (3 * MB // 2) + f"\r\n--{BOUNDARY}--\r\n".encode())

    def read(self, size=-1):
        if self.tell() > MB // 2 and not self.is_under_way.is_set():
            self.is_under_way.set()
            assert self.go_on.wait(120)
        return super().read(size)


class Sending(threading.Thread):
    def __init__(self, browser, path):
        super().__init__(daemon=True)
        self.browser, self.path, self.body, self.answer = browser, path, Body(), None

    def run(self):
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        try:
            self.answer = self.browser.post(self.path, self.body, headers=headers, timeout=120)
        except requests.RequestException as error:  # answered and closed before all of it was sent
            self.answer = error


@pytest.fixture
def small(house):
    """A server that takes one megabyte, with one process, so that whoever holds it up holds up all."""
    house.web(workers=1, HOLDFAST_UPLOAD_MAX_MB=1)
    account = load.an_account(house)
    csm, revops = (house.browser().sign_in(f"{who}@acme.example") for who in ("csm", "revops"))
    return account, csm, revops


def left(house):
    """Files of uploads, and imports that were begun."""
    kept = [path for path in (house.var / "uploads").rglob("*") if path.is_file()]
    return kept, house.one("SELECT count(*) FROM integrations_bundleimport")


def test_fault_46_an_oversized_upload_is_refused_while_others_work(house, small):
    account, csm, revops = small
    upload = "/t/acme/imports/upload/"
    sending = Sending(revops, upload)
    sending.start()
    assert sending.body.is_under_way.wait(120)
    for path in (f"/t/acme/accounts/{account}/", "/t/acme/accounts/", "/t/acme/queue/", "/readyz"):
        assert csm.get(path).status_code == 200, path
    noted = csm.post(load.note_path(account), {"text": "Called meanwhile"})
    assert noted.status_code == 303, noted.text[:500]
    sending.body.go_on.set()
    sending.join(120)
    cut = isinstance(sending.answer, requests.RequestException)
    assert cut or sending.answer.status_code == 413, sending.answer.text[:500]
    house.wait_until(lambda: left(house) == ([], 0), "nothing of the upload to be left")

    told = revops.post(upload, files={"bundle": ("large.zip", b"x" * (2 * MB + 1))})
    assert told.status_code == 413
    assert "larger than 1 MB" in told.text, told.text[:1000]
    assert left(house) == ([], 0)
    assert csm.get("/t/acme/accounts/").status_code == 200
