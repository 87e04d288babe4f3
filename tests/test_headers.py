"""Headers, cookies and redirects of every address: pages, fragments, admin, sign-in, errors, files (docs/asvs.md)."""

import subprocess
import sys

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from config import settings as configured
from tests.permission_table import OUTSIDE, TABLE
from tests.test_permissions import all_urls, ask, make, sign_in

pytestmark = pytest.mark.django_db
# files that whitenoise answers carry the middleware's headers before it, and no page's policy is read from a file
PLAIN = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


def policy(answer):
    parts = (part.strip().split(" ") for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: set(values) for name, *values in parts}


def check(answer, where):
    found = policy(answer)
    for values in found.values():
        assert not values & {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"}, where
    assert found["object-src"] == found["base-uri"] == found["frame-ancestors"] == {"'none'"}, where
    assert found["script-src"] == found["default-src"] == found["form-action"] == {"'self'"}, where
    for name, value in PLAIN.items():
        assert answer.headers[name] == value, (where, name)
    assert answer.headers["X-Frame-Options"] == "DENY", where
    assert "Access-Control-Allow-Origin" not in answer.headers, where
    assert not {"Server", "X-Powered-By"} & set(answer.headers), where
    if answer.get("Content-Type", "").startswith("text/"):
        assert "charset=utf-8" in answer.headers["Content-Type"].lower(), where


def is_private(answer):
    return {"no-store", "private"} <= set(answer.headers.get("Cache-Control", "").replace(" ", "").split(","))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.name}")
def test_every_address_of_a_workspace(row, acme):
    made = make(row, acme)
    for role in ("ops_admin", "reviewer"):
        answer = ask(sign_in(acme.people[role].user), row, acme, made)
        check(answer, role)
        if answer.status_code < 400:
            assert is_private(answer), role
        if "Content-Disposition" in answer.headers:
            assert answer.headers["Content-Disposition"].startswith("attachment"), role
        if answer.status_code in (302, 303):
            assert answer.headers["Location"].startswith("/"), "leads away from here"
    check(ask(Client(), row, acme, made), "signed out")


@pytest.mark.parametrize("row", OUTSIDE, ids=lambda row: row.name)
def test_every_address_outside(row, acme, client):
    made = make(row, acme)
    check(client.get(reverse(row.name, kwargs=made)), "signed out")


def own_pages():
    """Addresses of the sign-in and account pages that need no argument."""
    for name, _, has_slug in all_urls():
        if name.startswith(("account_", "mfa_", "usersessions_", "signin:")) and not has_slug:
            try:
                yield reverse(name)
            except NoReverseMatch:  # of one key, one session
                continue


def test_sign_in_and_account_pages(acme, client):
    pages = sorted(set(own_pages()))
    assert len(pages) > 10
    for path in pages:
        check(client.get(path), path)
    client.force_login(acme.csm.user)
    for path in pages:
        check(client.get(path), path)


def test_the_admin(acme, client):
    client.force_login(acme.ops_admin.user)
    session = client.session
    session["acting_tenant"] = "acme"
    session.save()
    for path in ("/admin/", "/admin/acting-tenant/", "/admin/tenants/team/", "/admin/tenants/team/add/",
                 "/admin/scoring/healthpolicy/", "/admin/nothing/here/"):  # fmt: skip
        check(client.get(path), path)


@pytest.mark.parametrize(
    "path", ["/nowhere/", "/t/acme/nowhere/", "/t/none/queue/", "/static/none.css", "/.git/config"]
)
def test_errors(acme, client, path):
    answer = client.get(path)
    assert answer.status_code in (302, 404)
    check(answer, path)


def test_a_request_without_its_token_and_one_from_another_host(acme):
    careful = Client(enforce_csrf_checks=True, raise_request_exception=False)
    careful.force_login(acme.csm.user)
    answer = careful.post(reverse("accounts:add_note", args=["acme", 1]), {"text": "x"})
    assert answer.status_code == 403
    check(answer, "no token")
    strange = Client(raise_request_exception=False).get("/auth/login/", headers={"host": "evil.example"})
    assert strange.status_code == 400
    assert "evil.example" not in strange.text


@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_leads_nowhere_else(acme, away):
    from tests.worlds import PASSWORD

    client = Client()
    values = {"login": acme.csm.user.email, "password": PASSWORD, "next": away}
    answer = client.post("/auth/login/", values)
    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]
    assert "javascript" not in answer.headers["Location"]


def test_the_sessions_cookie_is_not_for_scripts_nor_for_other_sites(acme):
    from tests.worlds import PASSWORD

    client = Client()
    client.post("/auth/login/", {"login": acme.csm.user.email, "password": PASSWORD})
    session = client.cookies[configured.SESSION_COOKIE_NAME]
    assert (session["httponly"], session["samesite"], session["path"]) == (True, "Lax", "/")
    assert session["domain"] == ""
    for cookie in client.cookies.values():
        assert cookie["samesite"] == "Lax", cookie.key


def test_with_another_bind_cookies_are_host_bound_and_transport_is_strict(tmp_path):
    """The settings as a production start reads them, in a process of its own."""
    import os

    code = (
        "from config import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, "
        "s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS >= 31536000, s.SECURE_HSTS_INCLUDE_SUBDOMAINS, "
        "s.SECURE_SSL_REDIRECT, s.DEBUG)"
    )
    env = {
        **os.environ, "HOLDFAST_BIND": "0.0.0.0", "HOLDFAST_PUBLIC_URL": "https://holdfast.example",
        "HOLDFAST_HOSTS": "holdfast.example", "HOLDFAST_SECRET_KEY": "k" * 60, "HOLDFAST_VAR": str(tmp_path),
        "DATABASE_URL": "postgresql://app:x@127.0.0.1:1/holdfast",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["__Host-session", "__Host-csrf", *["True"] * 5, "False"]


def test_no_template_holds_inline_script_or_style():
    import re
    from pathlib import Path

    root = Path(__file__).resolve().parent.parent / "templates"
    handler = r"\son(click|load|error|change|submit)="
    script = r"<script(?![^>]*\bsrc=)(?![^>]*json)"
    inline = re.compile(rf'<style|\sstyle=|{handler}|href="javascript:|{script}')
    found = [str(path.relative_to(root)) for path in root.rglob("*.html") if inline.search(path.read_text())]
    assert found == []
