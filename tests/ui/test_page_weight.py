"""What the first load of a page weighs and how often it asks (UX 9), with a full queue.

Measured as HTML from the test client and the files that it names, each gzipped: the chart bundle apart, which is
deferred. Layout shift and long tasks need a browser and a quiet machine: docs/performance.md says what is known.
"""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests.approvals.makers import a_request
from tests.playbooks import makers

pytestmark = pytest.mark.django_db

HTML, FIRST_LOAD = 16_000, 60_000
REQUESTS, WITH_CHARTS, LAZY = 7, 9, 4
# page: how many requests its first load may make; those with charts ask for the bundle and its starter too
PAGES = {
    "playbooks:queue": REQUESTS, "approvals:inbox": REQUESTS, "playbooks:play": REQUESTS,
    "accounts:account": WITH_CHARTS, "scoring:outcomes": WITH_CHARTS, "scoring:renewals": WITH_CHARTS,
}  # fmt: skip
LOADED = re.compile(r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']([^"']+)|<link\b[^>]*?>""")
LATER = re.compile(r"""hx-trigger=["']load""")  # what is `revealed` waits until somebody scrolls there


@pytest.fixture
def busy(acme):
    """A queue of 25, a request that waits, a running play, a scored day, so that the queue is as long as its page."""
    from tests import nightly

    with acme.here():
        for at in range(25):
            account = acme.add_account(
                f"Halden Logistics {at:02} of Trondheim", region="EMEA", segment="enterprise"
            )
            makers.health_row(acme, account)
            makers.suggest(
                acme, account, makers.low(), makers.low("billing.overdue", text="Two invoices are overdue")
            )
        a_request(acme)
        play = makers.running_play(acme, acme.add_account("Halden Play"))
        account_id = nightly.renewals(acme)["account_id"]
    return {"playbooks:play": [play.pk], "accounts:account": [account_id]}


def files_of(page):
    """The files that the browser fetches with the page: scripts, styles, icons."""
    found = []
    for match in LOADED.finditer(page):
        source = match[1]
        if source is None and re.search(r'rel="[^"]*(stylesheet|icon|preload|manifest)', match[0]):
            source = re.search(r'href="([^"]+)', match[0])[1]
        if source and not source.startswith("data:"):
            found.append(source.split("?")[0])
    return list(dict.fromkeys(found))


def weight(path):
    file = finders.find(path.removeprefix("/static/"))
    assert file, f"{path} is no static file"
    return len(gzip.compress(Path(file).read_bytes(), 9))


def test_the_first_load_is_light(acme, busy, client):
    client.force_login(acme.manager.user)
    told, over = [], []
    for name, requests in PAGES.items():
        answer = client.get(reverse(name, args=["acme", *busy.get(name, [])]), {"view": "all"})
        assert answer.status_code == 200, name
        files = files_of(answer.text)
        own = [each for each in files if "plotly" not in each and each.startswith("/static/")]
        assert any("htmx" in each for each in own), name
        html = len(gzip.compress(answer.content, 6))
        whole = html + sum(map(weight, own))
        asked, lazy = 1 + len(files), len(LATER.findall(answer.text))
        told.append(f"{name}: {html} B HTML, {whole} B in all, {asked} requests and {lazy} later")
        if html > HTML or whole > FIRST_LOAD or asked > requests or lazy > LAZY:
            over.append(told[-1])
    print("\n".join(told))
    assert not over, over
