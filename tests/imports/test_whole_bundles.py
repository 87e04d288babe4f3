"""Whole bundles with real commits: the sample that comes with the format, and one of the simulator's."""

import datetime
import threading
import time
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from accounts import grants
from accounts.models import Account, Product, UsageDay
from integrations.importing import merge
from integrations.importing.run import import_bundle
from integrations.models import BundleFile, BundleImport
from integrations.services import imports as services
from tenants import services as tenants
from tenants.scoping import tenant_transaction
from tests.imports.bundles import VALID, bundle, row
from tests.worlds import MAKER

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT.parent / "shared" / "contract" / "sample"
ROWS = {
    "accounts": 400, "contacts": 2577, "subscriptions": 2262, "opportunities": 562, "opportunity_changes": 5705,
    "outcomes": 466, "invoices": 3024, "tickets": 5760, "surveys": 1685, "activities": 14711, "objectives": 1479,
    "milestones": 3600, "company_events": 433, "articles": 21, "usage_daily": 147409,
}  # fmt: skip


@pytest.fixture
def harbor(committed_db, django_db_blocker):
    with django_db_blocker.unblock():
        tenant, _ = tenants.create_tenant(
            organization="Harbor",
            slug="harbor",
            environment="production",
            currency="USD",
            time_zone="UTC",
            by=MAKER,
        )
        yield tenant


def bring_in(tenant, path, *, say=lambda *said: None):
    with tenant_transaction(tenant.pk):
        record = services.open_import(tenant, file_name=path.name, path=str(path), by=MAKER)
    report = import_bundle(tenant, path, by=MAKER, say=say, record=record)
    return report, {file.file.removesuffix(".csv"): file for file in report.files}


@pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"the sample bundle is not there: {SAMPLE}")
def test_the_sample_lands_whole_and_a_second_time_changes_nothing(harbor):
    report, files = bring_in(harbor, SAMPLE)
    assert report.is_clean, report.as_json()
    assert {name: file.read for name, file in files.items()} == ROWS
    assert sum(file.read for file in files.values()) == 190_094
    assert {name: file.created for name, file in files.items()} == ROWS
    with tenant_transaction(harbor.pk):
        assert Account.objects.count() == 400
        day = UsageDay.objects.filter(tenant=harbor).order_by("day", "account_id")[0]
        assert set(day.extra) == {"dashboards_viewed"}
        assert grants.drift(harbor) == {"unresolved": 0, "missing": 0, "extra": 0}
    again, files = bring_in(harbor, SAMPLE)
    assert again.is_clean
    assert {name: file.unchanged for name, file in files.items()} == ROWS
    assert not any(file.created or file.updated for file in files.values())


def test_a_simulated_bundle_lands_whole_and_a_second_time_changes_nothing(harbor, tmp_path):
    from integrations.simulation import simulate

    rows = simulate(tmp_path / "out", accounts=40, days=90, seed=7, end=datetime.date(2026, 10, 31))
    report, files = bring_in(harbor, tmp_path / "out")
    assert report.is_clean, [file.as_json() for file in report.files if file.rejected or file.message]
    assert {name: file.created for name, file in files.items()} == rows
    _, files = bring_in(harbor, tmp_path / "out")
    assert {name: file.unchanged for name, file in files.items()} == rows


def test_while_a_file_is_read_no_transaction_is_open(harbor, tmp_path):
    """A long one would hold back every reader of the event log (DECISIONS 5)."""
    seen = []

    def look(done, total, words):
        assert not connection.in_atomic_block
        seen.append(connection.connection.info.transaction_status)

    bring_in(harbor, bundle(tmp_path / "b", **{file: [row(file)] for file in VALID}), say=look)
    assert len(seen) > len(VALID)
    assert set(seen) == {psycopg.pq.TransactionStatus.IDLE}


def test_a_file_and_its_report_commit_together_or_not_at_all(
    harbor, tmp_path, test_server, committed_db, monkeypatch
):
    """Seen from another connection: as the merge is done but not committed, nothing of it is there."""
    params = {**test_server.params("postgres"), "dbname": committed_db}
    counted = "SELECT (SELECT count(*) FROM accounts_account), (SELECT count(*) FROM integrations_bundlefile)"
    during = []
    real = merge.merge

    def look_from_outside(tenant, target, *, staged):
        done = real(tenant, target, staged=staged)
        with psycopg.connect(**params) as other:
            during.append(other.execute(counted).fetchone())
        return done

    monkeypatch.setattr(merge, "merge", look_from_outside)
    bring_in(harbor, bundle(tmp_path / "b", accounts=[row("accounts")]))
    assert during == [(0, 0)]
    with psycopg.connect(**params) as other:
        assert other.execute(counted).fetchone() == (1, 1)


def test_an_account_that_goes_away_meanwhile_stops_the_file_at_its_commit(
    harbor, tmp_path, test_server, committed_db, monkeypatch
):
    """The foreign keys are checked at COMMIT: the file then lands not at all, and the report says so."""
    bring_in(harbor, bundle(tmp_path / "0", accounts=[row("accounts")]))
    real = merge.merge

    def account_goes(tenant, target, *, staged):
        params = {**test_server.params("postgres"), "dbname": committed_db}
        with psycopg.connect(**params) as other:
            other.execute("DELETE FROM accounts_accountuserperm")
            other.execute("DELETE FROM accounts_accountgroupperm")
            other.execute("DELETE FROM accounts_account")
        return real(tenant, target, staged=staged)

    monkeypatch.setattr(merge, "merge", account_goes)
    _, files = bring_in(harbor, bundle(tmp_path / "1", tickets=[row("tickets")]))
    assert files["tickets"].status == "stopped"
    assert "foreign key" in files["tickets"].message
    with tenant_transaction(harbor.pk):
        stopped = BundleFile.objects.get(file="tickets.csv")
        assert (stopped.status, stopped.created) == ("stopped", 0)
        assert BundleImport.objects.order_by("-pk")[0].state == "partly"


def test_nothing_is_left_in_the_session(harbor, tmp_path):
    bring_in(harbor, bundle(tmp_path / "b", accounts=[row("accounts")]))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'"
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("10s",)


def test_a_row_that_somebody_else_inserts_meanwhile_is_matched_and_not_doubled(
    harbor, tmp_path, test_server, committed_db
):
    """The other one's row is there, but not committed, when our insert begins: it waits, fails, and joins again."""
    bring_in(harbor, bundle(tmp_path / "0", accounts=[row("accounts")]))
    params = {**test_server.params("postgres"), "dbname": committed_db}
    insert = (
        "INSERT INTO accounts_product (tenant_id, external_id, name, category, family, source, recorded_at) "
        "VALUES (%s, 'P1', 'Theirs', 'kept', '', 'api', now())"
    )
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"

    def commit_when_somebody_waits(other, watcher):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if watcher.execute(waits, [committed_db]).fetchone()[0]:
                break
            time.sleep(0.01)
        other.commit()

    with psycopg.connect(**params) as other, psycopg.connect(**params, autocommit=True) as watcher:
        other.execute(insert, [harbor.pk])
        thread = threading.Thread(target=commit_when_somebody_waits, args=(other, watcher))
        thread.start()
        _, files = bring_in(harbor, bundle(tmp_path / "1", products=[row("products")]))
        thread.join()
    found = files["products"]
    assert (found.status, found.created, found.updated) == ("landed", 0, 1), found
    with tenant_transaction(harbor.pk):
        product = Product.objects.get()
    assert (product.name, product.category) == ("Harbor Core", "kept")
