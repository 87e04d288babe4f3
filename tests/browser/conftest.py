"""The real thing: `manage.py serve` on a database of its own, filled like the demo, driven in headless Chromium."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
PASSWORD = "holdfast-demo-1"
SCENE_PASSWORD = "correct-horse-7"  # tests.worlds
PATIENCE = 120_000  # milliseconds; a loaded machine takes its time
PEOPLE = {
    "csm": "csm01@vendor.example",
    "csm2": "csm02@vendor.example",
    "manager": "dana@vendor.example",
    "ops_admin": "ola@vendor.example",
    "executive": "ruth@vendor.example",
    "auditor": "avi@vendor.example",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class App:
    """A running Holdfast; `ledger` is what the receiver of its webhooks wrote down, outside of the app."""

    base: str
    var: Path
    env: dict

    def url(self, path: str) -> str:
        return self.at("demo", path)

    def at(self, slug: str, path: str = "") -> str:
        """The address of a page of this tenant."""
        return f"{self.base}/t/{slug}/{path.lstrip('/')}"

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*MANAGE, *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def ledger(self) -> list[str]:
        return (self.var / "receiver.log").read_text().splitlines()


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """Starts once for all browser tests: about half a minute of making, importing and scoring customers."""
    var = tmp_path_factory.mktemp("holdfast")
    port = free_port()
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HOLDFAST_VAR": str(var),
        "PORT": str(port),
        "HOLDFAST_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "PYTHONUNBUFFERED": "1",
    }
    env.pop("HOLDFAST_DB_ROLE", None)
    for step in (["migrate", "-v", "0"], ["collectstatic", "--noinput", "-v", "0"],
                 ["demo_data", "--accounts", "80", "--days", "240", "--weeks", "5"]):  # fmt: skip
        done = subprocess.run(
            [*MANAGE, *step], env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{step}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    with (var / "receiver.log").open("w") as ledger, (var / "server.log").open("w") as log:
        receiver = subprocess.Popen(
            [sys.executable, str(ROOT / "scripts/demo_receiver.py")], env=env, stderr=ledger
        )
        server = subprocess.Popen([*MANAGE, "serve"], env=env, cwd=ROOT, stdout=log, stderr=log)
        try:
            base = f"http://127.0.0.1:{port}"
            wait_until_ready(base, server, var)
            yield App(base, var, env)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
            receiver.terminate()
            receiver.wait(10)
            from config import embedded

            embedded.discard(var)
            shutil.rmtree(var, ignore_errors=True)


def wait_until_ready(base, server, var):
    for _ in range(300):
        assert server.poll() is None, (var / "server.log").read_text()[-4000:]
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError((var / "server.log").read_text()[-4000:])


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    path = next(
        (
            found
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (found := shutil.which(name))
        ),
        None,
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def scenes(app):
    """`scenes("dips.build")` calls a function of tests/browser/scenes in a process beside the running app."""
    command = [sys.executable, "-m", "tests.browser.scenes"]
    process = subprocess.Popen(
        command, env=app.env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def call(name: str, **args):
        process.stdin.write(json.dumps({"call": name, "args": args}) + "\n")
        process.stdin.flush()
        for line in process.stdout:  # what is logged there is passed over
            if line.startswith("=> "):
                return json.loads(line[3:])
        raise AssertionError(f"{name} broke off: its trace stands above")

    yield call
    process.stdin.close()
    process.wait(30)


@pytest.fixture
def sign_in(app, chromium):
    """`sign_in("csm")` gives a page of that person of the demo, in a browser profile of its own.

    `sign_in("csm", to="dips")`: the one with that role in the tenant of a scene.
    """
    contexts = []

    def enter(role: str, to: str = "demo", **options):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.problems = watch(page)
        login, password = (
            (PEOPLE[role], PASSWORD) if to == "demo" else (f"{role}@{to}.example", SCENE_PASSWORD)
        )
        page.goto(f"{app.base}/auth/login/")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", password)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"**/t/{to}/**")
        return page

    yield enter
    for context in contexts:
        context.close()


def watch(page) -> list[str]:
    """What the browser complains of: script errors, refused styles or scripts (CSP), failed requests."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on(
        "console",
        lambda message: problems.append(f"console: {message.text}") if message.type == "error" else None,
    )
    page.on(
        "response",
        lambda answer: problems.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    return problems
