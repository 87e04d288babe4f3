"""`make bench`: speeds as ratios, each against a named baseline in the same run on the same server. One table.

Absolute seconds depend on the machine and what else it does; the ratios are what to quote. Nothing here is a test.
"""

import argparse
import csv
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MANAGE = [sys.executable, str(ROOT / "manage.py")]
METRICS = 8  # the known usage metrics that the baseline's table has as columns

BASELINE_TABLE = """
CREATE TABLE bench_usage (
    account_id bigint, day date, m0 float8, m1 float8, m2 float8, m3 float8, m4 float8, m5 float8, m6 float8,
    m7 float8, PRIMARY KEY (account_id, day));
CREATE UNLOGGED TABLE bench_stage (LIKE bench_usage);
"""
MERGE = """
INSERT INTO bench_usage SELECT * FROM bench_stage
ON CONFLICT (account_id, day) DO UPDATE SET m0 = excluded.m0
"""
AGGREGATE = """
SELECT account_id, count(*), sum(active_users), sum(core_events), avg(features_used), max(day),
       sum(active_users) FILTER (WHERE day >= date '{day}' - 30),
       sum(core_events) FILTER (WHERE day >= date '{day}' - 30)
  FROM accounts_usage_day WHERE tenant_id = {tenant} AND day < '{day}' GROUP BY account_id
"""


@dataclass
class Line:
    """One row of the table: what was measured against what, in seconds."""

    what: str
    baseline: str
    seconds: float
    against: float

    def __str__(self) -> str:
        ratio = self.seconds / self.against
        return (
            f"| {self.what} | {self.seconds:.2f} s | {self.baseline} | {self.against:.2f} s | {ratio:.2f} x |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--days", type=int, default=400)
    options = parser.parse_args()
    with _installation() as (var, server):
        bundle = var / "bundle"
        size = ["--accounts", str(options.accounts), "--days", str(options.days), "--seed", "1"]
        _manage("simulate_bundle", str(bundle), *size, "--end", "2026-10-31")
        _manage("create_tenant", "--organization", "Bench", "--slug", "bench")
        rows = _rows(bundle)
        lines = [
            _usage(bundle, server, rows),
            _scoring(server, date(2026, 11, 1)),
        ]
    print(
        f"\n{options.accounts} accounts x {options.days} days, {len(rows):,} usage rows, {os.cpu_count()} cores"
    )
    print("| what | took | baseline | took | ratio |\n| --- | --- | --- | --- | --- |")
    for line in lines:
        print(line)


@contextmanager
def _installation() -> Iterator[tuple[Path, Any]]:
    """An embedded server and a var folder of the bench's own, gone afterwards."""
    from config import embedded

    var = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    os.environ["HOLDFAST_VAR"] = str(var)
    for name in ("DATABASE_URL", "HOLDFAST_DB_ROLE", "DJANGO_SETTINGS_MODULE"):
        os.environ.pop(name, None)
    server = embedded.ensure_running(var)
    try:
        _manage("migrate", "-v", "0")
        yield var, server
    finally:
        embedded.discard(var)
        shutil.rmtree(var, ignore_errors=True)


def _manage(*arguments: str) -> None:
    done = subprocess.run([*MANAGE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"bench: manage.py {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _rows(bundle: Path) -> list[tuple[Any, ...]]:
    """The usage rows as typed tuples, so that the baseline pays for no parsing."""
    with gzip.open(bundle / "usage_daily.csv.gz", "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        ids: dict[str, int] = {}
        return [
            (
                ids.setdefault(row[0], len(ids)),
                date.fromisoformat(row[1]),
                *(float(cell) if cell else None for cell in row[2 : 2 + METRICS]),
            )
            for row in reader
        ]


def _usage(bundle: Path, server: Any, rows: list[tuple[Any, ...]]) -> Line:
    """import_bundle of the usage file against COPY into an unlogged stage plus the same merge, bare."""
    usage_only = bundle.with_name("usage_only")
    usage_only.mkdir()
    for path in bundle.iterdir():
        if not path.name.startswith(("usage_", "README")):
            shutil.copy(path, usage_only / path.name)
    _manage("import_bundle", str(usage_only), "--tenant", "bench")
    shutil.rmtree(usage_only)
    usage_only.mkdir()
    shutil.copy(bundle / "usage_daily.csv.gz", usage_only)
    with psycopg.connect(**server.params("owner"), autocommit=True) as connection:
        connection.execute(BASELINE_TABLE)
        bare = _timed(lambda: _copy_and_merge(connection, rows))
    took = _timed(lambda: _manage("import_bundle", str(usage_only), "--tenant", "bench"))
    return Line("import_bundle, usage_daily.csv.gz", "COPY of parsed rows, then a bare merge", took, bare)


def _copy_and_merge(connection: "psycopg.Connection[Any]", rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy("COPY bench_stage FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "date", *["float8"] * METRICS])
            for row in rows:
                copy.write_row(row)
        cursor.execute(MERGE)


def _scoring(server: Any, day: date) -> Line:
    """The whole command against the bare aggregate over the same usage days."""
    with psycopg.connect(**server.params("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT id FROM tenants_tenant WHERE slug = 'bench'").fetchone()
        query = AGGREGATE.format(day=day, tenant=found[0] if found else 0)
        connection.execute("ANALYZE accounts_usage_day")
        bare = _timed(lambda: connection.execute(query).fetchall())
    took = _timed(lambda: _manage("score", "--tenant", "bench", "--as-of", str(day)))
    return Line("score, all indicators", "SQL aggregate over the usage days", took, bare)


if __name__ == "__main__":
    main()
