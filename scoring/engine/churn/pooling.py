"""What several workspaces say together of leaving, without any customer's row: a two-stage meta-analysis.

Each workspace fits the same small model to its own landmarks: the contract's timing and one slope a feature, the
feature as its rank among the workspace's own rows (so no level, unit or amount leaves it). Only coefficients and the
slopes' covariance are handed on. Their weighted mean is what a small workspace starts from; how far workspaces lie
apart is its uncertainty (random effects: DerSimonian and Laird 1986; prediction for one more study: Higgins, Thompson
and Spiegelhalter 2009, with Student's t for the few workspaces). ADR 0020.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import timing as contract
from .chances import Z80, hazards
from .data import PERIODS, Floats, Stack, columns, leavers, outcomes, thinned
from .fit import Options as FitOptions
from .fit import auto_name, covariance, timing_cost, timing_only, with_offsets
from .model import Calibration, Curve, Fitted, Timing
from .solve import Problem, logits, polish

FORMAT = 1
# chosen by their meaning before any pool was seen: what most workspaces track, some of every dimension
FEATURES = (
    "usage.trend_30d", "usage.active_users_per_seat", "usage.days_since_last", "usage.breadth",
    "engagement.last_two_way_contact", "engagement.meetings_90d",
    "satisfaction.nps_latest", "satisfaction.csat_90d", "satisfaction.ticket_spike", "satisfaction.open_escalations",
    "business.overdue_days", "business.late_payments", "business.notice_given",
    "stakeholders.champion_present", "stakeholders.active_contacts",
    "outcomes.objectives_overdue", "outcomes.value_realised",
    "account.tenure_days",
)  # fmt: skip
LEAST_WORKSPACES = 3
LEAST_LEAVERS, LEAST_ACCOUNTS = 50, 200  # of a workspace that is to speak for others
LEAST_KNOWN = 0.3  # share of rows with a value, for a feature to count as tracked
KNOTS = 11
RIDGE = 0.5  # a slope's prior: standard deviation 1.4 on the log-odds from the lowest rank to the highest
LEAST_LEVEL_SD = (
    0.25  # workspaces differ at least so much in level (the start value for a shock common to all)
)
HELPED = 4 / 5  # share of the workspaces that the others' slopes must serve better than none: of four, all
ROUND = 4  # significant digits that leave a workspace
MOST_QUIET = 50_000
COUNT = len(PERIODS)


@dataclass(frozen=True)
class Contribution:
    """One workspace's coefficients. Nothing in it belongs to a single account."""

    slopes: Floats  # one a feature of FEATURES, 0 where it is not tracked
    covariance: Floats  # of the slopes
    tracked: Floats  # 1 or 0 a feature
    timing: Floats  # of contract.COLUMNS
    leavers: int
    accounts: int


@dataclass(frozen=True)
class Pool:
    """What the workspaces say together. `directions` (slopes, timing's shape, term columns x directions) and
    `level_sd` are standard deviations for one more workspace."""

    workspaces: int
    leavers: int
    accounts: int
    used: Floats  # 1 or 0 a feature: tracked by at least LEAST_WORKSPACES
    slopes: Floats
    shape: Floats  # periods, around the level
    term: Floats
    level: float
    level_sd: float
    directions: Floats
    helped: int  # workspaces that the slopes of the others describe better than none
    gain: float  # mean of what they gain, in log likelihood


class TooSmall(ValueError):
    """Too few leavers, accounts or workspaces; the text says which."""


def short(values: Floats) -> Floats:
    """ROUND significant digits."""
    flat = [float(f"{value:.{ROUND}g}") for value in np.ravel(values)]
    return np.array(flat, dtype=np.float64).reshape(np.shape(values))


def rank_curve(values: Floats) -> tuple[Floats, Floats]:
    """Up to KNOTS values that occur, and for each its middle rank among the known ones, from -.5 to .5."""
    known = np.sort(values[~np.isnan(values)])
    if not known.size:
        return np.zeros(0), np.zeros(0)
    xs = np.unique(np.quantile(known, np.linspace(0, 1, KNOTS), method="inverted_cdf"))
    return xs, _middle_ranks(xs, known)


def _middle_ranks(values: Floats, known: Floats) -> Floats:
    """Where values stand among the known ones, from -.5 to .5; equal ones in the middle of their places."""
    order = np.sort(known)
    below, upto = (np.searchsorted(order, values, side=side) for side in ("left", "right"))
    return np.asarray((below + upto) / (2.0 * order.size) - 0.5)


def _ranks(rows: Stack) -> tuple[Floats, Floats]:
    """(n x features: ranks, 0 where there is no value; which features are tracked)."""
    x = columns(rows, FEATURES)
    found, tracked = np.zeros_like(x), np.zeros(len(FEATURES))
    for at in range(len(FEATURES)):
        values = x[:, at].astype(np.float64)
        known = ~np.isnan(values)
        if known.mean() < LEAST_KNOWN or np.ptp(values[known]) == 0:
            continue
        tracked[at] = 1.0
        found[known, at] = _middle_ranks(values[known], values[known])
    return found, tracked


def contribution(stack: Stack) -> Contribution:
    """What this workspace may hand on. TooSmall below LEAST_LEAVERS or LEAST_ACCOUNTS."""
    left, accounts = leavers(stack), len(np.unique(stack.account))
    if left < LEAST_LEAVERS or accounts < LEAST_ACCOUNTS:
        raise TooSmall(
            f"{left} leavers among {accounts:,} accounts; at least {LEAST_LEAVERS} among {LEAST_ACCOUNTS} are needed"
        )
    rows = thinned(stack, MOST_QUIET, seed=1)
    basis, tracked = _ranks(rows)
    wanted = np.flatnonzero(tracked)
    problem = _problem(rows, basis[:, wanted])
    width = len(contract.COLUMNS)
    penalty = np.zeros((problem.size, problem.size))
    penalty[:width, :width] = timing_cost(few=True)
    penalty[width:, width:] = RIDGE * np.eye(len(wanted))
    start = np.concatenate([timing_only(problem, few=True)[0], np.zeros(len(wanted))])
    beta, hessian = polish(problem, penalty, start, steps=25)
    spread = covariance(problem, logits(problem, beta), hessian, penalty)
    slopes, whole = np.zeros(len(FEATURES)), np.zeros((len(FEATURES), len(FEATURES)))
    slopes[wanted] = beta[width:]
    whole[np.ix_(wanted, wanted)] = spread[width:, width:]
    return Contribution(short(slopes), short(whole), tracked, short(beta[:width]), left, accounts)


def _problem(rows: Stack, basis: Floats) -> Problem:
    auto = auto_name(rows, FitOptions())
    known = rows.x[:, rows.names.index(auto)] if auto else np.full(len(rows), np.nan)
    found = outcomes(rows)
    return Problem(
        design=contract.design(rows.renewal_in, rows.term_days, known).astype(np.float32),
        basis=basis.astype(np.float32),
        early=np.zeros(0, dtype=np.int64),
        counts=found.counts,
        leaves=found.leaves,
        weight=rows.weights,
        account=rows.account,
        day=rows.day,
    )


def shares(counts: Sequence[int]) -> Floats:
    """Weights by leavers that add up to 1; nobody has more than all others together."""
    weights = np.array(counts, dtype=np.float64)
    if len(weights) > 1:
        largest = int(np.argmax(weights))
        weights[largest] = min(weights[largest], weights.sum() - weights[largest])
    return np.asarray(weights / weights.sum())


def pool(parts: Sequence[Contribution]) -> Pool:
    """The weighted mean of workspaces, and how far one more may lie from it. TooSmall below LEAST_WORKSPACES."""
    if len(parts) < LEAST_WORKSPACES:
        raise TooSmall(f"{len(parts)} workspaces; at least {LEAST_WORKSPACES} are needed")
    slopes, tracked = np.array([each.slopes for each in parts]), np.array([each.tracked for each in parts])
    timing = np.array([each.timing for each in parts])
    counts = [each.leavers for each in parts]
    level = timing[:, :COUNT].mean(axis=1)
    rest = np.hstack([timing[:, :COUNT] - level[:, None], timing[:, COUNT:]])
    used = (tracked.sum(axis=0) >= LEAST_WORKSPACES).astype(np.float64)
    means, moves = [], []
    for values, known in (
        *((slopes[:, [at]], tracked[:, at] * used[at] > 0) for at in range(len(FEATURES))),
        (rest, np.ones(len(parts), dtype=bool)),
    ):
        mean, move = _together(values, known, counts)
        means.append(mean)
        moves.append(move)
    mean_level, move_level = _together(level[:, None], np.ones(len(parts), dtype=bool), counts)
    middle = np.concatenate(means)
    helped, gain = _judged(parts, used)
    wide = _wide(len(parts))
    place = len(FEATURES)
    return Pool(
        workspaces=len(parts),
        leavers=sum(counts),
        accounts=sum(each.accounts for each in parts),
        used=used,
        slopes=middle[:place],
        shape=middle[place : place + COUNT],
        term=middle[place + COUNT :],
        level=float(mean_level[0]),
        level_sd=max(float(np.sqrt((move_level**2).sum())), LEAST_LEVEL_SD) * wide,
        directions=_turned(np.vstack(moves)) * wide,
        helped=helped,
        gain=gain,
    )


def _together(values: Floats, known: Any, counts: Sequence[int]) -> tuple[Floats, Floats]:
    """(mean, columns x workspaces: square root of the covariance of one more workspace) of those that are known."""
    mean, move = np.zeros(values.shape[1]), np.zeros((values.shape[1], len(values)))
    picked = [int(at) for at in np.flatnonzero(known)]
    if len(picked) < 2:
        return mean, move
    weight = shares([counts[at] for at in picked])
    mean = weight @ values[picked]
    square = float((weight**2).sum())
    factor = np.sqrt(weight * (1 + square) / (1 - square))
    move[:, picked] = ((values[picked] - mean) * factor[:, None]).T
    return mean, move


def _wide(workspaces: int) -> float:
    """Student's t in place of the normal quantile: a spread of three workspaces is hardly known."""
    from scipy.stats import t

    return float(t.ppf(0.9, workspaces - 1)) / Z80


def _turned(moves: Floats) -> Floats:
    """The same covariance along its own axes: no column is a workspace any more."""
    left, sizes, _ = np.linalg.svd(moves, full_matrices=False)
    return np.asarray(left * sizes)


def _judged(parts: Sequence[Contribution], used: Floats) -> tuple[int, float]:
    """Leave one workspace out: are its rows better described by the others' slopes than by none?

    From its own coefficients and covariance (a quadratic log likelihood), so that no row is needed.
    """
    gains = []
    for at, part in enumerate(parts):
        others = [each for place, each in enumerate(parts) if place != at]
        both = np.array([each.tracked for each in others]).sum(axis=0) >= 2
        wanted = np.flatnonzero(both & (used > 0) & (part.tracked > 0))
        if not wanted.size:
            gains.append(0.0)
            continue
        mean = np.array([_mean_slope(others, int(place)) for place in wanted])
        block = part.covariance[np.ix_(wanted, wanted)]
        precision = np.linalg.inv(block + 1e-9 * np.trace(block) / len(block) * np.eye(len(block)))
        own, off = part.slopes[wanted], part.slopes[wanted] - mean
        gains.append(float(own @ precision @ own - off @ precision @ off) / 2)
    return sum(each > 0 for each in gains), float(np.mean(gains))


def _mean_slope(parts: Sequence[Contribution], at: int) -> float:
    known = [each for each in parts if each.tracked[at] > 0]
    return float(shares([each.leavers for each in known]) @ np.array([each.slopes[at] for each in known]))


def is_sound(found: Pool) -> bool:
    """Whether workspaces say enough alike for one more to be told by them."""
    return found.helped >= HELPED * found.workspaces and found.gain > 0


@dataclass(frozen=True)
class Level:
    """A workspace's own level against the pool's: its shift on the log-odds, and what it was told by."""

    shift: float
    deviation: float
    expected: float  # leavings in 30 days that the pool's level would have meant on its landmarks
    seen: int


def level_of(found: Pool, fitted: Fitted, stack: Stack) -> Level:
    """The mode of a Poisson count of leavings under the pool's spread of levels (an intercept shrunk to the pool)."""
    from .model import pieces

    seen = outcomes(stack)
    first = seen.counts[:, 0]
    p = hazards(pieces(fitted, stack).logits()[first, 0])
    expected, events = float(p.sum()), int(seen.leaves[first, 0].sum())
    variance, shift = found.level_sd**2, 0.0
    for _ in range(50):
        slope = events - expected * np.exp(shift) - shift / variance
        shift += float(np.clip(slope / (expected * np.exp(shift) + 1 / variance), -1, 1))
    deviation = float((1 / variance + expected * np.exp(shift)) ** -0.5)
    return Level(float(shift), deviation, expected, events)


def fitted_for(found: Pool, stack: Stack) -> tuple[Fitted, Level]:
    """The pool's model in the values of one workspace: its own ranks, its own level; an additive model as any other."""
    plain = _in_values(found, stack, found.level, found.level_sd)
    level = level_of(found, plain, stack)
    return _in_values(found, stack, found.level + level.shift, level.deviation), level


def _in_values(found: Pool, stack: Stack, level: float, level_sd: float) -> Fitted:
    place = len(FEATURES)
    auto = auto_name(stack, FitOptions())
    coefs = with_offsets(np.concatenate([found.shape + level, found.term]))
    spread = np.hstack([found.directions[place:], np.zeros((len(coefs), 1))])
    spread[:COUNT, -1] = level_sd
    known = stack.x[:, stack.names.index(auto)] if auto else np.full(len(stack), np.nan)
    usual = (contract.design(stack.renewal_in, stack.term_days, known) @ coefs).mean(axis=0)
    timing = Timing(
        coefs=coefs, usual=usual, base=coefs, base_usual=usual, auto=auto, spread=spread, base_spread=spread
    )
    facts = {
        "pool": {"workspaces": found.workspaces, "leavers": found.leavers, "accounts": found.accounts},
        "why": "fewer than 20 leavers of its own: nothing to calibrate on",
    }
    curves = _curves(found, stack)
    return Fitted("pooled", curves, timing, Calibration("none", facts={"why": facts["why"]}), facts)


def _curves(found: Pool, stack: Stack) -> tuple[Curve, ...]:
    x = columns(stack, FEATURES)
    made = []
    for at, name in enumerate(FEATURES):
        values = x[:, at].astype(np.float64)
        xs, ys = rank_curve(values)
        if not found.used[at] or len(xs) < 2:
            continue
        heights = np.append(ys, 0.0)
        spread = np.append(heights[:, None] * found.directions[at], np.zeros((len(heights), 1)), axis=1)
        made.append(
            Curve(name, "linear", xs, heights * found.slopes[at], float(np.nanmedian(values)), spread=spread)
        )
    return tuple(made)


_NUMBERS = ("slopes", "covariance", "tracked", "timing")


def to_json(part: Contribution) -> dict[str, Any]:
    arrays = {name: getattr(part, name).tolist() for name in _NUMBERS}
    return {
        "format": FORMAT, "features": list(FEATURES), "columns": list(contract.COLUMNS), **arrays,
        "leavers": part.leavers, "accounts": part.accounts,
    }  # fmt: skip


def from_json(document: Mapping[str, Any]) -> Contribution | None:
    """None for one of another form: an older release's is left out until its workspace learns again."""
    if (document.get("format"), document.get("features"), document.get("columns")) != (
        FORMAT, list(FEATURES), list(contract.COLUMNS),
    ):  # fmt: skip
        return None
    arrays = {name: np.array(document[name], dtype=np.float64) for name in _NUMBERS}
    return Contribution(**arrays, leavers=int(document["leavers"]), accounts=int(document["accounts"]))


_POOLED = ("used", "slopes", "shape", "term", "directions")


def pool_to_json(found: Pool) -> dict[str, Any]:
    arrays = {name: short(getattr(found, name)).tolist() for name in _POOLED}
    plain = {
        name: getattr(found, name)
        for name in ("workspaces", "leavers", "accounts", "level", "level_sd", "helped", "gain")
    }
    # in tens, so that one who joins is not counted by subtraction
    plain |= {name: plain[name] // 10 * 10 for name in ("leavers", "accounts")}
    return {
        "format": FORMAT,
        "features": list(FEATURES),
        "columns": list(contract.COLUMNS),
        **arrays,
        **plain,
    }


def pool_from_json(document: Mapping[str, Any]) -> Pool | None:
    """None for one of another form."""
    if (document.get("format"), document.get("features"), document.get("columns")) != (
        FORMAT, list(FEATURES), list(contract.COLUMNS),
    ):  # fmt: skip
        return None
    arrays = {name: np.array(document[name], dtype=np.float64) for name in _POOLED}
    plain = {
        name: document[name]
        for name in ("workspaces", "leavers", "accounts", "level", "level_sd", "helped", "gain")
    }
    made: dict[str, Any] = {**arrays, **plain}
    return Pool(**made)
