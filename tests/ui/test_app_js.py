"""app.js and charts.js in a real browser, without a server: the page and its answers come from this file."""

import shutil

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.test import RequestFactory
from playwright.sync_api import Page, Route, sync_playwright

pytestmark = pytest.mark.browser

HOST = "http://holdfast.test"
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
)
PAGE = """
{% extends "base.html" %}{% load ui %}
{% block head_extra %}{% include "parts/chart_bundle.html" %}{% endblock %}
{% block content %}
<h1>Queue</h1>
<table><tbody>{% for n in "123" %}
  <tr id="item-{{ n }}" data-keys="queue">
    <td><input type="checkbox" name="item" value="{{ n }}" data-key="x" aria-label="Select {{ n }}"></td>
    <td><a href="#{{ n }}" data-focus data-key="enter">Account {{ n }}</a></td>
    <td><button type="button" data-key="a"
      hx-post="/accept" hx-target="#item-{{ n }}" hx-swap="outerHTML">Accept</button>
      <button type="button" data-key="s" hx-get="/snooze" hx-target="#pop">Snooze</button></td>
  </tr>{% endfor %}</tbody></table>
<div id="panel"><p>Old content</p><button type="button" id="fail" hx-get="/fail" hx-target="#panel">Load</button></div>
{% chart "curve" figure "Chance of leaving" %}
{% endblock %}
"""
FORM = """<form hx-post="/snoozed" hx-target="#item-2" hx-swap="outerHTML">
  <label for="until">Until</label><input id="until" autofocus></form>"""
ANSWERS = {
    "/accept": (
        200,
        '<tr id="item-1"><td>Accepted</td></tr>{% load ui %}{% toast "Play starts" undo="/undo" oob=True %}',
    ),
    "/snooze": (200, FORM),
    "/snoozed": (422, FORM.replace("Until", "Choose a day")),
    "/fail": (500, "traceback"),
}
FIGURE = {"data": [{"x": [0, 90], "y": [0, 47], "type": "scatter", "line": {"color": "--accent"}}]}


def answer(route: Route) -> None:
    path = route.request.url.removeprefix(HOST).split("?")[0].split("#")[0]
    if path.startswith("/static/"):
        route.fulfill(path=finders.find(path.removeprefix("/static/")))
    elif path in ANSWERS:
        status, body = ANSWERS[path]
        headers = {"X-Request-Id": "7f3a-19"}
        route.fulfill(
            status=status, body=Template(body).render(Context()), content_type="text/html", headers=headers
        )
    else:
        request = RequestFactory().get("/", headers={"Cookie": route.request.all_headers().get("cookie", "")})
        body = Template(PAGE).render(
            Context({"search_url": "/search/", "figure": FIGURE, "request": request})
        )
        route.fulfill(body=body, content_type="text/html", headers={"Content-Security-Policy": POLICY})


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    context = browser.new_context()
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console", lambda line: page.complaints.append(line.text) if "Security Policy" in line.text else None
    )
    page.route("**/*", answer)
    page.goto(HOST + "/")
    yield page
    context.close()
    assert page.complaints == []


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.textContent.trim()")


def test_rows_answer_to_letters_and_focus_goes_on(page):
    page.focus("#item-1 a")
    page.keyboard.press("j")
    assert focused(page) == "Account 2"
    page.keyboard.press("k")
    page.keyboard.press("a")
    page.wait_for_selector("#toasts .toast")
    assert page.inner_text("#item-1") == "Accepted"
    assert focused(page) == "Account 2"


def test_letters_do_nothing_outside_rows_while_typing_or_when_turned_off(page):
    page.keyboard.press("a")
    page.keyboard.press("/")
    page.keyboard.type("xa")
    assert page.input_value("#search") == "xa"
    page.click("footer [data-keys-toggle]")
    page.reload()
    page.focus("#item-1 a")
    page.keyboard.press("x")
    assert page.locator("input[name=item]:checked").count() == 0


def test_shift_x_selects_a_range(page):
    page.focus("#item-1 a")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert page.locator("input[name=item]:checked").count() == 3


def test_a_loaded_form_opens_beside_what_asked_for_it(page):
    page.focus("#item-2 a")
    page.keyboard.press("s")
    page.wait_for_selector("#pop:popover-open")
    asked, opened = page.locator("#item-2 [data-key=s]").bounding_box(), page.locator("#pop").bounding_box()
    assert page.evaluate("document.activeElement.id") == "until"
    assert 0 <= opened["y"] - (asked["y"] + asked["height"]) < 12
    page.keyboard.press("Escape")
    assert page.locator("#pop:popover-open").count() == 0


def test_a_refused_form_stays_open_and_leaves_its_row_alone(page):
    page.click("#item-2 [data-key=s]")
    page.wait_for_selector("#pop:popover-open")
    page.keyboard.press("Enter")
    page.wait_for_selector("#pop:popover-open >> text=Choose a day")
    assert "Account 2" in page.inner_text("#item-2")


def test_a_failed_region_keeps_its_content_and_says_why(page):
    page.click("#fail")
    note = page.locator("#panel [role=alert]")
    note.wait_for()
    assert "Reference 7f3a-19" in note.inner_text()
    assert page.locator("#panel p").first.inner_text() == "Old content"
    assert page.locator("#panel[aria-busy]").count() == 0
    note.get_by_text("Try again").click()
    page.wait_for_function("document.querySelectorAll('#panel [role=alert]').length === 1")


def test_a_toast_leaves_after_eight_seconds_unless_it_is_being_read(page):
    page.clock.install()
    page.focus("#item-1 a")
    page.keyboard.press("a")
    page.wait_for_selector(".toast")
    page.hover(".toast")
    page.clock.run_for(20_000)
    assert page.locator(".toast").count() == 1
    page.mouse.move(0, 0)
    page.clock.run_for(9_000)
    assert page.locator(".toast").count() == 0


def test_charts_follow_the_theme(page):
    colour = "document.querySelector('[data-chart] .lines path').style.stroke"
    page.wait_for_selector("[data-chart] .lines path", state="attached")
    before = page.evaluate(colour)
    page.evaluate(
        "document.documentElement.dataset.theme = 'dark'; document.dispatchEvent(new Event('theme'))"
    )
    page.wait_for_function(f"{colour} !== '{before}'")
    assert page.evaluate(colour) == "rgb(141, 180, 255)"


def test_question_mark_lists_the_keys(page):
    page.keyboard.press("?")
    assert page.locator("#keys-help:popover-open").count() == 1
