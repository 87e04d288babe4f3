"""An uploaded bundle whose worker is killed between two files and in the middle of one: it comes in once, and whole."""

import zipfile
from datetime import date, timedelta

from integrations.services import imports
from tests.worlds import MAKER

DAYS, ACCOUNTS = 60, 1500


def a_bundle(path):
    """Accounts, and 90,000 rows of usage: enough to be killed in."""
    first = date(2026, 1, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = "".join(f"A{n},Name {n},2024-01-15\n" for n in range(ACCOUNTS))
        archive.writestr("accounts.csv", "external_id,name,customer_since\n" + rows)
        with archive.open("usage_daily.csv", "w") as out:
            out.write(b"account_external_id,date,logins\n")
            for day in range(DAYS):
                when = first + timedelta(days=day)
                out.write("".join(f"A{n},{when},{n % 9}\n" for n in range(ACCOUNTS)).encode())
    return path


def states(house):
    return dict(house.sql("SELECT file, status FROM integrations_bundlefile"))


def test_fault_3_an_import_whose_worker_is_killed_comes_in_once(house, tmp_path):
    world = house.world("acme")
    path = a_bundle(tmp_path / "b.zip")
    with house.here(world):
        bundle = imports.start_import(
            world.tenant, file_name="b.zip", path=str(path), size_bytes=1, dry_run=False, by=MAKER
        )
    house.sweeper()
    house.worker()
    house.wait_until(lambda: "accounts.csv" in states(house), "the accounts have landed")
    worker = house.running[-1]
    worker.kill_group()
    cut = states(house)
    half = house.one("SELECT count(*) FROM accounts_usage_day")
    assert half in (0, DAYS * ACCOUNTS), "a file lands whole or not at all"
    house.worker()
    house.wait_until(
        lambda: house.one("SELECT state FROM integrations_bundleimport WHERE id = %s", bundle.pk) == "landed",
        "the import has ended",
    )
    assert house.one("SELECT count(*) FROM accounts_usage_day") == DAYS * ACCOUNTS
    assert house.one("SELECT count(*) FROM accounts_account") == ACCOUNTS
    created = dict(house.sql("SELECT file, created FROM integrations_bundlefile"))
    assert created == {"accounts.csv": ACCOUNTS, "usage_daily.csv": DAYS * ACCOUNTS}, (cut, half)
    landed = house.one(
        "SELECT count(*) FROM audit_event WHERE verb = 'integrations.file_imported' AND tenant_id = %s",
        world.tenant.pk,
    )
    assert landed == 2, "each file is told once"
