"""Which accounts a late source leaves with older or weaker scores: the list behind the notices, one statement a page.

Affected: at the newest scoring the account had no value of an indicator because its source was late, and its health
gives that indicator weight, or the model behind its chance reads it. Who never sent the source is not among them.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.urls import reverse

from scoring import queries
from scoring.automation.holds import live_names
from scoring.breakdown import LAYOUT, LAYOUTS, MISSING
from scoring.catalogue import BY_KEY, SOURCES, Missing
from scoring.models import ScoreRun
from scoring.outcomes.queries import seen_sql
from tenants.models import Membership, Tenant

PAGE = 50

_AFFECTED = """
WITH kept AS MATERIALIZED (
    SELECT h.account_id AS id, a.name, h.health, h.band, h.p90, h.weights, late.places
      FROM scoring_health_snapshot h
      JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id
     CROSS JOIN LATERAL (
           SELECT array_agg(u.at ORDER BY u.at) AS places
             FROM unnest(h.why, h.weights) WITH ORDINALITY AS u(why, weight, at)
            WHERE u.why = %(late)s AND (u.weight > 0 OR (h.p90 IS NOT NULL AND u.at = ANY(%(read)s)))) AS late
     WHERE h.tenant_id = %(tenant)s AND h.as_of = %(day)s AND h.run_id = %(run)s AND h.layout = %(layout)s
       AND %(late)s = ANY(h.why) AND late.places IS NOT NULL AND h.account_id IN ({seen})
)
SELECT id, name, health, band, p90, weights, places, total, place FROM (
    SELECT kept.*, count(*) OVER () AS total, row_number() OVER (ORDER BY name, id) AS place FROM kept
) numbered
 WHERE %(after)s::bigint IS NULL
    OR place > (SELECT n.place FROM (SELECT id, row_number() OVER (ORDER BY name, id) AS place FROM kept) n
                 WHERE n.id = %(after)s)
 ORDER BY place LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Affected:
    """One account, and what its scores do without."""

    id: int
    name: str
    health: Any  # Decimal or None, as health and p90 everywhere
    band: str
    p90: Any
    sources: tuple[str, ...]  # labels of the late sources
    weight: float  # percent of its health's weight that is without a value for it
    is_read: bool  # whether the model behind its chance would read one of them


@dataclass(frozen=True)
class Page:
    rows: list[Affected]
    first: int = 0
    total: int = 0
    older: int | None = None

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


@dataclass(frozen=True)
class LateSource:
    label: str
    latest: date | None


def late_sources(run: ScoreRun | None) -> list[LateSource]:
    """The sources that were late at that scoring; no query."""
    return [LateSource(each.label, each.latest) for each in queries.freshness(run) if each.is_late]


def page_url(tenant: Tenant) -> str:
    return reverse("scoring:affected", args=[tenant.slug])


def accounts(tenant: Tenant, viewer: Membership, run: ScoreRun, *, after: int | None = None) -> Page:
    """One page of the affected accounts that the viewer may see, by name; three statements.

    Behind an account that is not affected any more there is no place to go on from: the list begins anew.
    """
    standing = queries.run_of_day(tenant, run.as_of)
    if standing is None:
        return Page([])
    keys = LAYOUTS[LAYOUT]
    names = live_names(tenant)
    read = {at for at, key in enumerate(keys, start=1) if key in names}
    seen, values = seen_sql(tenant, viewer)
    values |= {
        "tenant": tenant.pk, "day": run.as_of, "run": standing.pk, "layout": LAYOUT, "read": sorted(read),
        "late": MISSING.index(Missing.LATE.value), "after": after, "limit": PAGE + 1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_AFFECTED.replace("{seen}", seen), values)
        found = cursor.fetchall()
    rows = [_affected(row, read) for row in found[:PAGE]]
    if not rows:
        return Page([]) if after is None else accounts(tenant, viewer, run)
    return Page(rows, found[0][8], found[0][7], rows[-1].id if len(found) > PAGE else None)


def _affected(row: tuple[Any, ...], read: set[int]) -> Affected:
    pk, name, health, band, p90, weights, places = row[:7]
    late = {BY_KEY[LAYOUTS[LAYOUT][at - 1]].source for at in places}
    return Affected(
        id=pk, name=name, health=health, band=band, p90=p90,
        sources=tuple(source.label for key, source in SOURCES.items() if key in late),
        weight=100 * sum(weights[at - 1] for at in places) / max(sum(weights), 1),
        is_read=p90 is not None and any(at in read for at in places),
    )  # fmt: skip
