"""Why nothing may happen by itself at the moment, and what waits until it may again.

A source that is late, gone or shifted makes scores that rest on it doubtful for everybody, so what would follow from
them is kept. Whoever acts by itself asks `reasons` first, keeps its signal with `pause`, and takes it back once with
`take`: the row is locked and ended in the transaction of the act, so a second runner finds nothing.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import F, Func, JSONField, Value
from django.utils import timezone

from scoring import queries
from scoring.automation.models import DriftCheck, PausedAutomation
from scoring.catalogue import BY_KEY, SOURCES
from scoring.models import ChurnModel, PolicyIndicator, ScoreRun
from tenants.models import Tenant

LOOKS_BACK = timedelta(
    days=366
)  # a shift is looked at weekly until it is over: no look so long, none can be made
LOOK_EVERY = timedelta(
    days=7
)  # each check errs once in 1,000 looks: nightly ones would alarm seven times as often
INPUT_CHECKS = ("missing.", "psi.")
SCORE = "score"  # the check of the chances themselves: no source, but as good a reason to wait
LATE, EMPTY, SHIFTED = "late", "empty", "shifted"
# rows of a look that are beyond their limits, lasting or not (DriftCheck.beyond)
BEYOND = "$[*] ? (@.beyond == true || (!exists(@.beyond) && @.tripped == true))"


@dataclass(frozen=True)
class Reason:
    """One source that cannot be relied on, in words."""

    source: str  # a key of SOURCES, or SCORE
    kind: str  # late, empty, shifted
    words: str
    since: str = ""  # the scored day that found it, of a source that is away (`levels`)

    @property
    def key(self) -> str:
        return f"source_{self.kind}:{self.source}"

    def told(self) -> dict[str, str]:
        """As the summary of a run keeps it."""
        return asdict(self)


def reasons(tenant: Tenant) -> list[Reason]:
    """Sources that scores in force rest on and that were late, empty or shifted at the newest scoring; in order.

    Empty: automation may act. Four statements. Needs the tenant's transaction.
    """
    return reasons_of(tenant, queries.newest_run(tenant))


def reasons_of(tenant: Tenant, run: ScoreRun | None) -> list[Reason]:
    """The same of a run that is known already. Three statements."""
    if run is None:
        return []
    return of_scoring(tenant, day=run.as_of, sources=run.summary.get("sources", {}))


def of_scoring(tenant: Tenant, *, day: date, sources: dict[str, Any]) -> list[Reason]:
    """The same of one scoring, by what it found of each source (`levels.marked`).

    Three statements. Needs the tenant's transaction.
    """
    needed = needed_sources(tenant)
    shifts = _shifts(tenant, day)
    found = [_reason(key, day, sources.get(key), shifts.get(key)) for key in SOURCES if key in needed]
    if shift := shifts.get(SCORE):
        found.append(
            Reason(
                SCORE, SHIFTED, f"Chances: shifted when they were checked on {shift.day}. {shift.words}"[:400]
            )
        )
    return [each for each in found if each is not None]


def needed_sources(tenant: Tenant) -> set[str]:
    """Sources of what the policies in force weigh and of what the model in force reads; not of what is switched off."""
    rows = PolicyIndicator.objects.for_tenant(tenant).filter(policy__state="published")
    found = rows.values_list("indicator", "enabled", "weight", "policy__segment")
    weighed, off = set(), set()
    for name, enabled, weight, segment in found:
        if enabled and weight > 0:
            weighed.add(name)
        if not enabled and segment == "":
            off.add(name)
    names = weighed | (live_names(tenant) - off)
    return {source for name in names if name in BY_KEY for source in BY_KEY[name].sources}


def live_names(tenant: Tenant) -> set[str]:
    """The features that the model in force reads."""
    live = ChurnModel.objects.for_tenant(tenant).filter(state__in=ChurnModel.LIVE)
    return curve_names(live.values_list("document__curves", flat=True).first())


def curve_names(curves: Any) -> set[str]:
    """The features of a model's document; none of a document that cannot be read."""
    rows = curves if isinstance(curves, list) else []
    return {str(each["name"]) for each in rows if isinstance(each, dict) and "name" in each}


def _reason(key: str, day: date, now: dict[str, Any] | None, shift: "Shift | None") -> Reason | None:
    label = SOURCES[key].label
    if now is None:
        return None
    if now["late"]:
        return Reason(key, LATE, f"{label}: late, newest of {now['latest']}, scored {day}.")
    if away := now.get("away"):
        had, since = f"{away['fresh']:,} customers", f"before {away['since']}"
        if not now["fresh"]:
            return Reason(key, EMPTY, f"{label}: empty, while {had} had it {since}.", away["since"])
        words = f"{label}: of {had} that had it {since}, {now['fresh']:,} have it now."
        return Reason(key, SHIFTED, words, away["since"])
    if shift is not None:
        words = f"{label}: shifted when it was checked on {shift.day}. {shift.words}"
        return Reason(key, SHIFTED, words[:400])
    return None


@dataclass(frozen=True)
class Shift:
    """A source (or SCORE) that the newest look which checked it found beyond its limits."""

    words: str
    day: date
    model_id: int


def shifted_by(tenant: Tenant, day: date) -> dict[str, Shift]:
    """Sources that scores need and that drift holds, up to that day. Three statements."""
    needed = needed_sources(tenant) | {SCORE}
    return {source: shift for source, shift in _shifts(tenant, day).items() if source in needed}


def _shifts(tenant: Tenant, day: date) -> dict[str, Shift]:
    """What looks at drift hold, by source.

    Of each source the newest look that checked it decides, whichever version it was made with and wherever that stands
    by now: that a version was taken back, replaced or cannot be opened says nothing of the source. But what a replaced
    version learned from is older, so it overrules no look of the week with the version in force. Of the chances only
    looks at the version in force count.
    """
    found: dict[str, Shift] = {}
    settled: set[str] = set()
    for seen in sorted(_looks(tenant, day), key=_rank, reverse=True):
        beyond = {source_of_check(row["key"]): row for row in reversed(seen.outside)}
        checked = {source_of_check(key) for key in seen.keys} - {""}
        if seen.model_state not in ChurnModel.LIVE:
            checked.discard(SCORE)
        for source in (checked - settled) & beyond.keys():
            found[source] = Shift(beyond[source]["words"], seen.as_of, seen.model_id)
        settled |= checked
    return found


def _rank(seen: Any) -> tuple[date, date, int]:
    """The order in which looks decide: of the version in force a look counts as made when the next one is due."""
    is_live = seen.model_state in ChurnModel.LIVE
    return seen.as_of + (LOOK_EVERY if is_live else timedelta(0)), seen.as_of, seen.pk


def _looks(tenant: Tenant, day: date) -> Iterable[Any]:
    """Looks of a year up to that day: day, version and its state, `keys` checked, rows `outside`.

    Of those of one version that checked the same the newest alone: the others decide nothing.
    """
    looks = DriftCheck.objects.for_tenant(tenant).filter(as_of__lte=day, as_of__gt=day - LOOKS_BACK)
    told = looks.annotate(model_state=F("model__state"), outside=_path(BEYOND), keys=_path("$[*].key"))
    newest = told.order_by("model_id", "keys", "-as_of", "-pk").distinct("model_id", "keys")
    return newest.values_list("pk", "as_of", "model_id", "model_state", "outside", "keys", named=True)


def _path(path: str) -> Func:
    """What a path finds in the rows of a look."""
    return Func(
        "figures", Value(path), function="jsonb_path_query_array", template="%(function)s(%(expressions)s::jsonpath)",
        output_field=JSONField(),
    )  # fmt: skip


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
