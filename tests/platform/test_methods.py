"""HEAD is GET without the body, and a person at an address that only takes forms is told so."""

import pytest
from django.http import StreamingHttpResponse
from django.test import RequestFactory

from config.middleware import HeadAsGet

pytestmark = pytest.mark.django_db
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def revops(client, acme):
    client.force_login(acme.revops.user)
    return client


@pytest.mark.parametrize("where", ["queue/", "accounts/", "imports/", "queue/export/"])
def test_head_is_answered_like_get(revops, acme, where):
    got, head = revops.get(acme.url(where)), revops.head(acme.url(where))
    assert head.status_code == got.status_code
    assert head.getvalue() == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


def test_a_stream_s_body_is_left_out_and_closed():
    closed = []

    def rows():
        try:
            yield b"a row\n"
        finally:
            closed.append(True)

    source = rows()
    next(source)  # begun, so that closing shows
    answer = HeadAsGet(lambda request: StreamingHttpResponse(source))(RequestFactory().head("/"))
    assert b"".join(answer.streaming_content) == b""
    answer.close()
    assert closed == [True]


@pytest.mark.parametrize("where", ["scores/run/", "imports/1/rows/retry/"])
def test_a_person_at_an_address_for_forms_gets_a_page(revops, acme, where):
    answer = revops.get(acme.url(where), headers=BROWSER)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "There is nothing to read at this address" in answer.text
    assert int(answer.headers.get("Content-Length", len(answer.content))) == len(answer.content)


def test_a_program_gets_the_bare_answer(revops, acme):
    assert revops.get(acme.url("scores/run/")).content == b""


def test_a_stranger_gets_the_page_without_a_workspace(client, acme):
    answer = client.get(acme.url("scores/run/"), headers=BROWSER)
    if answer.status_code == 405:  # the method is refused before anybody is asked to sign in
        assert acme.tenant.name not in answer.text
    else:
        assert answer.status_code == 302
