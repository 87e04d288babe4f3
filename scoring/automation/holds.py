"""Why nothing may happen by itself at the moment, and what waits until it may again.

A source that is late, gone or shifted makes scores that rest on it doubtful for everybody, so what would follow from
them is kept. Whoever acts by itself asks `reasons` first, keeps its signal with `pause`, and takes it back once with
`take`: the row is locked and ended in the transaction of the act, so a second runner finds nothing.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from scoring import queries
from scoring.automation.models import DriftCheck, PausedAutomation
from scoring.catalogue import BY_KEY, SOURCES
from scoring.models import ChurnModel, PolicyIndicator
from tenants.models import Tenant

LOOK_BACK = timedelta(days=35)  # runs before the newest one that a source is compared with
HALF = 0.5  # of the accounts that a source usually covers: fewer is a broken feed, not a slow month
LEAST_ACCOUNTS = 10  # a source of fewer accounts may halve by chance
INPUT_CHECKS = ("missing.", "psi.")
SCORE = "score"  # the check of the chances themselves: no source, but as good a reason to wait
LATE, EMPTY, SHIFTED = "late", "empty", "shifted"


@dataclass(frozen=True)
class Reason:
    """One source that cannot be relied on, in words."""

    source: str  # a key of SOURCES, or SCORE
    kind: str  # late, empty, shifted
    words: str

    @property
    def key(self) -> str:
        return f"source_{self.kind}:{self.source}"

    def told(self) -> dict[str, str]:
        """As the summary of a run keeps it."""
        return asdict(self)


def reasons(tenant: Tenant) -> list[Reason]:
    """Sources that scores in force rest on and that were late, empty or shifted at the newest scoring; in order.

    Empty: automation may act. Five statements. Needs the tenant's transaction.
    """
    run = queries.newest_run(tenant)
    if run is None:
        return []
    return of_scoring(tenant, day=run.as_of, sources=run.summary.get("sources", {}))


def of_scoring(tenant: Tenant, *, day: date, sources: dict[str, Any]) -> list[Reason]:
    """The same of one scoring, by what it found of each source. Four statements. Needs the tenant's transaction."""
    needed = needed_sources(tenant)
    before = _before(tenant, day)
    drifted = _drifted(tenant, day)
    found = [_reason(key, day, sources.get(key), before, drifted) for key in SOURCES if key in needed]
    if SCORE in drifted:
        words, seen = drifted[SCORE]
        found.append(
            Reason(SCORE, SHIFTED, f"Chances: shifted when they were checked on {seen}. {words}"[:400])
        )
    return [each for each in found if each is not None]


def needed_sources(tenant: Tenant) -> set[str]:
    """Sources of what the policies in force weigh and of what the model in force reads."""
    weighed = PolicyIndicator.objects.for_tenant(tenant).filter(
        policy__state="published", enabled=True, weight__gt=0
    )
    names = set(weighed.values_list("indicator", flat=True)) | live_names(tenant)
    return {source for name in names if name in BY_KEY for source in BY_KEY[name].sources}


def live_names(tenant: Tenant) -> set[str]:
    """The features that the model in force reads."""
    live = ChurnModel.objects.for_tenant(tenant).filter(state__in=ChurnModel.LIVE)
    return curve_names(live.values_list("document__curves", flat=True).first())


def curve_names(curves: Any) -> set[str]:
    """The features of a model's document; none of a document that cannot be read."""
    rows = curves if isinstance(curves, list) else []
    return {str(each["name"]) for each in rows if isinstance(each, dict) and "name" in each}


def _reason(
    key: str,
    day: date,
    now: dict[str, Any] | None,
    before: dict[str, list[int]],
    drifted: dict[str, tuple[str, date]],
) -> Reason | None:
    label = SOURCES[key].label
    if now is None:
        return None
    usual = _median(before.get(key, []))
    if now["late"]:
        return Reason(key, LATE, f"{label}: late, newest of {now['latest']}, scored {day}.")
    if not now["accounts"] and usual:
        return Reason(key, EMPTY, f"{label}: empty, while {usual:,} customers had it before.")
    if usual >= LEAST_ACCOUNTS and now["accounts"] < HALF * usual:
        return Reason(
            key, SHIFTED, f"{label}: of {usual:,} customers that had it, {now['accounts']:,} have it now."
        )
    if key in drifted:
        words, seen = drifted[key]
        return Reason(key, SHIFTED, f"{label}: shifted when it was checked on {seen}. {words}"[:400])
    return None


def _before(tenant: Tenant, day: date) -> dict[str, list[int]]:
    """How many customers each source covered in the runs of the weeks before."""
    runs = queries.finished_runs(tenant).filter(as_of__lt=day, as_of__gte=day - LOOK_BACK)
    found: dict[str, list[int]] = {}
    for sources in runs.values_list("summary__sources", flat=True):
        for key, each in (sources or {}).items():
            found.setdefault(key, []).append(int(each["accounts"]))
    return found


def _median(counts: list[int]) -> int:
    return sorted(counts)[len(counts) // 2] if counts else 0


def _drifted(tenant: Tenant, day: date) -> dict[str, tuple[str, date]]:
    """Sources whose indicators were beyond their limits in the newest check of the version in force up to that day."""
    newest = (
        DriftCheck.objects.for_tenant(tenant)
        .filter(model__state__in=ChurnModel.LIVE, as_of__lte=day)
        .order_by("-as_of", "-pk")
        .first()
    )
    found: dict[str, tuple[str, date]] = {}
    for row in newest.beyond if newest is not None else []:
        source = source_of_check(row["key"])
        if source:
            assert newest is not None
            found.setdefault(source, (row["words"], newest.as_of))
    return found


def source_of_check(key: str) -> str:
    """The source whose values a check of drift looks at; SCORE for the chances; empty for outcomes."""
    name = next((key.removeprefix(each) for each in INPUT_CHECKS if key.startswith(each)), "")
    return BY_KEY[name].source if name in BY_KEY else SCORE if key == SCORE else ""


# --- what waits ------------------------------------------------------------------------------------


def pause(tenant: Tenant, *, what: str, signals: dict[int, dict[str, Any]], why: list[Reason]) -> int:
    """Keep the newest signal of each account until the reasons are gone; how many accounts began to wait."""
    told = [{"key": each.key, **asdict(each)} for each in why]
    rows = PausedAutomation.objects.for_tenant(tenant).filter(what=what, ended_at=None)
    waiting = {row.account_id: row for row in rows.select_for_update().filter(account_id__in=signals)}
    for account_id, row in waiting.items():
        row.signal, row.reasons = signals[account_id], told
    PausedAutomation.objects.bulk_update(waiting.values(), ["signal", "reasons"], batch_size=500)
    fresh = [
        PausedAutomation(tenant=tenant, account_id=account_id, what=what, signal=signal, reasons=told)
        for account_id, signal in signals.items()
        if account_id not in waiting
    ]
    PausedAutomation.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=1000)
    return len(fresh)


def overtaken(tenant: Tenant, *, what: str, account_ids: Iterable[int]) -> int:
    """A newer signal was acted upon: what waited on these accounts waits no more."""
    rows = PausedAutomation.objects.for_tenant(tenant).filter(
        what=what, ended_at=None, account_id__in=list(account_ids)
    )
    return rows.update(ended_at=timezone.now(), ended=PausedAutomation.Ended.OVERTAKEN)


def take(tenant: Tenant, *, what: str, limit: int) -> list[PausedAutomation]:
    """Up to `limit` waiting ones, oldest first, ended in the caller's transaction; none while a reason stands."""
    if reasons(tenant):
        return []
    rows = PausedAutomation.objects.for_tenant(tenant).filter(what=what, ended_at=None)
    taken = list(rows.select_for_update(skip_locked=True).order_by("held_at", "pk")[:limit])
    ids = [row.pk for row in taken]
    PausedAutomation.objects.for_tenant(tenant).filter(pk__in=ids).update(
        ended_at=timezone.now(), ended=PausedAutomation.Ended.RESUMED
    )
    return taken


def is_anything_waiting(tenant: Tenant, *, what: str) -> bool:
    return PausedAutomation.objects.for_tenant(tenant).filter(what=what, ended_at=None).exists()
