"""The additive hazard: curves by penalised likelihood, the penalty by later folds, an interval by accounts.

The covariance is that of a penalised fit whose penalty is read as a prior (Wahba 1983; Marra and Wood 2012), with the
sampling part clustered by account (sandwich): stacked landmarks of one account are not independent.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from . import relevance
from . import timing as contract
from .basis import Feature, Shared, chosen, cost, matrix, tables
from .chances import cumulative, hazards
from .data import PERIODS, SHOWN, Floats, Stack, check, leavers, outcomes, thinned
from .fading import NEAR, scales
from .model import Calibration, Fitted, Timing
from .select import Fold, choose, folds, sampled, sure_gain
from .solve import LENGTHS, Problem, curvature, descend, factor, logits, polish, residuals, split
from .threads import one_thread

FEW = 100  # leavers, below which the model is kept small and shrunken


@dataclass(frozen=True)
class Options:
    """How to fit. `skip` are features that the contract's timing already tells."""

    seed: int = 1
    features: tuple[str, ...] | None = None  # None: all
    skip: tuple[str, ...] = ("business.days_to_renewal",)
    auto: str = ""  # the feature that says whether a term renews by itself; found by name where empty
    most_quiet: int = 50_000  # rows without an event that are kept, weighted
    most_quiet_folds: int = 12_000
    bend: float = 5.0
    early: int = 5  # features whose part may differ in the first 30 days
    penalty: float | None = None  # None: chosen on later folds
    own_penalty: float = (
        0.0  # with a given penalty: the one for features weighed by relevance; 0: they are not
    )
    trees: int | None = None  # None: chosen on later folds
    early_names: tuple[str, ...] | None = (
        None  # with a given penalty: the features that differ in the first 30 days
    )
    few: bool | None = None  # whether leavers are few; None: as many as there are say
    directions: int = 24
    # what is the same for every fit of the same rows, given to each of them
    shared: Shared | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Prepared:
    """Sorted and thinned rows of a stack, as a problem."""

    stack: Stack
    problem: Problem
    features: list[Feature]
    dropped: dict[str, str]
    auto: str
    leavers: int
    few: bool


def auto_name(stack: Stack, options: Options) -> str:
    named = [name for name in stack.names if "auto_renew" in name]
    return options.auto or (named[0] if named else "")


def prepare(stack: Stack, options: Options) -> Prepared:
    """ValueError where nobody leaves or nothing has been seen: there is nothing to fit."""
    check(stack)
    seen, left = outcomes(stack), leavers(stack)
    if not left or not (seen.counts & ~seen.leaves).any():
        raise ValueError("nobody is seen to leave, or nobody to stay")
    wanted = set(stack.names if options.features is None else options.features)
    skip = options.skip + tuple(name for name in stack.names if name not in wanted)
    counted = np.asarray(seen.counts.any(axis=1))
    few = left < FEW if options.few is None else options.few
    features, dropped = chosen(
        stack, counted, few=few, skip=skip, looked=options.shared.looked if options.shared else None
    )
    rows = thinned(stack, options.most_quiet, seed=options.seed)
    auto = auto_name(stack, options)
    known = rows.x[:, rows.names.index(auto)] if auto else np.full(len(rows), np.nan)
    found = outcomes(rows)
    problem = Problem(
        design=contract.design(rows.renewal_in, rows.term_days, known).astype(np.float32),
        basis=matrix(rows, features),
        early=np.zeros(0, dtype=np.int64),
        counts=found.counts,
        leaves=found.leaves,
        weight=rows.weights,
        account=rows.account,
        day=rows.day,
        share=NEAR,
    )
    return Prepared(rows, problem, features, dropped, auto, left, few)


def timing_cost(*, few: bool) -> Floats:
    """Periods may differ from their mean, the contract's columns from zero, both a little."""
    count, whole = len(PERIODS), len(contract.COLUMNS)
    out = np.eye(whole)
    out[:count, :count] -= 1.0 / count
    return out * (4.0 if few else 1.0)


def costs(prepared: Prepared, options: Options) -> tuple[Floats, Floats]:
    """The part of the penalty that is fixed, and the part that the chosen penalty multiplies."""
    problem = prepared.problem
    a, b, c = problem.sizes
    fixed, unit = np.zeros((problem.size, problem.size)), np.zeros((problem.size, problem.size))
    fixed[:a, :a] = timing_cost(few=prepared.few)
    whole = cost(prepared.features, bend=options.bend)
    unit[a : a + b, a : a + b] = whole
    if c:
        unit[a + b :, a + b :] = 2.0 * whole[np.ix_(problem.early, problem.early)]
    return fixed, unit


def timing_of(prepared: Prepared, options: Options) -> tuple[Floats, Floats]:
    """`timing_only` of the prepared rows, found once for all that share them."""
    if options.shared is None:
        return timing_only(prepared.problem, few=prepared.few)
    key = (options.most_quiet, prepared.few)
    with options.shared.one_at_a_time:
        if key not in options.shared.timing:
            options.shared.timing[key] = timing_only(prepared.problem, few=prepared.few)
        return options.shared.timing[key]


def timing_only(problem: Problem, *, few: bool) -> tuple[Floats, Floats]:
    """Coefficients of the contract's timing alone, and the square root of their covariance."""
    bare = replace(problem, basis=problem.basis[:, :0], early=problem.early[:0], share=np.ones(len(PERIODS)))
    penalty = timing_cost(few=few)
    count, start = len(PERIODS), np.zeros(len(contract.COLUMNS))
    rate = (problem.leaves * problem.weight[:, None]).sum() / (
        problem.counts * problem.weight[:, None] * np.exp(LENGTHS)
    ).sum()
    start[:count] = np.log(rate / max(1 - rate, 1e-6))
    beta, hessian = polish(bare, penalty, start, steps=25)
    return beta, root(covariance(bare, logits(bare, beta), hessian, penalty))


def covariance(problem: Problem, eta: Floats, hessian: Floats, penalty: Floats) -> Floats:
    """Sandwich over accounts, with the penalty's share blown up by the same design effect."""
    scores = account_scores(problem, residuals(problem, eta))
    groups = len(scores)
    meat = scores.T @ scores * groups / max(groups - 1, 1)
    ridge = 1e-9 * np.trace(hessian) / len(hessian) * np.eye(len(hessian))
    bread = np.linalg.inv(hessian + penalty + ridge)
    freedom = max(float(np.sum(bread * hessian)), 1.0)  # effective number of coefficients
    effect = max(
        float(np.sum(bread * meat)) / freedom, 1.0
    )  # rows that count once where ones of an account overlap
    # residuals of the rows that were fitted are too small: HC1 of MacKinnon and White 1985, with leavers for rows
    events = len(np.unique(problem.account[problem.leaves.any(axis=1)]))
    meat *= events / max(events - freedom, events / 4)
    found = bread @ (meat + effect * penalty) @ bread
    return (found + found.T) / 2


def account_scores(problem: Problem, rest: Floats) -> Floats:
    """Accounts x coefficients: gradient of each account's loss."""
    _, starts = np.unique(problem.account, return_index=True)
    ends = np.append(starts[1:], len(problem.account))
    out = np.zeros((len(starts), problem.size))
    a, b, _ = problem.sizes
    total = rest.sum(axis=1)
    for first in range(0, len(starts), 1000):
        last = min(first + 1000, len(starts))
        rows = slice(starts[first], ends[last - 1])
        marks = starts[first:last] - starts[first]
        out[first:last, :a] = np.add.reduceat(
            np.einsum("nk,nkc->nc", rest[rows], problem.design[rows]), marks
        )
        out[first:last, a : a + b] = np.add.reduceat(problem.basis[rows] * total[rows, None], marks)
        extra = problem.basis[rows][:, problem.early] * rest[rows, :1]
        out[first:last, a + b :] = np.add.reduceat(extra, marks)
    return out


def with_offsets(timing: Floats) -> Floats:
    """Timing's coefficients with the periods' lengths inside the intercepts."""
    out = timing.copy()
    out[: len(PERIODS)] += LENGTHS
    return out


def root(matrix_: Floats) -> Floats:
    """A square root of a covariance, whatever rounding did to its smallest eigenvalues."""
    values, vectors = np.linalg.eigh(matrix_)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def compact(problem: Problem, beta: Floats, whole: Floats, most: int, fade: Floats) -> Floats:
    """Coefficients x directions: those that move p90 of the rows most, widened by what the rest would have added."""
    rows = problem.rows(
        np.linspace(0, len(problem.weight) - 1, min(4000, len(problem.weight))).astype(np.int64)
    )
    eta = logits(rows, beta)
    weights = hazards(eta[:, :SHOWN]) / cumulative(eta)[:, SHOWN - 1 : SHOWN]
    z = np.hstack(
        [
            np.einsum("nk,nkc->nc", weights, rows.design[:, :SHOWN]),
            (weights @ fade[:SHOWN])[:, None] * rows.basis,
            weights[:, :1] * rows.basis[:, rows.early],
        ]
    )
    left = root(whole)
    _, scale, turned = np.linalg.svd(z @ left, full_matrices=False)
    kept = min(most, len(scale))
    widen = np.sqrt((scale**2).sum() / max(float((scale[:kept] ** 2).sum()), 1e-300))
    return np.asarray(left @ turned[:kept].T * widen)


def strongest(prepared: Prepared, beta: Floats, count: int) -> list[int]:
    """Places of the features whose parts differ most between rows."""
    a, b, _ = prepared.problem.sizes
    starts = np.cumsum([0, *(feature.width for feature in prepared.features)])
    basis, main = prepared.problem.basis, beta[a : a + b].astype(np.float32)
    deviation = [float(np.std(basis[:, low:high] @ main[low:high])) for low, high in pairwise(starts)]
    return sorted(np.argsort(-np.array(deviation), kind="stable")[:count].tolist())


def with_early(prepared: Prepared, places: list[int]) -> Prepared:
    """The same rows with the first period's own columns for some features."""
    starts = np.cumsum([0, *(feature.width for feature in prepared.features)])
    early = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in places]).astype(np.int64)
    return replace(prepared, problem=replace(prepared.problem, early=early))


def fold_parts(prepared: Prepared, options: Options) -> list[Fold]:
    small = sampled(prepared.problem, options.most_quiet_folds, seed=options.seed)
    return folds(small, seed=options.seed)


def widened(beta: Floats, size: int) -> Floats:
    return np.concatenate([beta, np.zeros(size - len(beta))])


@one_thread()
def fit(stack: Stack, *, options: Options | None = None) -> Fitted:
    """The default model. ValueError where there is nothing to fit."""
    options = options or Options()
    prepared = prepare(stack, options)
    base, base_root = timing_of(prepared, options)
    start = widened(base, prepared.problem.size)
    fixed, unit = costs(prepared, options)
    parts = [] if options.penalty is not None else fold_parts(prepared, options)
    choice = choose(parts, fixed, unit, start, careful=prepared.few)
    first = choice.penalty if options.penalty is None else options.penalty
    widths = np.array([feature.width for feature in prepared.features], dtype=np.int64)
    own = options.own_penalty
    if options.penalty is None:
        own = relevance.pays(parts, fixed, unit, start, choice, widths, careful=prepared.few)
    penalty, factors = own or first, np.ones(prepared.problem.sizes[1])
    if own:
        factors = relevance.learnt(prepared.problem, fixed, unit, start, first, widths)
        unit = relevance.scaled(unit, prepared.problem, factors)
    beta = settled(prepared.problem, fixed + penalty * unit, start)
    places: list[int] = []
    if parts and prepared.features and not prepared.few and options.early:
        tried = strongest(prepared, beta, options.early)
        richer = with_early(prepared, tried)
        if early_helps(prepared, richer, parts, options, penalty, factors, start):
            prepared, places = richer, tried
            fixed, unit = weighed_costs(prepared, options, factors)
            beta = settled(prepared.problem, fixed + penalty * unit, widened(beta, prepared.problem.size))
    elif options.early_names and options.penalty is not None:
        named = [feature.name for feature in prepared.features]
        places = [named.index(name) for name in options.early_names if name in named]
        prepared = with_early(prepared, places)
        fixed, unit = weighed_costs(prepared, options, factors)
        beta = settled(prepared.problem, fixed + penalty * unit, widened(beta, prepared.problem.size))
    beta, hessian = polish(prepared.problem, fixed + penalty * unit, beta)
    eta = logits(prepared.problem, beta)
    whole = covariance(prepared.problem, eta, hessian, fixed + penalty * unit)
    fade, level = faded(prepared.problem, beta)
    spread = compact(prepared.problem, beta, whole, options.directions, fade)
    facts = facts_of(prepared, first, choice.tried, places) | {"own_penalty": own}
    return assembled(prepared, beta, spread, places, (base, base_root), facts, (fade, level))


def settled(problem: Problem, penalty: Floats, start: Floats) -> Floats:
    """Coefficients near the optimum."""
    lower = factor(curvature(problem, logits(problem, start)), penalty)
    return descend(problem, penalty, start, lower)


def weighed_costs(prepared: Prepared, options: Options, factors: Floats) -> tuple[Floats, Floats]:
    """`costs` with the factors of each feature's relevance."""
    fixed, unit = costs(prepared, options)
    return fixed, relevance.scaled(unit, prepared.problem, factors)


def early_helps(
    plain: Prepared,
    richer: Prepared,
    parts: list[Fold],
    options: Options,
    penalty: float,
    factors: Floats,
    start: Floats,
) -> bool:
    """Whether parts of the first period's own pay on the same folds, by more than a standard error."""
    losses = []
    for each in (plain, richer):
        early = each.problem.early
        wider = [Fold(replace(part.train, early=early), replace(part.judge, early=early)) for part in parts]
        fixed, unit = weighed_costs(each, options, factors)
        begin = widened(start, each.problem.size)
        losses.append(choose(wider, fixed, unit, begin, careful=False, grid=(penalty,)).loss)
    return sure_gain(*losses)


def facts_of(
    prepared: Prepared, penalty: float, tried: dict[float, float], places: list[int]
) -> dict[str, object]:
    """What a reader of the model wants to know of its making; numbers and names only."""
    stack = prepared.stack
    return {
        "rows": round(float(stack.weights.sum())),
        "rows_used": len(stack),
        "accounts": len(np.unique(stack.account)),
        "leavers": prepared.leavers,
        "first_day": int(stack.day.min()),
        "last_day": int(stack.day.max()),
        "few": prepared.few,
        "penalty": penalty,
        "penalties_tried": {str(key): value for key, value in tried.items()},
        "early": [prepared.features[at].name for at in places],
        "dropped": prepared.dropped,
    }


def faded(problem: Problem, beta: Floats) -> tuple[Floats, Floats]:
    """(fade, level) of every period, for the curves that were learnt."""
    part = (problem.basis @ split(problem, beta)[1].astype(np.float32)).astype(np.float64)
    used = problem.counts * problem.weight[:, None]
    return scales(part, logits(problem, beta) - part[:, None], problem.leaves, used)


def written_timing(prepared: Prepared, timing: Floats, spread: Floats, base: tuple[Floats, Floats]) -> Timing:
    """The contract's part as a model keeps it, with that of a model that knows nothing else."""
    problem = prepared.problem
    own, bare = with_offsets(timing), with_offsets(base[0])
    usual = np.einsum("n,nkc->kc", problem.weight / problem.weight.sum(), problem.design)
    return Timing(
        coefs=own,
        usual=usual @ own,
        base=bare,
        base_usual=usual @ bare,
        auto=prepared.auto,
        spread=spread,
        base_spread=base[1],
    )


def assembled(
    prepared: Prepared,
    beta: Floats,
    spread: Floats,
    places: list[int],
    base: tuple[Floats, Floats],
    facts: dict[str, object],
    faded: tuple[Floats, Floats],
) -> Fitted:
    """Coefficients as centred curves: what a feature adds on average goes to the intercepts."""
    problem = prepared.problem
    a, b, _ = problem.sizes
    weight = problem.weight / problem.weight.sum()
    timing, main, early = beta[:a].copy(), beta[a : a + b], np.zeros(b)
    early[problem.early] = beta[a + b :]
    early_spread = np.zeros((b, spread.shape[1]))
    early_spread[problem.early] = spread[a + b :]
    means = (weight.astype(np.float32) @ problem.basis).astype(np.float64)
    fade, level = faded
    curves = []
    pieces = zip(
        prepared.features,
        *(tables(prepared.features, part) for part in (main, early, spread[a : a + b], early_spread, means)),
        strict=True,
    )
    count = len(PERIODS)
    for at, (feature, ys, extra, wide, early_wide, share) in enumerate(pieces):
        middle, extra_middle = float(share @ ys), float(share @ extra)
        timing[:count] += middle * fade
        timing[0] += extra_middle
        curve = replace(feature.curve(ys - middle), spread=wide)
        if at in places:
            curve = replace(curve, early=extra - extra_middle, early_spread=early_wide)
        curves.append(curve)
    timing[:count] += level
    written = written_timing(prepared, timing, spread[:a], base)
    return Fitted("additive", tuple(curves), written, Calibration(), facts, fade)
