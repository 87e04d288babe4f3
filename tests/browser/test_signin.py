"""Passkeys in a real browser, with Chromium's virtual authenticator; and how the pages of signing in look."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction

from tests.browser.conftest import free_port, watch
from tests.browser.test_pages import violations
from tests.worlds import PASSWORD, make_world

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90_000
# Playwright leaves its loop running in this thread, and Django would refuse to make the world beside it
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture
def house(committed_db, settings):
    """A web process on a database of the test's own; passkeys need the name localhost, not a bare address."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    with transaction.atomic():
        acme = make_world("acme")
        for member in acme.people.values():
            member.user.password = make_password(PASSWORD) if member.role == "csm" else "!"
            member.user.save()
    port = free_port()
    env = {
        **os.environ,
        "HOLDFAST_DB_NAME": committed_db,
        "PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    manage = [sys.executable, "-W", "ignore", str(ROOT / "manage.py")]
    subprocess.run([*manage, "collectstatic", "--noinput", "-v", "0"], env=env, cwd=ROOT, check=True)
    with subprocess.Popen(
        [*manage, "runserver", f"127.0.0.1:{port}", "--noreload"], env=env, cwd=ROOT
    ) as server:
        try:
            until_it_answers(f"http://127.0.0.1:{port}/healthz", server)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(60)


def until_it_answers(address, server):
    for _ in range(450):
        assert server.poll() is None
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.problems = watch(page)
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }})  # fmt: skip
    yield page
    context.close()


def by_password(page, house):
    page.goto(f"{house}/auth/login/")
    page.fill("input[name=login]", "csm@acme.example")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")


def sign_out(page, house):
    page.goto(f"{house}/auth/logout/")
    page.click("main button[type=submit]")
    page.wait_for_url("**/auth/login/**")


def make_passkey(page, house, *, alone):
    page.goto(f"{house}/auth/2fa/webauthn/add/")
    if alone:
        page.check("input[name=passwordless]")
    page.click("text=Go on")
    page.wait_for_url("**/auth/2fa/recovery-codes/")


def test_a_passkey_signs_in_alone_and_nothing_inline_is_needed(house, page):
    by_password(page, house)
    page.wait_for_url("**/t/acme/**")
    make_passkey(page, house, alone=True)
    sign_out(page, house)
    page.click("text=Sign in with a passkey")
    page.wait_for_url("**/t/acme/**")
    assert page.problems == []


def test_a_passkey_is_the_second_step_and_proves_again(house, page):
    by_password(page, house)
    page.wait_for_url("**/t/acme/**")
    make_passkey(page, house, alone=False)
    sign_out(page, house)
    by_password(page, house)
    page.wait_for_url("**/auth/2fa/authenticate/")
    page.goto(f"{house}/t/acme/queue/")
    assert page.url.endswith("/auth/2fa/authenticate/"), "the password alone is not enough"
    page.click("text=Use a passkey")
    page.wait_for_url("**/t/acme/**")
    page.goto(f"{house}/auth/2fa/webauthn/reauthenticate/?next=/auth/browsers/")
    page.click("text=Use a passkey")
    page.wait_for_url("**/auth/browsers/")
    assert page.problems == []


def test_a_passkey_of_another_site_opens_nothing(house, page):
    """No key is known to the browser: it is told no, and the page says so in its own words."""
    page.goto(f"{house}/auth/login/")
    page.click("text=Sign in with a passkey")
    page.wait_for_selector("[data-passkey-error]:not([hidden])")
    assert "/auth/login/" in page.url


PAGES = ["/auth/browsers/", "/auth/2fa/", "/auth/2fa/totp/activate/", "/auth/2fa/webauthn/add/",
         "/auth/reauthenticate/", "/auth/password/change/", "/auth/email/"]  # fmt: skip


def test_the_pages_of_signing_in_are_sound(house, page):
    """axe finds nothing and nothing spills, light and dark, wide and narrow."""
    by_password(page, house)
    page.wait_for_url("**/t/acme/**")
    faults = []
    for path in PAGES:
        page.goto(f"{house}{path}")
        for theme, width in (("light", 1280), ("dark", 390), ("light", 320)):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            faults += [f"{path} {theme}: {each}" for each in violations(page)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                faults.append(f"{path}: wider than {width}")
    assert faults == []
    assert page.problems == []
