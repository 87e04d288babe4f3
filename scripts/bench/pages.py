"""Queue, account page and search at several sizes, over HTTP, each request beside one of the bare view."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from scripts.bench import crowd
from scripts.bench.installation import ROOT, Installation, environment
from scripts.bench.table import Line, percentile, times

REQUESTS = 150
WARM_UP = 15
PORT = 18_765
BASE = f"http://127.0.0.1:{PORT}"
WHO = {"CSM": "csm1@crowd-0.example", "admin": "ops@crowd-0.example"}


def measure(made: Installation, sizes: list[int]) -> Iterator[Line]:
    """p95 in milliseconds at each size (accounts in all tenants together), against the bare view's at that size."""
    made.manage("collectstatic", "--noinput", "-v", "0")
    crowd.make(made)
    done = 0
    with _server():
        clients = {name: _signed_in(email) for name, email in WHO.items()}
        for size in sizes:
            per_tenant = size // crowd.TENANTS
            crowd.grow(made, first=done, last=per_tenant - 1)
            done = per_tenant
            yield from _at(made, clients, size)


def _at(made: Installation, clients: dict[str, httpx.Client], size: int) -> Iterator[Line]:
    with made.superuser() as connection:
        tenant, account, name = _an_account(connection)
    home = "/t/crowd-0"
    pages = (
        ("queue", "CSM", f"{home}/queue/"),
        ("queue of all accounts", "admin", f"{home}/queue/?view=all"),
        ("account page", "CSM", f"{home}/accounts/{account}/"),
        ("search", "CSM", f"{home}/search/?q={name.split()[0]}"),
    )
    for what, who, address in pages:
        took, bare = _race(clients[who], address, f"/bench/bare/{tenant}/")
        yield times(
            f"{what} ({who}), {size:,} accounts in {crowd.TENANTS} tenants, p95",
            percentile(took, 0.95),
            "bare view, one keyset query, p95",
            percentile(bare, 0.95),
            "at most 4 x",
            unit="ms",
        )


def _an_account(connection: Any) -> tuple[int, int, str]:
    return connection.execute(  # type: ignore[no-any-return]
        "SELECT a.tenant_id, a.id, a.name FROM accounts_account a JOIN tenants_user u ON u.id = a.owner_id"
        " WHERE u.email = %s ORDER BY a.id LIMIT 1",
        [WHO["CSM"]],
    ).fetchone()


def _race(client: httpx.Client, address: str, bare: str) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn, so that a change of the machine's speed meets both alike."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP + REQUESTS):
        for seconds, path in zip(found, (address, bare), strict=True):
            started = time.perf_counter()
            answer = client.get(path)
            took = time.perf_counter() - started
            if answer.status_code != 200:
                sys.exit(f"bench: {path} answered {answer.status_code}")
            if number >= WARM_UP:
                seconds.append(took)
    return found


def _signed_in(email: str) -> httpx.Client:
    """Through the sign-in form, as a person does."""
    client = httpx.Client(base_url=BASE, follow_redirects=True, timeout=60)
    form = client.get("/auth/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token, "the sign-in form has a token"
    values = {"login": email, "password": crowd.PASSWORD, "csrfmiddlewaretoken": token[1]}
    answer = client.post("/auth/login/", data=values, headers={"Referer": f"{BASE}/auth/login/"})
    if "/t/" not in str(answer.url):
        sys.exit(f"bench: signing in as {email} ended at {answer.url}")
    return client


@contextmanager
def _server() -> Iterator[None]:
    """One web process with two threads, so that a figure is one request's and not a queue's."""
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{PORT}"]
    command += ["--workers", "1", "--threads", "2", "--keep-alive", "30", "--log-level", "error"]
    with open("/dev/null", "wb") as nowhere:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=nowhere, stdout=nowhere)
    try:
        _wait(process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if process.poll() is not None:
            sys.exit("bench: the web process ended")
        try:
            if httpx.get(f"{BASE}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    sys.exit("bench: the web process did not answer")
