"""The frame around every page, the error pages and the sign-in pages: complete with context, whole without."""

import json
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.test import RequestFactory

EVIL = '<script>alert("x")</script>'

FULL = {
    "product_name": "Holdfast",
    "nav": [
        SimpleNamespace(label="Queue", url="/t/acme/queue/", current=True, count=12),
        SimpleNamespace(label="Accounts", url="/t/acme/accounts/", current=False, count=None),
    ],
    "tenant": SimpleNamespace(name="Acme", slug="acme", environment="sandbox"),
    "tenants": [SimpleNamespace(name="Acme", url="/t/acme/", current=True, environment="sandbox")],
    "me": SimpleNamespace(name="Priya Raman", initials="PR", email="priya@example.com", role_label="CSM"),
    "search_url": "/t/acme/search/",
    "freshness": SimpleNamespace(late=["Mail 31 h late"], scored_at="06:10", url="/t/acme/data/"),
    "keys_help": [("J K", "move")],
}


def test_the_frame_renders_with_everything():
    html = render_to_string("base.html", FULL, request=RequestFactory().get("/"))
    for text in (
        "Sandbox",
        "Priya Raman",
        "Mail 31 h late",
        "Scores 06:10",
        'aria-current="page"',
        "X-CSRFToken",
    ):
        assert text in html
    assert 'data-go="q"' in html
    assert html.count("<h1") == 0  # the page brings its own
    assert 'action="/auth/logout/"' in html


def test_the_frame_renders_with_nothing():
    html = render_to_string("base.html", {})
    for text in ('<main id="main"', 'id="toasts"', "Holdfast", "Skip to content"):
        assert text in html
    for text in ("Sandbox", "me-menu", 'role="search"', "None"):
        assert text not in html


def test_the_htmx_settings_are_json_and_swap_refusals():
    found = re.search(r"name=\"htmx-config\"\s+content='([^']+)'", render_to_string("base.html", {}))
    assert found
    settings = json.loads(found[1])
    assert settings["allowEval"] is False
    assert {"code": "(409|422)", "swap": True} in settings["responseHandling"]


@pytest.mark.parametrize(
    ("cookies", "wanted"),
    [
        ({}, '<html lang="en">'),
        ({"theme": "dark"}, '<html lang="en" data-theme="dark">'),
        ({"theme": EVIL}, '<html lang="en">'),
        ({"hotkeys": "off"}, '<html lang="en" data-keys-off>'),
    ],
)
def test_the_page_follows_the_readers_choices(cookies, wanted):
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies)
    assert wanted in render_to_string("base.html", {}, request=request)


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "500.html"])
def test_error_pages_need_no_context(name):
    html = render_to_string(name)
    assert html.count("<h1") == 1
    assert "None" not in html


def test_403_says_whom_to_ask():
    html = render_to_string("403.html", {"owner_name": "Tom Okafor", "ask": "Tom or Dana Whitlock"})
    assert "belongs to Tom Okafor" in html
    assert "Ask Tom or Dana Whitlock for access" in html


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["login", "signup", "password/reset", "password/reset/done", "password/reset/key/1-x", "inactive"],
)
def test_sign_in_pages_have_our_look(client, address):
    check_our_look(client.get(f"/auth/{address}/"))


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["logout", "password/change", "email", "reauthenticate"])
def test_pages_about_oneself_have_our_look(client, address):
    user = get_user_model().objects.create_user(email="priya@example.com", password="correct horse battery")
    client.force_login(user)
    check_our_look(client.get(f"/auth/{address}/", follow=True))


@pytest.mark.django_db
def test_a_refused_sign_in_says_so_and_keeps_the_address(client):
    page = client.post("/auth/login/", {"login": "priya@example.com", "password": "wrong"}).content.decode()
    assert "<title>Error: Sign in" in page
    assert 'role="alert"' in page
    assert 'value="priya@example.com"' in page


def check_our_look(response):
    html = response.content.decode()
    assert response.status_code == 200
    assert 'class="auth"' in html
    assert html.count("<h1") == 1
    assert "Holdfast</title>" in html
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", html) == []
