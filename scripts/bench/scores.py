"""`score` against the bare aggregate over the same days; one more day against a full run."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from scripts.bench import imports
from scripts.bench.installation import Installation
from scripts.bench.table import Line, timed, times

# ten figures of every usage day of every account, as a nightly feature query would ask for them
AGGREGATE = """
SELECT account_id, count(*), sum(active_users), sum(core_events), avg(features_used), max(day), sum(logins),
       avg(errors), sum(active_users) FILTER (WHERE day >= %(day)s::date - 30),
       sum(core_events) FILTER (WHERE day >= %(day)s::date - 30),
       regr_slope(active_users, day - date '2000-01-01')
  FROM accounts_usage_day WHERE tenant_id = %(tenant)s AND day < %(day)s GROUP BY account_id
"""
BEST_OF = 3


def measure(made: Installation, bundle: Path, day: date, imported: float) -> list[Line]:
    """`imported`: what importing the whole bundle took, in seconds; a full run is that and the first scores."""
    with made.superuser() as connection:
        bare = _bare(connection, made, day)
    first = made.report("score", "--tenant", "bench", "--as-of", str(day))
    again = made.report("score", "--tenant", "bench", "--as-of", str(day - timedelta(days=1)))
    increment = imports.one_more_day(made, bundle, day)
    next_day = str(day + timedelta(days=1))
    added = timed(lambda: made.manage("import_bundle", str(increment), "--tenant", "bench"))
    then = made.report("score", "--tenant", "bench", "--as-of", next_day)
    what = f"score, {first['accounts']:,} customers, all indicators"
    baseline = f"SQL aggregate of the same usage days, best of {BEST_OF}"
    return [
        times(f"{what}: a first run with its events", first["seconds"], baseline, bare, "at most 3 x"),
        times(f"{what}: a day of the past", again["seconds"], baseline, bare, "at most 3 x"),
        Line(
            "one more day: its usage imported and all customers scored again",
            f"{added + then['seconds']:.1f} s",
            "a full run: everything imported and scored",
            f"{imported + first['seconds']:.1f} s",
            f"{100 * (added + then['seconds']) / (imported + first['seconds']):.1f} %",
            "at most 10 %",
        ),
    ]


def _bare(connection: "psycopg.Connection[Any]", made: Installation, day: date) -> float:
    found = connection.execute("SELECT id FROM tenants_tenant WHERE slug = 'bench'").fetchone()
    values = {"tenant": found[0] if found else 0, "day": day}
    return min(timed(lambda: connection.execute(AGGREGATE, values).fetchall()) for _ in range(BEST_OF))
