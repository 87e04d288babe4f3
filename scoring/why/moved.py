"""The timeline's lines under "Moved the score": what each scoring changed of health, part by part, with its points.

The parts are those of `scoring.changes` between one scored day and the one before it, so that they add up to the move
of the computed health; a day on which another policy began is one line, whose parts stand on the page of changes.
Chances and people's own numbers are not in it. One statement a page.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import OuterRef, Subquery
from django.db.models.fields.json import KeyTextTransform

from accounts.models import Account
from accounts.timeline import Entry, Group
from scoring import apart, changes, queries
from scoring.bands import band_label
from scoring.catalogue import SOURCES
from scoring.changes import HealthDay, Part, Policy, Reading
from scoring.models import HealthPolicy, HealthSnapshot
from scoring.why import change_queries
from scoring.why.chance import value_words
from scoring.why.names import label_of
from scoring.why.sources import source_of
from tenants.models import Tenant

LABEL, KIND = "Moved the score", "moved"
LEAST = 50  # hundredths of a point: parts below are not told one by one
SCORINGS = 40  # that one page looks at
MOST_OF_A_DAY = 1000  # lines, so that a day and a place make one number, which falls as one reads on


def entries(tenant: Tenant, account: Account, after: dict[str, Any], size: int) -> tuple[list[Entry], str]:
    """One page, newest first, and the cursor of the next one ("" at the end)."""
    newest: date | None = after["at"].date() if after else None
    read = _snapshots(tenant, account, newest)
    found: list[Entry] = []
    for last, first in pairwise(read):
        lines = _of_day(first, last) if _differs(first, last) else iter(())
        if after:
            lines = (each for each in lines if (each.at, each.id) < (after["at"], after["id"]))
        found += lines
        if len(found) > size:
            return found[:size], found[size - 1].cursor
    has_more = len(read) > SCORINGS  # the oldest one that was read is the first of the next page's
    return found, _cursor(read[-1].as_of) if has_more else ""


def _snapshots(tenant: Tenant, account: Account, newest: date | None) -> list[HealthSnapshot]:
    """The scorings that stand for their days and have a number, newest first, with their policy's missing rule."""
    runs = queries.finished_runs(tenant).filter(is_unchanged=False).order_by("as_of", "-pk").distinct("as_of")
    rule = HealthPolicy.objects.for_tenant(tenant).filter(pk=OuterRef("policy_id")).values("missing_rule")
    rows = HealthSnapshot.objects.filter(tenant=tenant, account_id=account.pk, health__isnull=False)
    rows = rows.filter(run_id__in=runs.values("pk")).annotate(
        missing_rule=Subquery(rule[:1]), is_apart=KeyTextTransform(apart.MARK, "run__summary")
    )
    if newest is not None:
        rows = rows.filter(as_of__lte=newest)
    return list(rows.order_by("-as_of")[: SCORINGS + 1])


def _differs(first: HealthSnapshot, last: HealthSnapshot) -> bool:
    """Whether there is anything to split: most scorings of most accounts repeat the one before."""
    counted = ("health", "policy_id", "layout", "weights", "scores", "old_indicators")
    return any(getattr(first, name) != getattr(last, name) for name in counted)


def _of_day(first: HealthSnapshot, last: HealthSnapshot) -> Iterator[Entry]:
    """The move of the whole, then its parts, the largest first; nothing where it stood still."""
    old, new = _day(first), _day(last)
    told = changes.health_change(old, new, optional=change_queries.OPTIONAL)
    if told is None or (abs(told.after - told.before) < LEAST and not _large(told.parts)):
        return
    day = f"Scored for {last.as_of:%-d %b}, before that for {first.as_of:%-d %b}"
    words = f"Health {first.health:.0f} to {last.health:.0f}, {band_label(last.band)}"
    yield _entry(last, 0, words, day, told.after - told.before)
    if old.policy.name != new.policy.name:
        words = f"Policy {last.policy_version} in place of {first.policy_version}"
        yield _entry(last, 1, words, "The parts are on the page of changes", None)
        return
    if _hides(old, new, first, last):
        words = "Its parts are not told: scored by an earlier release, with what was noticed of persons"
        yield _entry(last, 1, words, "They appear once the days were scored again", None)
        return
    for place, part in enumerate(_large(told.parts), start=1):
        was, now = (each.readings.get(part.key, changes.NOTHING) for each in (old, new))
        yield _entry(last, place, _words(part, was, now), _source(part), part.amount)


def _hides(old: HealthDay, new: HealthDay, *snapshots: HealthSnapshot) -> bool:
    """Whether a part is of what may rest on observations, which both runs kept in or one of them did."""
    weighs = any(each.readings.get(apart.INDICATOR, changes.NOTHING).weight for each in (old, new))
    return weighs and not all(each.is_apart for each in snapshots)  # type: ignore[attr-defined]


def _large(parts: tuple[Part, ...]) -> list[Part]:
    return sorted(
        (part for part in parts if abs(part.amount) >= LEAST), key=lambda part: (-abs(part.amount), part.key)
    )


def _day(snapshot: HealthSnapshot) -> HealthDay:
    is_neutral = snapshot.missing_rule == HealthPolicy.MissingRule.NEUTRAL  # type: ignore[attr-defined]
    return HealthDay(
        health=int((snapshot.health or Decimal(0)) * 100),
        policy=Policy(f"{snapshot.policy_id} {snapshot.policy_version}", is_neutral=is_neutral),
        readings=change_queries.readings(snapshot),
    )


def _words(part: Part, was: Reading, now: Reading) -> str:
    if not part.key:
        return "The same figures are computed another way"
    return f"{label_of(part.key)}: {_value(part.key, was)} to {_value(part.key, now)}"


def _value(key: str, reading: Reading) -> str:
    return "no value" if reading.value is None else value_words(key, reading.value)


def _source(part: Part) -> str:
    found = SOURCES.get(source_of(part.key))
    return found.label if found else "Scores"


def _entry(snapshot: HealthSnapshot, place: int, text: str, detail: str, hundredths: int | None) -> Entry:
    points = None if hundredths is None else Decimal(hundredths).scaleb(-2)
    at, number = _at(snapshot.as_of), snapshot.as_of.toordinal() * MOST_OF_A_DAY + MOST_OF_A_DAY - 1 - place
    return Entry(KIND, number, "", at, text, detail, has_body=False, points=points)


def _cursor(day: date) -> str:
    """The place before the first line of a day."""
    return f"{_at(day).isoformat()}~{KIND}~{(day.toordinal() + 1) * MOST_OF_A_DAY}"


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


GROUP = Group(LABEL, KIND, "flag", entries)
