"""Customers that left: what was known, how early, what was done, and why they were missed."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.db import connection

from scoring.flagging import standing
from scoring.leaving import LABELS, MEANING, kind_of
from scoring.models import HealthSnapshot
from scoring.outcomes import lost_statements, work
from scoring.outcomes.periods import EARLIEST, Period
from scoring.outcomes.queries import Asked, shown_name, with_seen
from scoring.outcomes.words import (
    CAUSE_LABELS,
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
        since: date | None = self.row["since"]
        return since is not None and (self.row["last_day"] - since).days >= WANTED_DAYS

    @property
    def warning(self) -> int:
        """Days from the scoring at which the flag went up to the notice, or to leaving; 0 when none stood then."""
        first: date | None = self.row["first_flag"]
        return 0 if first is None else (self.row["last_day"] - first).days

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


def cause_of(lost: Lost) -> str:
    """Why it was missed, by rule: what hid the flag first, then what was left undone, then how late it came."""
    if lost.first_flag is None:
        is_blind = not lost.scorings or lost.last_band == "unknown" or lost.last_coverage < LEAST_COVERAGE
        return NO_DATA if is_blind else NOTHING
    if any(_hides(override, lost) for override in lost.overrides):
        return HIDDEN
    if lost.plays:
        return WORKED if lost.warning >= TOO_LATE_DAYS else LATE
    if any(deed.state == "dismissed" for deed in lost.before_last_day):
        return DISMISSED
    return LATE if lost.warning < TOO_LATE_DAYS else NO_PLAY


def _hides(override: dict[str, Any], lost: Lost) -> bool:
    """Whether somebody raised the number while the computed one was flagged."""
    begun, ended = date.fromisoformat(override["day"]), date.fromisoformat(override["until"])
    raised = override["model"] is None or Decimal(str(override["health"])) > Decimal(str(override["model"]))
    return raised and begun <= lost.last_day and ended >= lost.first_flag


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
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, **values})
        names = [column[0] for column in cursor.description or ()]
        rows = [_flagged(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    deeds = work.deeds(tenant, [row["id"] for row in rows])
    return [Lost(row, deeds[row["id"]]) for row in rows]


def _flagged(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the flag that stood on its last day, and the first one that ever went up."""
    told = zip(row.pop("days") or (), row.pop("flags") or (), strict=True)
    stood = standing((day, is_flagged, not is_flagged) for day, is_flagged in told)
    return row | {"first_flag": stood.since, "ever_flag": stood.first}


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
    """How early the customers that could be seen early were seen; never flagged counts as 0 days."""

    observable: int
    early: int
    median_days: float | None

    @property
    def share(self) -> float | None:
        return self.early / self.observable if self.observable else None


def lead_time(lost: Sequence[Lost]) -> Lead:
    days = [each.warning for each in lost if each.is_observable]
    return Lead(len(days), sum(day >= WANTED_DAYS for day in days), median(days) if days else None)
