"""What there is to learn from: history, coverage and leavers by source, and what that unlocks, in plain words."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from scoring.catalogue import SOURCES
from scoring.chance_models import LEAST_LEAVERS
from scoring.learning import spans
from scoring.models import ChanceSettings, ScoreRun
from tenants.models import Tenant

LEAST_MONTHS, WANTED_MONTHS = 12, 18
LEAST_COVERAGE = 0.5
MONTH_DAYS = 30.4375
# the first evidence of each source that says when something happened; looked up by account, which an index answers
_DATED = {
    "usage": ("accounts_usage_day", "day"),
    "activities": ("accounts_activity", "occurred_at"),
    "tickets": ("accounts_ticket", "opened_at"),
    "surveys": ("accounts_survey", "responded_at"),
    "invoices": ("accounts_invoice", "issued_at"),
    "subscriptions": ("accounts_subscription", "started_at"),
    "outcomes": ("accounts_outcome", "effective_at"),
}
_FIRST = " UNION ALL ".join(
    f"SELECT '{key}', min(found.at)::date FROM accounts_account a CROSS JOIN LATERAL "  # noqa: S608  names of this module
    f"(SELECT e.{at} AS at FROM {table} e WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id "
    f"ORDER BY e.{at} LIMIT 1) found WHERE a.tenant_id = %(tenant)s"
    for key, (table, at) in _DATED.items()
)
_LEAVERS = """
SELECT count(DISTINCT account_id) FILTER (WHERE kind = 'churned'), count(*) FILTER (WHERE kind = 'downgraded'),
       count(*) FILTER (WHERE kind = 'renewed'), min(effective_at)::date
FROM accounts_outcome WHERE tenant_id = %(tenant)s AND effective_at <= now()
"""
# of the leavers that can be learnt from: those of whom each source knew something before they left
_WITH = " UNION ALL ".join(
    f"SELECT '{key}', count(*) FROM unnest(%(leavers)s::bigint[]) AS gone WHERE EXISTS ("  # noqa: S608  names of this module
    f"SELECT 1 FROM {table} e WHERE e.tenant_id = %(tenant)s AND e.account_id = gone AND e.{at} < ("
    f"SELECT min(o.effective_at) FROM accounts_outcome o WHERE o.tenant_id = %(tenant)s AND o.account_id = gone "
    f"AND o.kind = 'churned'))"
    for key, (table, at) in _DATED.items()
)


@dataclass(frozen=True)
class Line:
    """One source."""

    key: str
    label: str
    months: float | None  # of history; None: nothing dated, or nothing at all
    accounts: int
    coverage: float | None  # share of the customers that were scored last
    is_late: bool
    is_dated: bool
    unlocks: str
    rows: int | None = None  # read for the newest scoring; None: it did not count them yet
    leavers: int | None = None  # of those that can be learnt from; None: not dated


@dataclass(frozen=True)
class Leavers:
    """Outcomes so far, and the rung of the ladder that they reach."""

    seen: list[int]  # accounts whose leaving a training would see today
    ever: int  # accounts that left, also before anything could be learnt of them
    downgraded: int
    renewed: int
    first: date | None
    unlocks: str

    @property
    def left(self) -> int:
        return len(self.seen)

    @property
    def pool_may_serve(self) -> bool:
        """Whether a pool of workspaces would stand in: training asks it below its own first rung alone."""
        return 0 < self.left < LEAST_LEAVERS


def lines(tenant: Tenant, run: ScoreRun | None, left: Leavers) -> list[Line]:
    """Every source that any customer has, in the catalogue's order; two statements."""
    if run is None:
        return []
    first, known = _first(tenant), _leavers_with(tenant, left.seen)
    sources = run.summary.get("sources", {})
    return [_line(key, first.get(key), run, known.get(key)) for key in SOURCES if key in sources]


def _leavers_with(tenant: Tenant, leavers: list[int]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_WITH, {"tenant": tenant.pk, "leavers": leavers})
        return dict(cursor.fetchall())


def _first(tenant: Tenant) -> dict[str, date]:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, {"tenant": tenant.pk})
        return {key: first for key, first in cursor.fetchall() if first is not None}


def _line(key: str, first: date | None, run: ScoreRun, leavers: int | None) -> Line:
    state: dict[str, Any] = run.summary["sources"][key]
    months = None if first is None else max((run.as_of - first).days, 0) / MONTH_DAYS
    coverage = state["accounts"] / run.accounts if run.accounts else None
    words = unlocked(months, coverage, is_late=state["late"], is_dated=key in _DATED)
    return Line(
        key=key, label=SOURCES[key].label, months=months, accounts=state["accounts"], coverage=coverage,
        is_late=state["late"], is_dated=key in _DATED, unlocks=words, rows=state.get("rows"), leavers=leavers,
    )  # fmt: skip


def unlocked(months: float | None, coverage: float | None, *, is_late: bool, is_dated: bool) -> str:
    """What a source of so much history and coverage is good for."""
    if not coverage:
        return "Nothing yet: no customer has it."
    if is_late:
        return "Nothing while it is late: scores that need it are marked, and what happens by itself waits."
    if not is_dated:
        return "Health now. Its history is not dated here, so chances use what was known on each past day."
    if months is None or months < 6:
        return f"Health only. Chances need {LEAST_MONTHS} to {WANTED_MONTHS} months of it."
    if coverage < LEAST_COVERAGE:
        return f"Health, and weak chances: fewer than {LEAST_COVERAGE:.0%} of customers have it."
    if months < LEAST_MONTHS:
        return f"Health and chances. Automation wants {LEAST_MONTHS} to {WANTED_MONTHS} months."
    return "Health, chances, and automation once the gates of the version are met."


def leavers(tenant: Tenant, settings: ChanceSettings, run: ScoreRun | None) -> Leavers:
    """Who left, as a training of the newest scored day counts them, and how many shrank and renewed; three statements.

    Who left before the first day that can be learnt from teaches nothing, so they do not count.
    """
    seen = spans.seen_to_leave(tenant, spans.of(tenant, run.as_of)) if run else []
    with connection.cursor() as cursor:
        cursor.execute(_LEAVERS, {"tenant": tenant.pk})
        ever, downgraded, renewed, first = cursor.fetchone()
    words = ladder_words(len(seen), least=settings.least_leavers)
    return Leavers(seen, ever, downgraded, renewed, first, words)


def ladder_words(left: int, *, least: int) -> str:
    """The rung that so many leavers reach (DECISIONS 24)."""
    least = max(least, LEAST_LEAVERS)
    if not left:
        return "Health only: nobody was seen to leave, so no chance is shown. It says “not yet calibrated”."
    if left < least:
        return (
            f"Health only: {left} left, and chances of your own need {least}. It says “not yet calibrated”."
        )
    if left < 100:
        return "Chances from one model for all segments, shrunken, with wide intervals."
    return "Chances from a model of your own, with curves as fine as so many leavers allow."
