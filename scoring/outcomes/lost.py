"""Customers that left: what was known, how early, what was done, and why they were missed."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from django.db import connection

from scoring.flagging import RUNNING, standing
from scoring.leaving import LABELS, MEANING, kind_of
from scoring.models import ChanceSettings, HealthPolicy, HealthSnapshot
from scoring.outcomes import lost_statements, work
from scoring.outcomes.periods import EARLIEST, Period
from scoring.outcomes.queries import Asked, shown_name, with_seen
from scoring.outcomes.words import (
    CAUSE_LABELS,
    CHANCE,
    DISMISSED,
    HIDDEN,
    LATE,
    NO_DATA,
    NO_PLAY,
    NOTHING,
    WORKED,
)
from tenants.models import Membership, Tenant

TOO_LATE_DAYS = 30  # less warning than this is too little to act on
WANTED_DAYS = 60  # the share of leavers that were seen so early is what the target speaks of
LEAST_COVERAGE = 70  # per cent of the policy's weight; with less known, a missing flag is a matter of data
SPREAD = (1, TOO_LATE_DAYS, WANTED_DAYS, 90)  # first days of the steps in which warning is counted
FLAGGED_BANDS = ("critical", "at_risk")


@dataclass(frozen=True)
class Lost:
    """One customer that left, with the rule's cause and, where somebody corrected it, theirs."""

    row: dict[str, Any]
    deeds: Sequence[work.Deed]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["row"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def overrides(self) -> list[dict[str, Any]]:
        found = self.row["overrides"]
        return json.loads(found) if isinstance(found, str) else list(found)

    @property
    def is_observable(self) -> bool:
        """Whether it was scored at least 60 days before the last day, so that an early flag was possible."""
        return self._days_since("since") >= WANTED_DAYS

    @property
    def is_observable_by_chance(self) -> bool:
        """Whether it had a chance of leaving at least 60 days before the last day."""
        return self._days_since("chance_since") >= WANTED_DAYS

    @property
    def is_afterwards(self) -> bool:
        """Whether it has no scoring that was made in time: what is told of it was worked out when it was past."""
        return bool(self.row["afterwards"])

    @property
    def warning(self) -> int:
        """Days from the scoring at which the flag went up to the notice, or to leaving; 0 when none stood then."""
        return self._days_since("first_flag")

    @property
    def warning_by_chance(self) -> int:
        """The same of the flag by the chance, at the threshold that is set now."""
        return self._days_since("chance_flag")

    def _days_since(self, name: str) -> int:
        """Days from that one of the row's days to the last day; 0 where there is none."""
        since: date | None = self.row[name]
        return 0 if since is None else (self.row["last_day"] - since).days

    @property
    def segment_label(self) -> str:
        return shown_name("segment", self.row["segment"])

    @property
    def kind(self) -> str:
        """How it left, one of scoring.leaving.KINDS."""
        row = self.row
        return kind_of(row["left_day"], row["said"] or "", row["term_end"], row["noticed"], row["arrears"])

    @property
    def kind_label(self) -> str:
        return LABELS[self.kind]

    @property
    def kind_meaning(self) -> str:
        return MEANING[self.kind]

    @property
    def by_rule(self) -> str:
        return cause_of(self)

    @property
    def shown_cause(self) -> str:
        return self.row["cause"] or self.by_rule

    @property
    def cause_label(self) -> str:
        return CAUSE_LABELS[self.shown_cause]

    @property
    def rule_label(self) -> str:
        return CAUSE_LABELS[self.by_rule]

    @property
    def before_last_day(self) -> list[work.Deed]:
        """What was done while it could still help."""
        return [deed for deed in self.deeds if deed.at.date() <= self.row["last_day"]]

    @property
    def plays(self) -> list[work.Deed]:
        return [deed for deed in self.before_last_day if deed.kind == work.PLAY]

    @property
    def plays_while_flagged(self) -> list[work.Deed]:
        """Those that ran at some time from the first scoring of the flag to the last day, whenever they began."""
        sign: date | None = self.row["first_sign"]
        if sign is None:
            return []
        return [deed for deed in self.plays if deed.ended_at is None or deed.ended_at.date() >= sign]

    @property
    def was_dismissed(self) -> bool:
        """Whether somebody dismissed a suggestion between the first scoring of the flag and the last day."""
        sign: date | None = self.row["first_sign"]
        decided = [deed.ended_at for deed in self.deeds if deed.state == "dismissed"]
        return sign is not None and any(at and sign <= at.date() <= self.row["last_day"] for at in decided)


def cause_of(lost: Lost) -> str:
    """Why it was missed, by rule: what hid the flag first, then what was left undone, then how late it came.

    What was done counts only while the flag stood: a play or a dismissal of years ago says nothing of this leaving.
    """
    if lost.first_flag is None:
        if lost.chance_flag is not None:
            return _done_by_chance(lost)
        is_blind = not lost.scorings or lost.last_band == "unknown" or lost.last_coverage < LEAST_COVERAGE
        return NO_DATA if is_blind else NOTHING
    if any(_hides(override, lost) for override in lost.overrides):
        return HIDDEN
    if lost.plays_while_flagged:
        return WORKED if lost.warning >= TOO_LATE_DAYS else LATE
    if lost.was_dismissed:
        return DISMISSED
    return LATE if lost.warning < TOO_LATE_DAYS else NO_PLAY


def _done_by_chance(lost: Lost) -> str:
    """What was done while the chance alone flagged decides as under the band's flag, by the chance's own warning."""
    if lost.plays_while_flagged:
        return WORKED if lost.warning_by_chance >= TOO_LATE_DAYS else LATE
    return DISMISSED if lost.was_dismissed else CHANCE


def _hides(override: dict[str, Any], lost: Lost) -> bool:
    """Whether somebody's own band was no flagged one while the computed one was: by the last scoring's cuts."""
    begun, ended = date.fromisoformat(override["day"]), date.fromisoformat(override["until"])
    if override["band"]:
        is_calm = override["band"] not in FLAGGED_BANDS
    else:
        is_calm = Decimal(str(override["health"])) >= lost.watch_from
    return is_calm and begun <= lost.last_day and ended >= lost.first_flag


def customers_lost(tenant: Tenant, viewer: Membership, asked: Asked) -> list[Lost]:
    """Everybody that left within the period, the last one first; two statements."""
    return _lost(tenant, viewer, asked, one="", values={})


def customer_lost(tenant: Tenant, viewer: Membership, *, account_id: int, known: date) -> Lost | None:
    """One customer that left, whenever it was; None when it is hidden, absent or still here. Two statements."""
    asked = Asked(Period("custom", EARLIEST, known), known)
    found = _lost(tenant, viewer, asked, one="AND c.id = %(account)s", values={"account": account_id})
    return found[0] if found else None


def _lost(
    tenant: Tenant, viewer: Membership, asked: Asked, *, one: str, values: dict[str, Any]
) -> list[Lost]:
    statement, parameters = with_seen(lost_statements.LOST.replace("{one}", one), tenant, viewer, asked)
    # what holds where nothing was set
    usual = {"high_from": ChanceSettings().high_from, "watch_from": HealthPolicy().watch_from}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, **usual, **values})
        names = [column[0] for column in cursor.description or ()]
        rows = [_flagged(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    deeds = work.deeds(tenant, [row["id"] for row in rows])
    return [Lost(row, deeds[row["id"]]) for row in rows]


def _flagged(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the flags that stood on its last day, and the first one by health that ever went up.

    `first_sign` is the first of the scorings that made the flag: from then on somebody could have acted on it. It is
    that of the flag by the chance where none stood by the band.
    """
    days, flags = row.pop("days") or (), row.pop("flags") or ()
    stood = standing((day, is_flagged, not is_flagged) for day, is_flagged in zip(days, flags, strict=True))
    sign = None if stood.since is None else days[days.index(stood.since) + 1 - RUNNING]
    told = [row.pop(f"chance_{name}") or () for name in ("days", "highs", "lows")]
    by_chance = standing(zip(*told, strict=True))
    if sign is None and by_chance.since is not None:
        sign = told[0][told[0].index(by_chance.since) + 1 - RUNNING]
    own = {"first_flag": stood.since, "first_sign": sign, "ever_flag": stood.first}
    return row | own | {"chance_flag": by_chance.since}


def history(tenant: Tenant, *, account_id: int, last: date) -> list[HealthSnapshot]:
    """Health of the year before that day, oldest first; rows that are only read."""
    first = last - timedelta(days=lost_statements.WATCHED_DAYS)
    values: dict[str, Any] = {"tenant": tenant.pk, "account": account_id, "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(lost_statements.HISTORY, values)
        names = [column[0] for column in cursor.description or ()]
        return [HealthSnapshot(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Tally:
    """How many customers, and how much ARR, one cause or one segment stands for."""

    name: str
    label: str
    count: int
    arr: Decimal


def tally(lost: Sequence[Lost], key: Callable[[Lost], str], label: Callable[[str], str]) -> list[Tally]:
    """By cause, or by a column; most customers first. ARR of accounts without a rate is not in it."""
    found: dict[str, list[Lost]] = {}
    for each in lost:
        found.setdefault(key(each), []).append(each)
    made = [Tally(name, label(name), len(rows), arr_of(rows)) for name, rows in found.items()]
    return sorted(made, key=lambda each: (-each.count, each.label))


def arr_of(lost: Iterable[Lost]) -> Decimal:
    return sum((each.arr for each in lost if each.arr is not None and not each.unrated), Decimal(0))


@dataclass(frozen=True)
class Lead:
    """How early the customers that could be seen early were seen; never flagged counts as 0 days.

    `left_out`: those that were scored early enough, but only afterwards. Where there are no others, they are what is
    counted, and `is_afterwards` says so.
    """

    days: tuple[int, ...]
    is_afterwards: bool
    left_out: int

    @property
    def observable(self) -> int:
        return len(self.days)

    @property
    def early(self) -> int:
        return sum(each >= WANTED_DAYS for each in self.days)

    @property
    def share(self) -> float | None:
        return self.early / self.observable if self.observable else None

    @property
    def median_days(self) -> float | None:
        return median(self.days) if self.days else None

    @property
    def spread(self) -> list[tuple[str, int]]:
        """How many had so many days of warning, fewest first; the numbers add up to `observable`."""
        found = [("None", sum(each == 0 for each in self.days))]
        for first, end in pairwise(SPREAD):
            found.append((f"{first} to {end - 1} days", sum(first <= each < end for each in self.days)))
        last = SPREAD[-1]
        return [*found, (f"{last} days or more", sum(each >= last for each in self.days))]


def lead_time(lost: Sequence[Lost]) -> Lead:
    """By the health band, as everything on these pages but `lead_by_chance`."""
    return _lead([(each, each.warning) for each in lost if each.is_observable])


def lead_by_chance(lost: Sequence[Lost]) -> Lead:
    """By the chance of leaving, of those that had one early enough."""
    return _lead([(each, each.warning_by_chance) for each in lost if each.is_observable_by_chance])


def _lead(seen: list[tuple[Lost, int]]) -> Lead:
    in_time = [days for each, days in seen if not each.is_afterwards]
    counted = in_time or [days for _, days in seen]
    return Lead(tuple(counted), bool(seen) and not in_time, len(seen) - len(counted))
