"""The installation's figures for /metrics (ADR 0017).

The web server's role sees one tenant at a time, on purpose. So the sweeper, as the worker role, looks every ten
seconds across tenants through the policies that it has anyway, and what it found is one row that the web server reads:
a scrape costs one query, however often it comes. What only a tenant's own transaction can tell is asked tenant by
tenant once a minute. Labels are slugs, kinds and states; nothing of a person.
"""

import json
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from audit import log, sealing
from audit import queries as audit
from jobs.models import Figures
from jobs.registry import kinds
from scoring import queries as scoring
from tenants.models import Tenant
from tenants.queries import all_tenants
from tenants.scoping import tenant_transaction

Sample = tuple[dict[str, str], float]
Found = dict[str, list[Sample]]

FAST, BY_TENANT = "fast", "by_tenant"
MOST_TENANTS = 500  # of a label: more series than that belong into a query, not into a scrape
UNSEALED_COUNTED_TO = 10_000
REMEMBERED = 2000  # samples of the horizon: more than five hours

# name -> (what it means, labels)
CATALOGUE: dict[str, tuple[str, list[str]]] = {
    "holdfast_database_up": ("1 while the database answers the web server.", []),
    "holdfast_figures_age_seconds": ("Age of the figures below; grows when the sweeper is away.", ["set"]),
    "holdfast_figures_took_seconds": ("Time that the sweeper needed to gather them.", ["set"]),
    "holdfast_tenants": ("Tenants.", []),
    "holdfast_jobs": ("Jobs that wait, run or have failed.", ["state", "kind"]),
    "holdfast_job_oldest_due_seconds": ("How long the longest waiting job has been due.", []),
    "holdfast_canary_age_seconds": ("Time since a worker last gave a sign of life.", []),
    "holdfast_outbox": ("Writes to other systems that are not finished, by state.", ["state"]),
    "holdfast_outbox_oldest_seconds": ("Age of the oldest write that is still to be sent.", []),
    "holdfast_last_seal_age_seconds": ("Time since the tenant's event log was last sealed.", ["tenant"]),
    "holdfast_unsealed_events": ("Settled events that wait for a seal, counted to 10,000.", ["tenant"]),
    "holdfast_horizon_lag_seconds": (
        "How long the oldest open transaction holds back readers of the log.",
        [],
    ),
    "holdfast_audit_default_partition_bytes": ("More than 0: an event found no table of its month.", []),
    "holdfast_partition_months_ahead": ("Months for which the table has partitions already.", ["table"]),
    "holdfast_database_bytes": ("Size of the database.", []),
    "holdfast_source_late": (
        "1 when a source of evidence was late at the last scoring.",
        ["tenant", "source"],
    ),
    "holdfast_source_age_days": ("Days from a source's newest evidence to today.", ["tenant", "source"]),
    "holdfast_score_age_seconds": ("Time since the tenant was last scored.", ["tenant"]),
    "holdfast_backup_age_seconds": ("Time since `manage.py backup` last succeeded here.", []),
    "holdfast_disk_free_bytes": ("Room left where HOLDFAST_VAR lives.", []),
}

# Every table here has a policy that lets the worker role see all tenants (DECISIONS 2).
JOBS = """
SELECT state, kind, count(*), coalesce(extract(epoch FROM max(clock_timestamp() - not_before)
           FILTER (WHERE state = 'queued')), 0)::float8
FROM jobs_job WHERE state IN ('queued', 'running', 'dead') GROUP BY state, kind
"""
OUTBOX = """
SELECT state, count(*), extract(epoch FROM max(clock_timestamp() - created_at))::float8
FROM integrations_writeintent WHERE state NOT IN ('done', 'superseded', 'cancelled', 'expired') GROUP BY state
"""
TO_BE_SENT = {"ready", "leased", "retry_wait", "unknown"}
SEALS = """
SELECT t.slug, extract(epoch FROM clock_timestamp() - s.sealed_at)::float8
FROM (SELECT id, slug FROM tenants_tenant ORDER BY id LIMIT %s) t
CROSS JOIN LATERAL (SELECT sealed_at FROM audit_auditseal WHERE tenant_id = t.id ORDER BY seq DESC LIMIT 1) s
"""
HORIZON = """
SELECT pg_snapshot_xmin(now.it)::text::bigint, pg_snapshot_xmax(now.it)::text::bigint
FROM (SELECT pg_current_snapshot() AS it) now
"""
STORE = """
SELECT coalesce(pg_relation_size(to_regclass('audit_event_default')), 0), pg_database_size(current_database()),
       (SELECT count(*) FROM tenants_tenant)
"""
AHEAD = """
SELECT t.name, count(c.oid) FROM tenants_partitioned_table t
LEFT JOIN pg_inherits i ON i.inhparent = to_regclass(t.name)
LEFT JOIN pg_class c ON c.oid = i.inhrelid AND right(c.relname, 6) > to_char(now(), 'YYYYMM')
     AND c.relname ~ '_[0-9]{6}$'
GROUP BY t.name
"""

_horizon: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)


# --- gathered by the sweeper ---------------------------------------------------------------------


def gather() -> None:
    """What the worker role sees of all tenants at once."""
    with transaction.atomic():
        started = time.monotonic()
        found: Found = {**_jobs(), **_outbox(), **_store()}
        found["holdfast_last_seal_age_seconds"] = [
            ({"tenant": s}, a) for s, a in _rows(SEALS, [MOST_TENANTS])
        ]
        found["holdfast_partition_months_ahead"] = [({"table": t}, float(n)) for t, n in _rows(AHEAD)]
        found["holdfast_horizon_lag_seconds"] = [({}, _horizon_lag())]
        _keep(FAST, found, seconds=time.monotonic() - started)


def gather_by_tenant() -> None:
    """What only a tenant's own transaction may see; one short one each."""
    started = time.monotonic()
    found: Found = {}
    for tenant in all_tenants()[:MOST_TENANTS]:
        with tenant_transaction(tenant.pk):
            for name, samples in _of_tenant(tenant).items():
                found.setdefault(name, []).extend(samples)
    with transaction.atomic():
        _keep(BY_TENANT, found, seconds=time.monotonic() - started)


def _jobs() -> Found:
    rows = _rows(JOBS)
    # a failed job's series must be there before the first one fails, or its rise would not show
    counted = {("dead", kind): 0.0 for kind in kinds} | {
        (state, kind): float(n) for state, kind, n, _ in rows
    }
    return {
        "holdfast_jobs": [({"state": state, "kind": kind}, n) for (state, kind), n in counted.items()],
        "holdfast_job_oldest_due_seconds": [({}, max([0.0, *(age for *_, age in rows)]))],
    }


def _outbox() -> Found:
    rows = _rows(OUTBOX)
    ages = [age for state, _, age in rows if state in TO_BE_SENT]
    return {
        "holdfast_outbox": [({"state": state}, float(n)) for state, n, _ in rows],
        "holdfast_outbox_oldest_seconds": [({}, max([0.0, *ages]))],
    }


def _store() -> Found:
    [(default_bytes, database_bytes, tenants)] = _rows(STORE)
    return {
        "holdfast_audit_default_partition_bytes": [({}, float(default_bytes))],
        "holdfast_database_bytes": [({}, float(database_bytes))],
        "holdfast_tenants": [({}, float(tenants))],
    }


def _horizon_lag() -> float:
    """Seconds since everything that had begun then has ended. Needs no right to look into other sessions."""
    [(oldest_open, next_one)] = _rows(HORIZON)
    now = time.monotonic()
    _horizon.append((now, next_one))
    passed = [at for at, began_before in _horizon if began_before <= oldest_open]
    return now - (max(passed) if passed else _horizon[0][0])


def _of_tenant(tenant: Tenant) -> Found:
    about = {"tenant": tenant.slug}
    after = sealing.last_key(audit.newest_seal(tenant))
    unsealed = len(log.verbs_after(tenant, after=after, limit=UNSEALED_COUNTED_TO))
    found: Found = {"holdfast_unsealed_events": [(about, float(unsealed))]}
    runs = scoring.recent_runs(tenant, limit=1)
    if not runs:
        return found
    today = timezone.now().date()
    sources = [each for each in scoring.freshness(runs[0]) if each.is_tracked]
    found["holdfast_score_age_seconds"] = [(about, (timezone.now() - runs[0].created_at).total_seconds())]
    found["holdfast_source_late"] = [({**about, "source": s.label}, float(s.is_late)) for s in sources]
    found["holdfast_source_age_days"] = [
        ({**about, "source": s.label}, float((today - s.latest).days)) for s in sources if s.latest
    ]
    return found


def _keep(name: str, found: Found, *, seconds: float) -> None:
    content = {"found": found, "seconds": round(seconds, 4)}
    Figures.objects.update_or_create(name=name, defaults={"content": content, "taken_at": timezone.now()})


def _rows(statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


# --- read by the web server ----------------------------------------------------------------------


def current() -> Found:
    """The figures as they were last written down, with their age, and what this machine knows by itself."""
    found: Found = {"holdfast_disk_free_bytes": [({}, _disk_free())]}
    age = _backup_age()
    if age is not None:
        found["holdfast_backup_age_seconds"] = [({}, age)]
    try:
        found |= _from_database()
        up = 1.0
    except Error:
        if not connection.in_atomic_block:
            connection.close()
        up = 0.0
    return {**found, "holdfast_database_up": [({}, up)]}


def _from_database() -> Found:
    from jobs.canary import canary_age

    found: Found = {"holdfast_figures_age_seconds": [], "holdfast_figures_took_seconds": []}
    for row in Figures.objects.all():
        about = {"set": row.name}
        age = max(0.0, (timezone.now() - row.taken_at).total_seconds())
        found["holdfast_figures_age_seconds"].append((about, age))
        found["holdfast_figures_took_seconds"].append((about, row.content["seconds"]))
        found |= {
            name: [(labels, value) for labels, value in each] for name, each in row.content["found"].items()
        }
    canary = canary_age()
    if canary is not None:
        found["holdfast_canary_age_seconds"] = [({}, canary)]
    return found


def backup_note() -> Path:
    """Written by `manage.py backup` when it succeeded."""
    return Path(settings.HOLDFAST_VAR) / "last_backup.json"


def _backup_age() -> float | None:
    try:
        note = json.loads(backup_note().read_text(encoding="utf-8"))
        return max(0.0, time.time() - float(note["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _disk_free() -> float:
    place = os.statvfs(Path(settings.HOLDFAST_VAR))
    return float(place.f_bavail * place.f_frsize)
