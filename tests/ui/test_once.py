"""What app.js adds to keys and polls, in a real browser: one intent, one key; no asking after a refusal."""

import pytest
from playwright.sync_api import Page, Route

from tests.ui import test_app_js as other
from tests.ui.test_app_js import HOST, browser  # noqa: F401

pytestmark = pytest.mark.browser

FORM = """
<form id="notes" hx-post="/notes" hx-target="#out"><input name="text" value="one"><button>Add</button></form>
<div id="poll" hx-get="/gone" hx-trigger="every 100ms" data-quiet></div><div id="out"></div>"""


@pytest.fixture
def page(browser):  # noqa: F811
    context = browser.new_context()
    page = context.new_page()
    page.sent, page.statuses, page.asked = [], [], 0
    page.route("**/*", lambda route: answer(page, route))
    page.goto(HOST + "/")
    yield page
    context.close()


def answer(page: Page, route: Route) -> None:
    path = route.request.url.removeprefix(HOST)
    if path == "/notes":
        page.sent.append(route.request.post_data)
        status = page.statuses.pop(0) if page.statuses else 200
        route.abort() if status == 0 else route.fulfill(status=status, body="", content_type="text/html")
    elif path == "/gone":
        page.asked += 1
        route.fulfill(status=404, body="", content_type="text/html")
    else:
        other.answer(route)


def put(page: Page) -> None:
    page.evaluate(
        "html => { const at = document.querySelector('#main'); at.innerHTML = html; htmx.process(at) }", FORM
    )


def key(body: str) -> str:
    return dict(pair.split("=") for pair in body.split("&"))["idempotency_key"]


def send(page: Page) -> str:
    before = len(page.sent)
    page.click("#notes button")
    page.wait_for_function(
        "() => !document.querySelector('#notes').matches('.htmx-request, [aria-busy=true]')"
    )
    assert len(page.sent) == before + 1
    return key(page.sent[-1])


def test_what_got_no_answer_is_sent_again_under_the_same_key_and_the_next_under_another(page):
    put(page)
    page.statuses = [0, 503, 409, 200, 200]
    lost, failed, busy, kept, following = (send(page) for _ in range(5))
    assert lost == failed == busy == kept
    assert following != kept
    assert len(kept) > 20


def test_a_poll_ends_once_it_is_refused(page):
    put(page)
    page.wait_for_selector("#poll[data-ended]", state="attached")
    asked = page.asked
    page.wait_for_timeout(1000)
    assert page.asked == asked
