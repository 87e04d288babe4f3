"""`python -m scripts.bench [--only PART …] [--full]`: one table on standard output, progress on standard error."""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from scripts.bench import imports, learning, memory, pages, scores, sums, workers
from scripts.bench.installation import Installation, installation
from scripts.bench.table import HEAD, Line

END = date(2026, 10, 31)
PARTS = ("import", "learn", "sums", "pages", "workers", "memory", "large")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--full", action="store_true", help="the sizes of docs/performance.md; about half an hour"
    )
    options = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n{HEAD}",
        flush=True,
    )
    for line in _lines(options.only, full=options.full):
        print(line, flush=True)


def _lines(parts: list[str], *, full: bool) -> Iterator[Line]:
    if "import" in parts:
        with installation() as made:
            yield from _evidence(made, accounts=12_500 if full else 2_000, days=540 if full else 200)
    if "learn" in parts:
        with installation() as made:
            yield from learning.measure(made, accounts=12_500 if full else 1_250, end=END)
    if "sums" in parts:
        with installation() as made:
            yield from sums.measure(made, accounts=10_000)
    if {"pages", "workers", "memory"} & set(parts):
        with installation() as made:
            sizes = [1_000, 10_000, 100_000, *([1_000_000] if full else [])]
            if "memory" in parts:
                yield from memory.measure(made)
            if "workers" in parts:
                yield from workers.measure(made, jobs=1_000 if full else 200)
            if "pages" in parts:
                yield from pages.measure(made, sizes)
    if "large" in parts:
        with installation() as made:
            yield from learning.measure_memory(made, accounts=110_000 if full else 6_000, days=60, end=END)


def _evidence(made: Installation, *, accounts: int, days: int) -> Iterator[Line]:
    bundle = made.var / "bundle"
    _say(f"simulating {accounts:,} accounts x {days} days")
    size = ["--accounts", str(accounts), "--days", str(days), "--seed", "1", "--end", str(END)]
    made.manage("simulate_bundle", str(bundle), *size)
    imports.trim(bundle, accounts * 40)
    made.manage("create_tenant", "--organization", "Bench", "--slug", "bench")
    _say("importing")
    line, took = imports.measure(made, bundle)
    yield line
    imports.drop(made)
    _say("scoring")
    yield from scores.measure(made, bundle, END + timedelta(days=1), took)


def _say(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
