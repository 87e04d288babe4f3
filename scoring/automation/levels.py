"""Whether a source of evidence speaks of as many customers as it used to, by its own past; kept with each scoring.

Counted are the customers that have a row in the days in which the source must not be silent (its limit in the
catalogue; without a limit: a row at all). Compared is with what earlier scorings found of the windows that were over
before the present one began, so a feed that comes with a delay is compared with what it is like when it is well.
`away`, once found, stands in each run until the source is back, with the level that it fell from: time does not end it.
The rule and its reasons: docs/scoring.md, "Away".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import median, pstdev
from typing import Any

from django.db.models import DateField, F, Func, IntegerField, Value, Window
from django.db.models.functions import RowNumber

from scoring import queries
from scoring.catalogue import SOURCES
from tenants.models import Tenant

HALF = 0.5  # of the usual level: fewer is a broken feed, not a slow month
BACK = 0.75  # of it: well apart from the half, so that a source does not come and go by a customer or two
SIGMAS = 4  # beyond chance: one look in 30,000 of a source that is well
BACK_SIGMAS = 2
LEAST_ACCOUNTS = 10  # a level of fewer customers may halve by chance
LEAST_WINDOWS = 4  # fewer say nothing of how much they vary
PAST = timedelta(days=182)  # of windows that are looked back on
WEEK = 7  # one scoring a week is looked at: nightly ones show the same rows again
LONGEST = PAST + timedelta(days=max(source.fresh_days for source in SOURCES.values()))

# how a hold was told while a scoring counted the customers of a source alone, whatever the age of their rows
OLD_HOLD = re.compile(r": (?:empty, while|of) ([\d,]+) customers (?:had it before|that had it, )")

Sources = dict[str, dict[str, Any]]  # by key, as Scored.sources gives them


@dataclass(frozen=True)
class Level:
    """So many customers with recent rows, of those that ever had any, of all."""

    fresh: int
    had: int
    customers: int

    def among(self, customers: int) -> float:
        """What to expect of so many: of more the same count (new ones have no past), of fewer the same share."""
        return self.fresh * min(1.0, customers / self.customers)

    def variance(self, customers: int) -> float:
        """Of that count by chance alone: each that ever had a row has a recent one or not, independently.

        An upper bound where they differ: who always sends adds nothing to it.
        """
        return self.among(customers) * max(0.0, 1 - self.fresh / max(self.had, 1))

    def is_back(self, fresh: int, customers: int) -> bool:
        """Whether a source that fell from here has come back, near enough for what chance does to such a level."""
        level = self.among(customers)
        return fresh >= min(BACK * level, level - BACK_SIGMAS * sqrt(self.variance(customers)))


def usual(past: Sequence[Level], customers: int) -> Level:
    """The level of so many customers by what its own windows were like; `past` is not empty."""
    fresh, had = (
        median(each.among(customers) for each in past),
        median(each.had * min(1.0, customers / each.customers) for each in past),
    )
    return Level(round(fresh), round(had), customers)


def lowest(past: Sequence[Level], customers: int) -> float:
    """Customers below which the source has lost more than half, more than chance takes, and more than it varies.

    Chance: of the present window and of those of the past. How it varies: the standard deviation over its past windows.
    """
    counts = [each.among(customers) for each in past]
    variance = median(each.variance(customers) for each in past)
    chance = sqrt(variance * (1 + 1 / len(past)))
    level = median(counts)
    varies = pstdev(counts) if len(past) >= LEAST_WINDOWS else 0.0
    return min(HALF * level, level - SIGMAS * max(chance, varies))


def has_fallen(fresh: int, customers: int, past: Sequence[Level]) -> bool:
    """Whether the source fell from its own level. A handful of customers may only be gone altogether."""
    if not past or (fresh and usual(past, customers).fresh < LEAST_ACCOUNTS):
        return False
    return fresh < lowest(past, customers)


def marked(tenant: Tenant, *, day: date, customers: int, found: Sources) -> Sources:
    """What a scoring found of each source, with `away` where it is: {"fresh", "had", "customers", "since"}.

    That is the level which it fell from, and the day on which that was found.

    One statement. Needs the tenant's transaction.
    """
    told = _told(tenant, day)
    past = [each for each in told if each.day < day]
    marked: Sources = {}
    for key, each in found.items():
        anew = max(
            (state["from"] for run in told if "from" in (state := run.sources.get(key, {}))), default=""
        )
        after = [run for run in past if str(run.day) >= anew]
        kept = _kept(key, each, past[0]) if past else None
        away = _away(key, each, kept, after, day=day, customers=customers, anew=anew)
        marked[key] = each | ({"away": away} if away else {}) | ({"from": anew} if anew else {})
    return marked


def accepted(state: Mapping[str, Any], *, day: date) -> dict[str, Any]:
    """What a scoring found of a source that a person says is well: from that day on its level is what is usual."""
    return {key: each for key, each in state.items() if key != "away"} | {"from": str(day)}


@dataclass(frozen=True)
class _Past:
    """What an earlier scoring found."""

    day: date
    customers: int
    sources: Mapping[str, Mapping[str, Any]]
    held: Sequence[Mapping[str, str]]  # as the run was marked


def _told(tenant: Tenant, day: date) -> list[_Past]:
    """The newest scoring of that day, and of each week before it, counted back from it; the newest first."""
    week = Func(
        Value(day + timedelta(days=WEEK - 1), DateField()), F("as_of"), arg_joiner=" - ", output_field=IntegerField(),
        template=f"((%(expressions)s) / {WEEK})",
    )  # fmt: skip
    runs = queries.finished_runs(tenant).filter(as_of__lte=day, as_of__gte=day - LONGEST)
    place = Window(RowNumber(), partition_by=[week], order_by=["-as_of", "-pk"])
    newest = runs.annotate(place=place).filter(place=1).order_by("-as_of")
    rows = newest.values_list("as_of", "accounts", "summary__sources", "summary__held")
    return [
        _Past(as_of, customers, _counted(sources or {}), held or [])
        for as_of, customers, sources, held in rows
    ]


def _counted(sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Of a source without a limit any row is a recent one: what runs from before that was kept say of it counts."""
    return {
        key: {"fresh": each["accounts"], **each} if key in SOURCES and not SOURCES[key].fresh_days else each
        for key, each in sources.items()
    }


def _kept(key: str, now: Mapping[str, Any], last: _Past) -> dict[str, Any] | None:
    """What the scoring before found away; of one from before levels were kept, what it held by the rule of then.

    Its level is the median that it told, as far as customers who are still known have recent rows: of them it counted
    those with any.
    """
    state = last.sources.get(key, {})
    told = next((each["words"] for each in last.held if each["source"] == key), "")
    if "away" in state or not (found := OLD_HOLD.search(told)):
        away: dict[str, Any] | None = state.get("away")
        return away
    usual = int(found[1].replace(",", ""))
    share = now["fresh"] / now["accounts"] if now["fresh"] else 1.0
    return {**asdict(Level(round(usual * share), usual, last.customers)), "since": str(last.day)}


def _away(
    key: str,
    now: Mapping[str, Any],
    kept: dict[str, Any] | None,
    past: Sequence[_Past],
    *,
    day: date,
    customers: int,
    anew: str,
) -> dict[str, Any] | None:
    """`kept`: what the scoring before found away; `anew`: the day from which on a person took the level as usual."""
    if kept is not None and kept["since"] > anew:
        level = Level(kept["fresh"], kept["had"], kept["customers"])
        return None if level.is_back(now["fresh"], customers) else kept
    windows = windows_of(key, past, day=day)
    if not now["late"] and not has_fallen(now["fresh"], customers, windows):
        return None
    level = usual(windows, customers) if windows else Level(0, 0, customers)
    if not level.fresh:  # late since before anybody looked: any row of anybody ends it
        if now["accounts"] < LEAST_ACCOUNTS:
            return None
        level = Level(1, 1, 1)
    return {**asdict(level), "since": str(day)}


def windows_of(key: str, past: Sequence[_Past], *, day: date) -> list[Level]:
    """The source in scorings in which it was there, of windows that were over before the present one began.

    While there are none that old, of younger ones.
    """
    span = timedelta(days=SOURCES[key].fresh_days)
    good = [
        (each.day, Level(state["fresh"], state["accounts"], each.customers))
        for each in past
        if each.customers and each.day >= day - span - PAST and _is_good(state := each.sources.get(key, {}))
    ]
    apart = [level for as_of, level in good if as_of <= day - span]
    return apart or [level for _, level in good]


def _is_good(state: Mapping[str, Any]) -> bool:
    return "fresh" in state and not state["late"] and "away" not in state
