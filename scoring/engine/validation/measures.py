"""How good chances were: discrimination, calibration and what flags found, each with an account-bootstrap interval.

Sources: AUC as the Mann-Whitney statistic with ties at half (Hanley and McNeil 1982), its average-precision companion
as in scikit-learn, Brier 1950 and its skill score, calibration slope and intercept as in Van Calster et al. 2019 (slope
from logistic regression on the logit, intercept with the slope held at one), ECE as in Naeini et al. 2015 with bins of
equal count. Capacity and the top decile are counted day by day: a team works on the top of one scoring at a time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .intervals import LEVEL, Draws, draw, figure, quotient, rate_figure
from .ranks import auc, average_precision, intercept, precise, rough, slope, top_share
from .rows import HORIZONS, Bools, Floats, Ints, Rows, outcome

ECE_BINS = 10
LEAST_EVENTS = 20  # of a segment, below which its figures are hidden
TINY = 1e-12
SUMS = (
    "rows", "events", "squares", "base_squares", "losses", "expected", "flagged", "caught", "top", "top_caught",
    "decile", "decile_caught", "arr_lost", "arr_caught",
)  # fmt: skip


def measure(
    stack: Rows,
    p: Floats,
    *,
    threshold: float | Sequence[float],
    capacity: int,
    draws: int = 500,
    seed: int = 0,
    base: float | Sequence[float] | Floats | None = None,
    horizons: Sequence[int] = HORIZONS,
    least_events: int = LEAST_EVENTS,
) -> dict[str, Any]:
    """Every figure per horizon, overall and by segment, as JSON.

    `p` is n x horizons; `threshold` one for all horizons or one each; `capacity` accounts a day; `base` the base rate
    of training that skill is measured against: one, one a horizon, or n x horizons (None: the rate of these rows,
    which flatters the base rate; `base_from` says which). Precision rests on n flagged rows with `events` leavers
    among them, recall on n leavers with `events` found (`recall_of_arr` counts their money); elsewhere n is rows
    and events leavers.
    """
    cuts = np.broadcast_to(np.asarray(threshold, dtype=np.float64), len(horizons))
    resampled = draw(stack.account, draws=draws, seed=seed)
    found = {}
    for at, horizon in enumerate(horizons):
        known, left = outcome(stack, horizon)
        bases = _base(base, at, len(p))
        one = _Horizon(stack, p[:, at], left, bases, float(cuts[at]), capacity)
        found[str(horizon)] = {
            "threshold": float(cuts[at]),
            "censored": int((~known).sum()),
            "base_from": "training" if base is not None else "these rows",
            "all": one.figures(known, resampled),
            "segments": _segments(one, known, resampled, least_events),
        }
    return {
        "level": LEVEL, "draws": draws, "seed": seed, "capacity": capacity, "ece_bins": ECE_BINS,
        "least_events": least_events, "horizons": found,
    }  # fmt: skip


def _base(base: float | Sequence[float] | Floats | None, at: int, n: int) -> Floats | None:
    if base is None:
        return None
    given = np.asarray(base, dtype=np.float64)
    column = given if given.ndim == 0 else given[..., at]
    return np.broadcast_to(column, n)


def _segments(one: "_Horizon", known: Bools, draws: Draws, least: int) -> dict[str, Any]:
    """Figures of each segment; of one with too few leavers only its counts."""
    made: dict[str, Any] = {}
    for at, name in enumerate(one.stack.segments):
        rows = known & (one.stack.segment == at)
        n, events = int(rows.sum()), int(one.left[rows].sum())
        if events < least or n - events < least:
            made[name] = {"hidden": True, "n": n, "events": events}
        else:
            made[name] = one.figures(rows, draws)
    return made


class _Horizon:
    """One horizon of one measure: what does not depend on the segment."""

    def __init__(
        self, stack: Rows, p: Floats, left: Bools, base: Floats | None, threshold: float, capacity: int
    ) -> None:
        self.stack, self.left, self.base = stack, left, base
        self.p = np.clip(p, TINY, 1 - TINY)
        self.flagged = (p >= threshold).astype(np.float64)
        self.capacity = capacity

    def figures(self, rows: Bools, draws: Draws) -> dict[str, Any]:
        """All figures of some rows (mask n)."""
        y, p, drawn = self.left[rows].astype(np.float64), self.p[rows], draws.of(rows)
        if not y.size:
            return {"n": 0, "events": 0, "accounts": 0}
        columns = self._columns(rows, y, p)
        sums = drawn.sums(np.column_stack([*columns.values(), gaps(y, p)]))
        by_name = {name: sums[:, at] for at, name in enumerate(SUMS)}
        accounts = _distinct(self.stack.account[rows], columns)
        made = {"n": int(y.size), "events": int(y.sum()), "accounts": accounts["rows"]}
        return made | _ranked(y, p, drawn) | _summed(by_name, sums[:, len(SUMS) :], accounts)

    def _columns(self, rows: Bools, y: Floats, p: Floats) -> dict[str, Floats]:
        """What adds up over rows, in the order of SUMS."""
        day = self.stack.day[rows]
        base = np.full(y.size, y.mean()) if self.base is None else self.base[rows]
        arr = np.nan_to_num(self.stack.arr[rows], nan=0.0)
        flagged = self.flagged[rows]
        top = top_share(p, day, count=self.capacity)
        decile = top_share(p, day, share=0.1)
        losses = -(y * np.log(p) + (1 - y) * np.log1p(-p))
        made = (
            np.ones(y.size), y, (p - y) ** 2, (base - y) ** 2, losses, p, flagged, flagged * y, top, top * y,
            decile, decile * y, arr * y, arr * y * flagged,
        )  # fmt: skip
        return dict(zip(SUMS, made, strict=True))


def _distinct(account: Ints, columns: Mapping[str, Floats]) -> dict[str, int]:
    """How many accounts stand behind the rows of a column."""
    return {
        name: int(np.unique(account[columns[name] > 0]).size)
        for name in ("rows", "events", "flagged", "top", "arr_lost")
    }


def gaps(y: Floats, p: Floats) -> Floats:
    """y - p in the column of the row's bin of equal count: n x ECE_BINS."""
    _, group, count = np.unique(p, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count + 1) / 2  # mean rank: rows of equal p stay together
    place = (middle[group] * ECE_BINS / y.size).astype(np.int64)
    made = np.zeros((y.size, ECE_BINS))
    made[np.arange(y.size), place] = y - p
    return made


def _ranked(y: Floats, p: Floats, drawn: Draws) -> dict[str, Any]:
    """Figures of the order and of the logits. The value is exact; the draws see p in some 400 steps."""
    exact, steps = precise(y, p), rough(y, p, drawn)
    made = {}
    for name, of in (
        ("auc", auc), ("ap", average_precision), ("slope", slope), ("intercept", intercept)
    ):  # fmt: skip
        values = np.concatenate([of(exact)[:1], of(steps)[1:]])
        made[name] = figure(values, n=y.size, events=y.sum())
    return made


def _summed(sums: Mapping[str, Floats], gaps: Floats, accounts: Mapping[str, int]) -> dict[str, Any]:
    """Figures that are ratios of sums."""
    n, events = sums["rows"], sums["events"]
    whole = {"n": n[0], "events": events[0]}
    rate = quotient(events, n)
    brier, reference = quotient(sums["squares"], n), quotient(sums["base_squares"], n)
    return {
        "rate": figure(rate, **whole),
        "base_brier": figure(reference, **whole),
        "brier": figure(brier, **whole),
        "brier_skill": figure(1 - quotient(brier, reference), **whole),
        "log_loss": figure(quotient(sums["losses"], n), **whole),
        "ece": figure(quotient(np.abs(gaps).sum(axis=1), n), **whole, centred=True) | {"bins": ECE_BINS},
        "observed_expected": figure(quotient(events, sums["expected"]), **whole),
        "precision": _rate(sums["caught"], sums["flagged"], accounts["flagged"]),
        "recall": _rate(sums["caught"], events, accounts["events"]),
        "precision_at_capacity": _rate(sums["top_caught"], sums["top"], accounts["top"]),
        "recall_at_capacity": _rate(sums["top_caught"], events, accounts["events"]),
        "recall_of_arr": _rate(sums["arr_caught"], sums["arr_lost"], accounts["arr_lost"]),
        "top_decile_lift": figure(quotient(quotient(sums["decile_caught"], sums["decile"]), rate), **whole),
    }


def _rate(hits: Floats, of: Floats, accounts: int) -> dict[str, Any]:
    return rate_figure(quotient(hits, of), hits=hits[0], n=of[0], accounts=accounts)
