"""When the next milestone is reached: weekly hazards, chances and dates from them, and what they were worth later.

Source: discrete-time survival with a logistic hazard (Singer and Willett 1993; SCORING.md b). A week's hazard depends
on the kind of milestone, the weeks to or past its due day, and the weeks it has been waited for. All of them are known
ahead, so that a chance needs no future value. Ridge on all but the base, with a strength set beforehand. Leaving
competes at one rate for all. Days are counted as numbers; everything is deterministic by `seed`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engine.validation.intervals import draw, poisson, wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WEEK = 7
AHEAD = 104  # weeks that are looked ahead
LONGEST = 260  # weeks of one wait that are learnt from
DUE_EDGES = (-26, -12, -6, -2, 0, 2, 6, 12, 26)  # weeks past the due day; below zero: before it
WAIT_EDGES = (2, 4, 8, 13, 26, 52)  # weeks waited
NO_DUE = len(DUE_EDGES) + 1
DUES, WAITS = NO_DUE + 1, len(WAIT_EDGES) + 1
RIDGE = 1.0  # on the log-odds: a priori each part is a draw with SD 1
HORIZONS = (30, 60, 90)
LEVELS = (0.1, 0.5, 0.9)  # of the dates: an 80 % interval and its middle
DRAWS = 200
BINS = 5
LEAST_EXPECTED = 5.0  # events a bin, or it is not shown


@dataclass(frozen=True)
class Waits:
    """n waits for a milestone; days as numbers, `due` NaN without one."""

    account: Ints
    kind: Ints  # 0 to kinds - 1
    began: Floats
    due: Floats
    reached: Floats  # inf: not reached
    left: Floats  # the day on which the account left, inf: it has not

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True)
class Fitted:
    """Log-odds of a week's hazard: base + kind + due + wait; `leave` is the hazard of leaving in a week."""

    base: float
    kind: Floats
    due: Floats
    wait: Floats
    covariance: Floats  # of (base, kind, due, wait)
    leave: float
    events: int
    weeks: int

    @property
    def coefs(self) -> Floats:
        return np.concatenate([[self.base], self.kind, self.due, self.wait])


def fit(waits: Waits, *, kinds: int, until: float) -> Fitted:
    """From full weeks that were over by `until`; nothing later is read."""
    shape = (kinds, DUES, WAITS)
    exposed, hit, leaves = _weeks(waits, shape, until)
    cells = np.nonzero(exposed)[0]
    design = _design(cells, shape)
    coefs, covariance = _ridge(design, exposed[cells], hit[cells])
    kind, due, wait = np.split(coefs[1:], np.cumsum([kinds, DUES]))
    return Fitted(
        base=float(coefs[0]), kind=kind, due=due, wait=wait, covariance=covariance,
        leave=float(leaves / max(exposed.sum(), 1)), events=int(hit.sum()), weeks=int(exposed.sum()),
    )  # fmt: skip


def _weeks(waits: Waits, shape: tuple[int, int, int], until: float) -> tuple[Floats, Floats, float]:
    """Weeks and events by (kind, due, wait), flat, and how many left; a week that is not over does not count."""
    stop = np.minimum(waits.reached, np.minimum(waits.left, until))
    full = np.floor((until - waits.began) / WEEK)
    length = np.minimum(np.floor((stop - waits.began) / WEEK) + (stop < until), full)
    length = np.clip(length, 0, LONGEST).astype(np.int64)
    rows = np.repeat(np.arange(len(waits)), length)
    week = np.arange(len(rows)) - np.repeat(np.cumsum(length) - length, length)
    from_day = waits.began[rows] + WEEK * week
    cell = _cell(waits.kind[rows], (from_day - waits.due[rows]) / WEEK, week, shape)
    happened = waits.reached[rows] < from_day + WEEK
    leaves = (waits.left[rows] < from_day + WEEK) & ~happened
    size = int(np.prod(shape))
    exposed = np.bincount(cell, minlength=size).astype(np.float64)
    hit = np.bincount(cell, happened.astype(np.float64), minlength=size)
    return exposed, np.asarray(hit, dtype=np.float64), float(leaves.sum())


def _cell(kind: Ints, past_due: Floats, waited: Any, shape: tuple[int, int, int]) -> Ints:
    due = np.where(np.isnan(past_due), NO_DUE, np.searchsorted(DUE_EDGES, past_due, side="right"))
    wait = np.searchsorted(WAIT_EDGES, waited, side="right")
    return np.asarray(np.ravel_multi_index((kind, due, wait), shape), dtype=np.int64)


def _design(cells: Ints, shape: tuple[int, int, int]) -> Floats:
    parts = np.unravel_index(cells, shape)
    columns = [np.eye(size)[part] for part, size in zip(parts, shape, strict=True)]
    return np.column_stack([np.ones(len(cells)), *columns])


def _ridge(x: Floats, n: Floats, hits: Floats) -> tuple[Floats, Floats]:
    """Newton's method for the penalised binomial likelihood; (coefficients, inverse of the curvature)."""
    penalty = np.full(x.shape[1], RIDGE)
    penalty[0] = 1e-6  # the base is free
    coefs = np.zeros(x.shape[1])
    coefs[0] = np.log((hits.sum() + 0.5) / (n.sum() - hits.sum() + 0.5))
    curvature = np.diag(penalty)
    for _ in range(50):
        p = _share(x @ coefs)
        gradient = x.T @ (hits - n * p) - penalty * coefs
        curvature = (x * (n * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        coefs = coefs + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return coefs, np.linalg.inv(curvature)


def _share(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


@dataclass(frozen=True)
class Foretold:
    """Of n open milestones: chances (n x 3) with the 80 % interval of the last, and days (n x 3), NaN: not foreseen."""

    p: Floats
    low: Floats
    high: Floats
    days: Floats  # early, middle, late


def foretell(fitted: Fitted, waits: Waits, *, day: float, seed: int = 7) -> Foretold:
    """For waits that are open on that day, of accounts that are there."""
    cells = _ahead(fitted, waits, day)
    reach = _reach(fitted.coefs[None], fitted, cells)[0]
    edges = np.arange(AHEAD + 1) * WEEK
    p = np.array([[np.interp(h, edges, row) for h in HORIZONS] for row in reach]).reshape(-1, len(HORIZONS))
    low, high = _interval(fitted, cells, seed)
    days = np.array([[_when(row, edges, level) for level in LEVELS] for row in reach]).reshape(
        -1, len(LEVELS)
    )
    return Foretold(p, np.minimum(low, p[:, 2]), np.maximum(high, p[:, 2]), days)


def _ahead(fitted: Fitted, waits: Waits, day: float) -> tuple[Ints, Ints, Ints]:
    """Places of (kind, due, wait) of each of the weeks ahead: n x weeks each."""
    weeks = np.arange(AHEAD)
    waited = np.floor((day - waits.began) / WEEK)[:, None] + weeks
    past_due = ((day - waits.due) / WEEK)[:, None] + weeks
    due = np.where(np.isnan(past_due), NO_DUE, np.searchsorted(DUE_EDGES, past_due, side="right"))
    kind = np.broadcast_to(waits.kind[:, None], due.shape)
    return kind, due, np.searchsorted(WAIT_EDGES, waited, side="right")


def _reach(coefs: Floats, fitted: Fitted, cells: tuple[Ints, Ints, Ints]) -> Floats:
    """Chance to have reached it by the end of each week, of each draw of the coefficients: draws x n x (1 + weeks)."""
    kinds = len(fitted.kind)
    kind, due, wait = cells
    logit = (
        coefs[:, :1, None]
        + coefs[:, 1 + kind]
        + coefs[:, 1 + kinds + due]
        + coefs[:, 1 + kinds + DUES + wait]
    )
    hazard = _share(logit)
    stays = np.cumprod((1 - hazard) * (1 - fitted.leave), axis=-1)
    before = np.concatenate([np.ones((*stays.shape[:-1], 1)), stays[..., :-1]], axis=-1)
    return np.concatenate([np.zeros((*stays.shape[:-1], 1)), np.cumsum(before * hazard, axis=-1)], axis=-1)


def _interval(fitted: Fitted, cells: tuple[Ints, Ints, Ints], seed: int) -> tuple[Floats, Floats]:
    """The 80 % interval of the last chance, by draws of the coefficients."""
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(fitted.coefs, fitted.covariance, size=DRAWS, method="cholesky")
    needed = HORIZONS[-1] // WEEK + 1
    edges = np.arange(needed + 1) * WEEK
    low, high = np.empty(len(cells[0])), np.empty(len(cells[0]))
    for first in range(0, len(low), 200):
        rows = slice(first, first + 200)
        reach = _reach(drawn, fitted, tuple(each[rows, :needed] for each in cells))  # type: ignore[arg-type]
        at = (HORIZONS[-1] - edges[-2]) / WEEK
        p = reach[..., -2] + at * (reach[..., -1] - reach[..., -2])
        low[rows], high[rows] = np.quantile(p, (LEVELS[0], LEVELS[-1]), axis=0)
    return low, high


def _when(reach: Floats, edges: Ints, level: float) -> float:
    """Days until so large a share has reached it; NaN where it does not within the weeks ahead."""
    return float(np.interp(level, reach, edges)) if reach[-1] >= level else float("nan")


# --- what they were worth --------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """What was foretold on earlier days and what came: n rows, days counted from each one's own day."""

    account: Ints
    p: Floats  # n x 3
    base: Floats  # n x 3: the share that had reached theirs, known on that day
    days: Floats  # n x 3
    reached_in: Floats  # inf: not seen
    seen_for: Floats


def judge(rows: Judged, *, seed: int = 7) -> dict[str, Any]:
    """JSON: by horizon n, events, expected, skill against the base with its 95 % interval, bins; coverage of dates."""
    return {
        "n": len(rows.account),
        "accounts": len(np.unique(rows.account)),
        "horizons": {str(h): _horizon(rows, at, h, seed) for at, h in enumerate(HORIZONS)},
        "dates": _dates(rows),
    }


def _horizon(rows: Judged, at: int, horizon: int, seed: int) -> dict[str, Any]:
    p, base = rows.p[:, at], rows.base[:, at]
    y = (rows.reached_in < horizon).astype(np.float64)
    events, expected = int(y.sum()), float(p.sum())
    sums = draw(rows.account, draws=DRAWS, seed=seed).sums(np.column_stack([(y - p) ** 2, (y - base) ** 2]))
    with np.errstate(divide="ignore", invalid="ignore"):
        skill = 1 - sums[:, 0] / sums[:, 1]
    known = skill[1:][np.isfinite(skill[1:])]
    bins, ece = _bins(p, y)
    low, high = poisson(events)
    return {
        "events": events, "expected": expected, "brier": float(((y - p) ** 2).mean()) if len(y) else None,
        "skill": float(skill[0]) if len(y) and np.isfinite(skill[0]) else None,
        "skill_low": float(np.quantile(known, 0.025)) if len(known) else None,
        "skill_high": float(np.quantile(known, 0.975)) if len(known) else None,
        "ratio": events / expected if expected else None, "ratio_low": low / expected if expected else None,
        "ratio_high": high / expected if expected else None, "ece": ece, "bins": bins,
    }  # fmt: skip


def _bins(p: Floats, y: Floats) -> tuple[list[dict[str, Any]], float | None]:
    """Fifths by chance with what came, those with fewer than 5 expected events left out; and the mean gap of all."""
    if not len(p):
        return [], None
    found, gap = [], 0.0
    for rows in np.array_split(np.argsort(p, kind="stable"), min(BINS, len(p))):
        n, expected, events = len(rows), float(p[rows].sum()), int(y[rows].sum())
        gap += abs(expected - events)
        if expected >= LEAST_EXPECTED:
            low, high = wilson(events, n)
            found.append(
                {"n": n, "mean": expected / n, "events": events, "rate": events / n, "low": low, "high": high}
            )
    return found, gap / len(p)


def _dates(rows: Judged) -> dict[str, Any]:
    """How often the day lay in its 80 % interval, of those whose interval is over: chosen by the forecast alone."""
    over = rows.days[:, 2] <= rows.seen_for
    inside = over & (rows.reached_in >= rows.days[:, 0]) & (rows.reached_in <= rows.days[:, 2])
    n, hits = int(over.sum()), int(inside.sum())
    low, high = wilson(hits, n)
    late = rows.reached_in[over] - rows.days[over, 1]
    late = late[np.isfinite(late)]
    return {
        "n": n, "inside": hits, "coverage": hits / n if n else None, "low": low, "high": high,
        "not_over": len(over) - n, "median_late": float(np.median(late)) if len(late) else None,
    }  # fmt: skip
