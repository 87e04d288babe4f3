"""Looks for features that know the outcome, before a version is accepted: which findings refuse it, which only warn.

A feature that tells nearly everything alone, that changes when what came later is hidden, an account twice on a day, or
in both training and test of a fit, refuses. That a feature loses much when it is read one horizon earlier is a warning:
notice, arrears and silence do so honestly. It refuses only where the feature alone also tells suspiciously much.

What a contract says of its own end is known in advance however well it tells who leaves: where customers must give
notice, notice tells nearly everything. That it does is said and never refuses; that it knew the future still does.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from scoring.engine.churn.data import Bools, Floats, Stack, blank, spread_key, take
from scoring.engine.validation.leaks import leaks, read_later, row
from scoring.learning import as_cut, labels
from scoring.learning.landmarks import Plan
from scoring.learning.rolling import HORIZON, MANY_ROWS, Forecasts
from tenants.models import Tenant

REFUSING = ("alone", "duplicates", "apart", "read_later", "read_whom")
BY_STRENGTH = ("alone", "shift_one")  # how much a feature tells, which is no proof of knowing the future
SUSPICIOUS = 0.9  # AUC of one feature alone from which a large fall is no honest news any more
MOST_ROWS, SEED = 60_000, 1  # that show what a feature tells; what is there twice is looked for in all
# what a contract says of its own end is known in advance, and so is the length of a relation
HONEST = ("business.notice_given", "business.days_to_renewal", "account.tenure_days")


def seen(stack: Stack, forecasts: Forecasts) -> list[dict[str, Any]]:
    """The checks that landmarks alone allow, tripped or not. Asks no database, so it may stand beside other maths."""
    some = _some_accounts(stack)
    tenure = some.x[:, some.names.index("account.tenure_days")]
    train, test = _worst_split(stack, forecasts)
    return leaks(stack, some=some, tenure=tenure, exempt=HONEST, train=train, test=test)


def _some_accounts(stack: Stack) -> Stack:
    """About MOST_ROWS rows, every one of an account, the same accounts every time."""
    share = MOST_ROWS / max(len(stack), 1)
    if share >= 1:
        return stack
    return take(stack, spread_key(stack.account, np.zeros_like(stack.day), SEED) < share)


def found(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The checks that tripped, {key, feature, value, limit, words, refuses}, of what `seen` and `read_again` gave."""
    alone = {row["feature"]: row["value"] or 0.0 for row in rows if row["key"] == "alone"}
    tripped = [row for row in rows if row["tripped"]]
    return [
        {
            **{name: row[name] for name in ("key", "feature", "value", "limit", "words")},
            "refuses": _refuses(row, alone.get(row["feature"], 0.0)),
        }
        for row in tripped
    ]


def _refuses(row: dict[str, Any], alone: float) -> bool:
    if row["key"] in BY_STRENGTH and row["feature"] in HONEST:
        return False
    return row["key"] in REFUSING or (row["key"] == "shift_one" and alone >= SUSPICIOUS)


def _worst_split(stack: Stack, forecasts: Forecasts) -> tuple[Bools | None, Bools | None]:
    """(learnt from, judged) of the fit that shares most accounts; nothing where nothing was fitted."""
    place = np.unique(stack.account, return_inverse=True)[1]
    worst: tuple[int, Bools | None, Bools | None] = (-1, None, None)
    for learnt, judged in forecasts.splits:
        seen = np.bincount(place[learnt], minlength=len(stack)) > 0
        shared = int(np.unique(place[judged & seen[place]]).size)
        if shared > worst[0]:
            worst = (shared, learnt, judged)
    return worst[1:]


def days_to_read(chosen: Plan, stack: Stack) -> list[date]:
    """Days whose window has closed, so that much came later: the oldest and the newest, of many rows one in between."""
    closed = [day for day in chosen.days if (chosen.until - day).days >= HORIZON]
    if not closed:
        return []
    return [closed[len(closed) // 2]] if len(stack) > MANY_ROWS else sorted({closed[0], closed[-1]})


def read_again(
    tenant: Tenant,
    stack: Stack,
    days: Sequence[date],
    *,
    windows: dict[str, int] | None = None,
    off: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The stack's rows of those days beside a reading from which everything later is hidden, over the same windows and
    without the features that are switched off."""
    rows, later, whom = [], [], 0
    for day in days:
        again = as_cut.read(tenant, day=day, windows=windows)
        if again is None:
            continue  # landmarks of no stored evidence, as in a study: nothing to compare with
        mine = np.flatnonzero(stack.day == labels.day_number(day))
        both, here, there = np.intersect1d(stack.account[mine], again.account, return_indices=True)
        whom += mine.size + again.account.size - 2 * both.size
        rows.append(mine[here])
        later.append(blank(again, off).x[there])
    if not rows:
        return []
    compared = take(stack, np.concatenate(rows))
    return [_whom(whom, len(compared), days), *_changed(compared, np.concatenate(later), days)]


def _changed(compared: Stack, again: Floats, days: Sequence[date]) -> list[dict[str, Any]]:
    """`read_later` of the engine, in words that say what was compared."""
    made = read_later(compared, again)
    for each in made:
        each["words"] = (
            f"{each['feature']}: {each['value']:.0f} of {len(compared):,} values differ when {_said(days)} is read "
            "again with everything hidden that came later. It knew the future, was worked out over other days, or the "
            "evidence changed while past days were read."
        )
    return made


def _whom(value: int, n: int, days: Sequence[date]) -> dict[str, Any]:
    words = (
        f"{value} customers (of {n:,}) stand in only one of two readings of {_said(days)}, one of them with everything "
        "hidden that came later: who is learnt from may not hang on the future."
    )
    return row("read_whom", "", value, 0, words, tripped=value > 0)


def _said(days: Sequence[date]) -> str:
    return " and ".join(str(day) for day in days)
