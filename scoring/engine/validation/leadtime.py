"""Days of warning: how long before an account left its flag went up and stayed up.

Flags go up and down by the rule of `scoring.flagging`: flagged is at or above the threshold, unflagged below a lower
one; unscored days change nothing. Warning is counted from the scoring at which the flag went up to the notice where
there is one, for the days after it are free. Only a flag that still stands at the end counts: one that was withdrawn
warned nobody. Precision stands beside it, or flagging everybody would win.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.flagging import LOWER, step, went_up

from .intervals import draw, quotient, rate_figure
from .rows import Bools, Floats, Ints


@dataclass(frozen=True)
class Leavers:
    """Accounts that left, one row each (m). Days since 1970-01-01; NaN where there is none."""

    account: Ints
    left: Floats
    notice: Floats
    seen_from: Floats  # first day on which the account could have been scored


@dataclass(frozen=True)
class Flags:
    """Flags over time: accounts x scoring days."""

    accounts: Ints
    days: Ints
    on: Bools
    scored: Bools


def flags(account: Ints, day: Ints, p: Floats, *, on: float, off: float) -> Flags:
    """The state of every account's flag after each scoring day."""
    accounts, row = np.unique(account, return_inverse=True)
    days, column = np.unique(day, return_inverse=True)
    chances = np.full((accounts.size, days.size), np.nan)
    chances[row, column] = p
    state = np.zeros(chances.shape, dtype=np.bool_)
    now = np.zeros(accounts.size, dtype=np.bool_)
    high, low = np.zeros(accounts.size, dtype=np.int64), np.zeros(accounts.size, dtype=np.int64)
    for at in range(days.size):
        each, known = chances[:, at], ~np.isnan(chances[:, at])
        after = step(now, high, low, each >= on, each < off)
        now, high, low = (np.where(known, one, old) for one, old in zip(after, (now, high, low), strict=True))
        state[:, at] = now
    return Flags(accounts, days, state, ~np.isnan(chances))


def lead_time(
    account: Ints,
    day: Ints,
    p: Floats,
    leavers: Leavers,
    *,
    threshold: float,
    off: float | None = None,
    ahead: int = 60,
    horizon: int = 90,
    until: int | None = None,
    draws: int = 500,
    seed: int = 0,
) -> dict[str, Any]:
    """Lead times of past scorings (`account`, `day`, `p`: n each) as JSON.

    `off` is the lower threshold (LOWER of `threshold` when not given), `until` the first day not yet known. The
    denominator are leavers that could be seen `ahead` days or more before their end; never flagged counts as 0 days.
    `precision`: of all flags that went up and whose `horizon` is closed, the share whose account left within it.
    """
    lower = LOWER * threshold if off is None else off
    state = flags(account, day, p, on=threshold, off=lower)
    end = np.where(np.isnan(leavers.notice), leavers.left, np.fmin(leavers.notice, leavers.left))
    counted = end - leavers.seen_from >= ahead
    warned, withdrawn = _warned(state, leavers.account, end)
    lead = warned[counted]
    return {
        "threshold": threshold, "off": lower, "ahead": ahead,
        "left": int(end.size), "denominator": int(counted.sum()), "too_young": int((~counted).sum()),
        "by_notice": int((~np.isnan(leavers.notice[counted])).sum()),
        "never_flagged": int((lead == 0).sum()) - int(withdrawn[counted].sum()),
        "withdrawn": int(withdrawn[counted].sum()),
        "share": share(lead >= ahead, leavers.account[counted], draws=draws, seed=seed),
        "median": _median(lead, draws, seed),
        "precision": _precision(state, leavers.account, end, horizon, until, draws, seed),
    }  # fmt: skip


def _warned(state: Flags, account: Ints, end: Floats) -> tuple[Floats, Bools]:
    """(days of warning, flag withdrawn before the end) of each leaver; zero days without a standing flag."""
    warned, withdrawn = np.zeros(end.size), np.zeros(end.size, dtype=np.bool_)
    place = {int(each): at for at, each in enumerate(state.accounts)}
    for at, each in enumerate(account):
        row = place.get(int(each))
        before = int(np.searchsorted(state.days, end[at]))  # scorings of days before the end
        if row is None or not before:
            continue
        on = state.on[row, :before]
        start = went_up(on.tolist())
        if start is None:
            withdrawn[at] = bool(on.any())
        else:
            warned[at] = end[at] - state.days[start]
    return warned, withdrawn


def share(hits: Bools, account: Ints, *, draws: int, seed: int) -> dict[str, Any]:
    """Share of hits (n) with the interval of drawing whole accounts: flags of one account resemble each other.

    Where all or none are hits, Wilson's on the accounts (see `rate_figure`).
    """
    resampled = draw(account, draws=draws, seed=seed)
    sums = resampled.sums(np.column_stack([hits, np.ones(hits.size)]).astype(np.float64))
    of = resampled.weights.shape[1]
    found = rate_figure(quotient(sums[:, 0], sums[:, 1]), hits=int(hits.sum()), n=hits.size, accounts=of)
    return found | {"n": int(hits.size), "events": int(hits.sum())}


def _median(lead: Floats, draws: int, seed: int) -> dict[str, Any]:
    """Median days with a bootstrap interval; each leaver is an account."""
    if not lead.size:
        return {"value": None, "low": None, "high": None, "n": 0, "events": 0}
    rng = np.random.default_rng(seed)
    drawn = np.median(lead[rng.integers(lead.size, size=(draws, lead.size))], axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    found = {"value": float(np.median(lead)), "low": float(low), "high": float(high)}
    return found | {"n": int(lead.size), "events": int((lead > 0).sum())}


def _precision(
    state: Flags, account: Ints, end: Floats, horizon: int, until: int | None, draws: int, seed: int
) -> dict[str, Any]:
    """Of flags that went up, how many were followed by the account's end within the horizon."""
    ends = np.full(state.accounts.size, np.inf)
    known = np.isin(account, state.accounts)
    ends[np.searchsorted(state.accounts, account[known])] = end[known]
    rises = state.on & ~np.c_[np.zeros(state.accounts.size, dtype=np.bool_), state.on[:, :-1]]
    row, column = np.nonzero(rises)
    start = state.days[column].astype(np.float64)
    last = float(until) if until is not None else float(state.days[-1]) if state.days.size else 0.0
    closed = (start + horizon <= last) & (start < ends[row])
    hits = (ends[row] - start < horizon)[closed]
    return share(hits, state.accounts[row[closed]], draws=draws, seed=seed)
