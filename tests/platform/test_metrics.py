"""/metrics: who may read it, what it holds, and that it stays one small question to the database."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import gauges, metrics
from jobs.models import Figures
from tests.platform.conftest import PYTHONPATH

pytestmark = pytest.mark.django_db

COUNTER = """
import os, sys
from config import metrics
metrics.observe(method="GET", route="tests:route", status=200, seconds=0.01)
print("counted", flush=True)
if sys.argv[1] == "wait":
    sys.stdin.readline()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path, monkeypatch):
    settings.HOLDFAST_VAR = tmp_path
    monkeypatch.setattr(metrics, "_instruments", None)
    monkeypatch.setattr(metrics, "_slot", {})
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))


def scrape(client=None, **headers):
    answer = (client or Client()).get(reverse("metrics"), **headers)
    if answer.status_code != 200:
        return answer.status_code
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value for f in families for sample in f.samples
    }


def keep_figures(name="fast", **found):
    """As the sweeper would, which only the worker role may."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('jobs_figures', 'INSERT'), current_user")
        assert cursor.fetchone() == (False, "holdfast_app")
    return Figures(name=name, content={"found": found, "seconds": 0.01}, taken_at=timezone.now())


def test_the_loopback_may_read_and_requests_are_counted_by_route_and_status(acme):
    client = Client()
    client.force_login(acme.people["csm"].user)
    client.get(reverse("accounts:list", args=[acme.tenant.slug]), {"q": "Umbrella"})
    client.get("/no/such/page/")
    found = scrape()
    ok = ("holdfast_requests_total", ("method", "GET"), ("route", "accounts:list"), ("status", "200"))
    assert found[ok] == 1
    lost = ("holdfast_requests_total", ("method", "GET"), ("route", "unmatched"), ("status", "404"))
    assert found[lost] == 1
    assert found[("holdfast_request_seconds_count", ("method", "GET"), ("route", "accounts:list"))] == 1
    assert found[("holdfast_database_up",)] == 1
    assert not [key for key in found if "Umbrella" in str(key)]


@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "203.0.113.9"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer "},
        {"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer wrong"},
        {"REMOTE_ADDR": ""},
    ],
)
@pytest.mark.parametrize("token", ["", "right-token"])
def test_everybody_else_gets_a_404(settings, headers, token):
    settings.METRICS_TOKEN = token
    assert scrape(**headers) == 404


def test_a_proxys_address_says_nothing(settings):
    settings.BEHIND_PROXY = True
    assert scrape() == 404


def test_the_token_opens_from_anywhere(settings):
    settings.METRICS_TOKEN = "right-token"
    found = scrape(REMOTE_ADDR="203.0.113.9", HTTP_AUTHORIZATION="Bearer right-token")
    assert ("holdfast_database_up",) in found


def test_a_method_that_nobody_knows_makes_no_new_label():
    Client().generic("BREW", "/healthz")
    assert [key for key in scrape() if ("method", "other") in key]
    assert not [key for key in scrape() if ("method", "BREW") in key]


def test_a_scrape_costs_two_queries(query_count):
    assert query_count(scrape) <= 2


def test_workers_killed_by_9_leave_their_counts_and_their_slot(settings, tmp_path):
    """Ten dead processes, and two that live at once: two slots, and every count is there."""
    run = [sys.executable, "-c", "import django; django.setup()\n" + COUNTER]
    environment = {
        **os.environ,
        "HOLDFAST_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": PYTHONPATH,
    }
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    alive = subprocess.Popen([*run, "wait"], **pipes)
    assert alive.stdout.readline() == "counted\n"
    for _ in range(3):
        assert subprocess.run([*run, "die"], **(pipes | {"stdin": subprocess.DEVNULL})).returncode == -9
    alive.communicate("go\n")
    name = ("holdfast_requests_total", ("method", "GET"), ("route", "tests:route"), ("status", "200"))
    assert scrape()[name] == 4
    assert len(list((tmp_path / "metrics").glob("counter_*.db"))) <= 3


def test_every_figure_is_named_in_the_catalogue(acme):
    """What the sweeper gathers, as far as the app role may see it in the tests' one transaction."""
    with acme.here():
        names = set(gauges._of_tenant(acme.tenant)) | set(gauges._store()) | set(gauges._jobs())
        names |= set(gauges._outbox())
    assert names <= set(gauges.CATALOGUE)
    assert "holdfast_unsealed_events" in names


def test_the_horizon_lags_while_a_transaction_stays_open(monkeypatch):
    answers = iter([[(5, 10)], [(5, 12)], [(12, 12)]])
    clock = iter([100.0, 130.0, 150.0])
    monkeypatch.setattr(gauges, "_rows", lambda *_: next(answers))
    monkeypatch.setattr(gauges.time, "monotonic", lambda: next(clock))
    gauges._horizon.clear()
    assert [gauges._horizon_lag() for _ in range(3)] == [0.0, 30.0, 0.0]


def test_a_backup_long_ago_shows(tmp_path):
    long_ago = timezone.now() - timedelta(days=3)
    gauges.backup_note().write_text(f'{{"at": {long_ago.timestamp()}}}')
    assert scrape()[("holdfast_backup_age_seconds",)] > 3 * 86000
