"""Many as-of days of one tenant, with what became of each account: what models are learnt from.

Days lie 30 apart and are counted back from the end of what is known, so that windows of 30, 60 and 90 days close
exactly there and the newest closed ones are used. Each day is read through the one code path of scoring.
"""

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from django.conf import settings

from scoring import pipeline
from scoring.engine.churn.data import PER_ROW, Stack, blank
from scoring.learning import labels, spans
from scoring.learning.observations import NAMES, SEGMENTS, joined, observe
from scoring.sentiment.reading import read_new
from scoring.windows import in_force, off_in_force
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Said = Callable[[int, int, str], None]  # progress: how many of how many, and of what

SPACING_DAYS, MOST = spans.SPACING_DAYS, spans.MOST
KEPT_FOR = 2 * 86_400  # seconds that landmarks of a broken-off job are kept


@dataclass(frozen=True)
class Plan:
    """Which days to read, and what is known of what became of them."""

    as_of: date
    until: date  # outcomes are known up to the beginning of this day
    since: date | None  # evidence and outcomes are known from here on; None: there is none
    days: tuple[date, ...]  # ascending
    known: labels.Leavers
    windows: dict[str, int] = field(default_factory=dict)  # of one's own, that every landmark is read over
    off: tuple[str, ...] = ()  # indicators that are switched off: nothing is learnt from them


def plan(tenant: Tenant, *, as_of: date, most: int = MOST) -> Plan:
    """The landmarks of what was known before `as_of`. Needs the tenant's transaction."""
    span = spans.of(tenant, as_of)
    known = labels.leavers(tenant, before=span.until)
    return Plan(as_of, span.until, span.since, span.days(most), known, in_force(tenant), off_in_force(tenant))


def read(tenant: Tenant, *, day: date, windows: dict[str, int] | None = None) -> Stack | None:
    """One landmark, not yet labelled; None where nobody was a customer. Opens its own transactions.

    `windows`: days by indicator key where not declared; None: those in force.
    """
    features, values = pipeline.values_of_day(tenant, as_of=day, windows=windows)
    return observe(features, values) if len(features) else None


def stacked(chosen: Plan, parts: list[Stack]) -> Stack:
    """All landmarks in one, with what became of everybody."""
    return labels.label(blank(joined(parts), chosen.off), known=chosen.known, until=chosen.until)


class OutOfTime(Exception):
    """Not all landmarks could be read in the time given; what was read stands on the shelf."""


def gather(
    tenant: Tenant, *, as_of: date, said: Said, shelf: "Shelf | None" = None, seconds: float = math.inf
) -> tuple[Plan, Stack | None]:
    """Every landmark of what was known before `as_of`; None where there is nothing to learn from.

    With a shelf, landmarks that stand on it are not read again, and new ones are put there; OutOfTime after `seconds`,
    but never before one more was read.
    """
    started = time.monotonic()
    read_new(tenant)  # as scoring does: a base that was never scored would be learnt without its texts
    with tenant_transaction(tenant.pk):
        chosen = plan(tenant, as_of=as_of)
    if shelf is not None:
        shelf.keep_only(chosen.windows)
    parts, fresh = [], 0
    for at, day in enumerate(chosen.days):
        if shelf is None or day not in shelf:
            if fresh and time.monotonic() - started > seconds:
                raise OutOfTime(f"{at} of {len(chosen.days)} past days are read.")
            said(at, len(chosen.days), "Reading past days")
            part, fresh = read(tenant, day=day, windows=chosen.windows), fresh + 1
            if shelf is not None and part is not None:
                shelf.put(day, part)
        else:
            part = shelf.take(day)
        if part is not None:
            parts.append(part)
    return chosen, stacked(chosen, parts) if parts else None


class Shelf:
    """Landmarks read so far, as files: a job that broke off, or used up its time, goes on where it was.

    What became of the accounts is not kept but looked up again (`stacked`).
    """

    def __init__(self, tenant: Tenant, key: str) -> None:
        self.folder = shelves() / f"{tenant.pk}-{key}"

    def __contains__(self, day: date) -> bool:
        return self._path(day).exists()

    def put(self, day: date, stack: Stack) -> None:
        """Whole or not at all: a file half written has another name."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._path(day).with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: getattr(stack, name) for name in PER_ROW})
        part.replace(self._path(day))

    def take(self, day: date) -> Stack:
        with np.load(self._path(day), allow_pickle=False) as kept:
            return Stack(names=NAMES, segments=SEGMENTS, **{name: kept[name] for name in PER_ROW})

    def keep_only(self, windows: dict[str, int]) -> None:
        """Throw away what was read over other windows: a policy was published between two jobs."""
        note, told = self.folder / "windows.json", json.dumps(windows, sort_keys=True)
        if (note.read_text() if note.exists() else "{}") == told:
            return
        self.clear()
        self.folder.mkdir(parents=True, mode=0o700)
        note.write_text(told)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, day: date) -> Path:
        return self.folder / f"{day}.npz"


def shelves() -> Path:
    return Path(settings.HOLDFAST_VAR) / "learning"


def forget_old_shelves(*, now: float | None = None) -> int:
    """Throw away what jobs that never came back have left; how many."""
    old = [each for each in shelves().glob("*") if (now or time.time()) - each.stat().st_mtime > KEPT_FOR]
    for each in old:
        shutil.rmtree(each, ignore_errors=True)
    return len(old)
