"""Which accounts a late, empty or shifted source leaves with older or weaker scores: the list behind the notices, one
statement a page.

A source touches an account through an indicator of it that the account's health gives weight, or that the model behind
its chance reads: late, where at the newest scoring there was no value because of it; empty, where there was one when
the source was last whole; shifted, in both cases and where there is a value still. Shifted chances touch whoever has
one. Who never sent the source is not among them.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.urls import reverse

from scoring import queries
from scoring.automation import notices
from scoring.automation.holds import LATE, SCORE, SHIFTED, live_names
from scoring.breakdown import LAYOUT, LAYOUTS, MISSING, NO_SCORE
from scoring.catalogue import BY_KEY, SOURCES, Missing
from scoring.models import ScoreRun
from scoring.outcomes.queries import seen_sql
from tenants.models import Membership, Tenant

PAGE = 50
CHANCES = 0  # in place of an indicator's
LOOK_BACK = timedelta(
    days=35
)  # before a source was missed: where to look for a scoring at which it was whole
HALF = 0.5

# `touching`: places of indicators with the source that touches through them; `before`: which of them had a value when
# that source was last whole, as one object by account: a planner that knows nothing of a new day's rows would go
# through a table of them for every account.
_AFFECTED = """
WITH touching AS (
    SELECT * FROM unnest(%(places)s::int[], %(sources)s::text[], %(kinds)s::text[]) AS t (place, source, kind)
), had AS (
    SELECT b.account_id, jsonb_agg(w.place) AS places
      FROM unnest(%(whole_places)s::int[], %(whole_days)s::date[], %(whole_runs)s::bigint[]) AS w (place, day, run)
      JOIN scoring_health_snapshot b
           ON b.tenant_id = %(tenant)s AND b.as_of = w.day AND b.run_id = w.run AND b.layout = %(layout)s
     WHERE b.scores[w.place] <> %(none)s
     GROUP BY b.account_id
), before AS MATERIALIZED (
    SELECT jsonb_object_agg(account_id, places) AS by_account FROM had
), kept AS MATERIALIZED (
    SELECT h.account_id AS id, a.name, h.health, h.band, h.p90, h.weights, found.places, found.sources
      FROM scoring_health_snapshot h
      JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id
     CROSS JOIN LATERAL (SELECT (SELECT by_account FROM before) -> h.account_id::text AS places) before
     CROSS JOIN LATERAL (
           SELECT array_agg(DISTINCT t.place) FILTER (WHERE t.place > %(chances)s) AS places,
                  array_agg(DISTINCT t.source) AS sources
             FROM touching t
            WHERE CASE WHEN t.place = %(chances)s THEN h.p90 IS NOT NULL
                       WHEN h.weights[t.place] = 0 AND (h.p90 IS NULL OR t.place <> ALL(%(read)s)) THEN false
                       WHEN t.kind = %(is_late)s THEN h.why[t.place] = %(late)s
                       WHEN h.scores[t.place] <> %(none)s THEN t.kind = %(is_shifted)s
                       ELSE before.places @> to_jsonb(t.place) END) AS found
     WHERE h.tenant_id = %(tenant)s AND h.as_of = %(day)s AND h.run_id = %(run)s AND h.layout = %(layout)s
       AND found.sources IS NOT NULL AND h.account_id IN ({seen})
), counted AS (
    SELECT jsonb_object_agg(source, accounts) AS by_source
      FROM (SELECT source, count(*) AS accounts FROM kept, unnest(kept.sources) AS source GROUP BY source) each
)
SELECT id, name, health, band, p90, weights, places, sources, total, place, (SELECT by_source FROM counted) FROM (
    SELECT kept.*, count(*) OVER () AS total, row_number() OVER (ORDER BY name, id) AS place FROM kept
) numbered
 WHERE %(after)s::bigint IS NULL
    OR place > (SELECT n.place FROM (SELECT id, row_number() OVER (ORDER BY name, id) AS place FROM kept) n
                 WHERE n.id = %(after)s)
 ORDER BY place LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Trouble:
    """One source that is late, empty or shifted, as the frame of every page names it."""

    source: str  # a key of SOURCES, or SCORE
    kind: str
    latest: date | None = None

    @property
    def label(self) -> str:
        return notices.label_of(self.source)

    @property
    def text(self) -> str:
        return f"{self.label} {self.kind}"


@dataclass(frozen=True)
class Affected:
    """One account, and what touches its scores."""

    id: int
    name: str
    health: Any  # Decimal or None, as health and p90 everywhere
    band: str
    p90: Any
    sources: tuple[str, ...]  # what is wrong with which source
    weight: float  # percent of its health's weight that this touches
    is_read: bool  # whether the model behind its chance reads, or would read, one of them


@dataclass(frozen=True)
class Page:
    rows: list[Affected]
    first: int = 0
    total: int = 0
    older: int | None = None
    by_source: dict[str, int] | None = None  # accounts that the viewer may see, on all pages

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def troubles(run: Any) -> list[Trouble]:
    """What is wrong at that scoring (as `notices.told_with` gives it, or None): late sources first. No query."""
    if run is None:
        return []
    late = [Trouble(each.key, LATE, each.latest) for each in queries.freshness(run) if each.is_late]
    known = {each.source for each in late}
    wrong = notices.doubtful(run).items()
    return late + [Trouble(source, kind) for source, kind in wrong if source not in known]


def page_url(tenant: Tenant) -> str:
    return reverse("scoring:affected", args=[tenant.slug])


def accounts(
    tenant: Tenant, viewer: Membership, run: ScoreRun, wrong: list[Trouble], *, after: int | None = None
) -> Page:
    """One page of the affected accounts that the viewer may see, by name; four statements at most.

    Behind an account that is not affected any more there is no place to go on from: the list begins anew.
    """
    standing = queries.run_of_day(tenant, run.as_of)
    if standing is None or not wrong:
        return Page([])
    names = live_names(tenant)
    read = {place for place, key in enumerate(LAYOUTS[LAYOUT], start=1) if key in names}
    seen, values = seen_sql(tenant, viewer)
    values |= {
        "tenant": tenant.pk, "day": run.as_of, "run": standing.pk, "layout": LAYOUT, "read": sorted(read),
        "late": MISSING.index(Missing.LATE.value), "none": NO_SCORE, "is_late": LATE, "is_shifted": SHIFTED,
        "chances": CHANCES, "after": after, "limit": PAGE + 1, **_touching(wrong), **_whole(tenant, run, wrong),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_AFFECTED.replace("{seen}", seen), values)
        found = cursor.fetchall()
    if not found:
        return Page([]) if after is None else accounts(tenant, viewer, run, wrong)
    words = {each.source: f"{each.label}: {each.kind}" for each in wrong}
    rows = [_affected(row, read, words) for row in found[:PAGE]]
    by_source = json.loads(found[0][10]) if isinstance(found[0][10], str) else found[0][10]
    return Page(rows, found[0][9], found[0][8], rows[-1].id if len(found) > PAGE else None, by_source)


def _places(source: str) -> list[int]:
    """Of the indicators that can be read from it, counted from 1 as PostgreSQL does."""
    if source == SCORE:
        return [CHANCES]
    keys = enumerate(LAYOUTS[LAYOUT], start=1)
    return [place for place, key in keys if key in BY_KEY and source in BY_KEY[key].sources]


def _touching(wrong: list[Trouble]) -> dict[str, list[Any]]:
    rows = [(place, each.source, each.kind) for each in wrong for place in _places(each.source)]
    return {
        "places": [row[0] for row in rows],
        "sources": [row[1] for row in rows],
        "kinds": [row[2] for row in rows],
    }


def _whole(tenant: Tenant, run: ScoreRun, wrong: list[Trouble]) -> dict[str, list[Any]]:
    """Which snapshots say who had the sources that are now empty or shifted: of the newest scoring in the weeks before
    they were missed at which half of those customers had them that ever had them then."""
    doubtful = [each.source for each in wrong if each.kind != LATE and each.source != SCORE]
    missed = {source: _missed_since(run, source) for source in doubtful}
    runs = _runs_before(tenant, set(missed.values())) if doubtful else []
    rows: list[tuple[int, date, int]] = []
    for source in doubtful:
        known = [each for each in runs if each[1] < missed[source]]
        counts = [int((each[2] or {}).get(source, {}).get("accounts", 0)) for each in known]
        enough = max(HALF * max(counts, default=0), 1)
        at = next((place for place, count in enumerate(counts) if count >= enough), None)
        if at is not None:
            rows += [(place, known[at][1], known[at][0]) for place in _places(source)]
    return {
        "whole_places": [row[0] for row in rows],
        "whole_days": [row[1] for row in rows],
        "whole_runs": [row[2] for row in rows],
    }


def _missed_since(run: ScoreRun, source: str) -> date:
    """The scored day that found the source away (`levels.marked`); of one that drift alone holds the newest."""
    away = run.summary.get("sources", {}).get(source, {}).get("away")
    return date.fromisoformat(away["since"]) if away else run.as_of


def _runs_before(tenant: Tenant, days: set[date]) -> list[tuple[int, date, Any]]:
    """(run, day, what it found of its sources) of those whose snapshots stand in the weeks before any of these days,
    newest first."""
    weeks = Q()
    for day in days:
        weeks |= Q(as_of__lt=day, as_of__gte=day - LOOK_BACK)
    found = queries.finished_runs(tenant).filter(weeks, is_unchanged=False)
    return list(found.order_by("-as_of", "-pk").values_list("pk", "as_of", "summary__sources"))


def _affected(row: tuple[Any, ...], read: set[int], words: dict[str, str]) -> Affected:
    pk, name, health, band, p90, weights, places, sources = row[:8]
    places = places or []
    order = [*SOURCES, SCORE]
    return Affected(
        id=pk, name=name, health=health, band=band, p90=p90,
        sources=tuple(words[each] for each in sorted(sources, key=order.index)),
        weight=100 * sum(weights[place - 1] for place in places) / max(sum(weights), 1),
        is_read=p90 is not None and (SCORE in sources or any(place in read for place in places)),
    )  # fmt: skip
