"""The challenger: boosted trees of one feature each, written down as curves.

scikit-learn's histogram gradient boosting with `interaction_cst` keeps every tree to one feature, so that the sum of
all trees on a feature is a step function of it; trees are grown on bins of our own (`bins`). The contract's timing
enters as one more feature: the timing-only model's logit of the period. Trees are grown on the periods within 90 days;
beyond them the timing-only model stands, and the curves fade (`fading`). The written model is compared with the booster
on the training rows.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import timing as contract
from .bins import Bins, binned
from .data import PERIODS, SHOWN, Bools, Floats, Ints, Stack, columns
from .fading import scales
from .fit import Options, Prepared, covariance, prepare, root, timing_of, with_offsets
from .model import Calibration, Curve, Fitted, Timing, base_timing, on_curve, raw_logits, raw_timing
from .select import fold_of
from .solve import Problem, curvature
from .threads import one_thread

TREES = (25, 50, 100, 150, 200, 300)  # tried on later folds
FALLBACK = 50  # where folds are too thin to choose
QUIET = 30_000  # rows without an event
SAME = 1e-9  # between the booster and what is written down


class NotAdditive(RuntimeError):
    """The booster is not the curves that were written down; it must not be used."""


@dataclass(frozen=True)
class Rows:
    """Person-periods: bins of features and base timing (m x f + 1), outcome, weight, row of the stack, and period."""

    x: Floats
    leaves: Floats
    weight: Floats
    row: Ints
    period: Ints
    bins: Bins


def exact_design(prepared: Prepared) -> Floats:
    """The timing columns as scoring computes them; the problem keeps them shorter."""
    stack = prepared.stack
    known = columns(stack, (prepared.auto,))[:, 0] if prepared.auto else np.full(len(stack), np.nan)
    return contract.design(stack.renewal_in, stack.term_days, known)


def person_periods(problem: Problem, x: Floats, timing: Floats, counts: Any) -> Rows:
    """Written out, because trees need them; `counts` n x periods says which."""
    row, period = np.nonzero(counts)
    whole, weight = np.column_stack([x[row], timing[row, period]]), problem.weight[row]
    bins = binned(whole, weight)
    leaves = problem.leaves[row, period].astype(np.float64)
    return Rows(bins.numbers(whole), leaves, weight, row, period, bins)


def booster(features: int, trees: int, *, seed: int, few: bool) -> Any:
    """One feature a tree; slow steps and full leaves, more so where leavers are few."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.05 if few else 0.1,
        max_iter=trees,
        max_leaf_nodes=4,
        min_samples_leaf=200,
        l2_regularization=50.0,
        interaction_cst=[{at} for at in range(features)],
        early_stopping=False,
        random_state=seed,
    )


def grown(rows: Rows, picked: Any, trees: int, *, seed: int, few: bool) -> Any:
    """A booster fitted on some rows."""
    model = booster(rows.x.shape[1], trees, seed=seed, few=few)
    return model.fit(rows.x[picked], rows.leaves[picked], sample_weight=rows.weight[picked])


def near(counts: Bools) -> Bools:
    """Of the periods that count those within 90 days."""
    return np.asarray(counts & (np.arange(len(PERIODS)) < SHOWN))


def _fold_loss(rows: Rows, train: Any, judge: Any, *, seed: int, few: bool) -> list[float]:
    """Held-out log loss after each number of trees that is tried."""
    model = grown(rows, train, max(TREES), seed=seed, few=few)
    found = []
    for count, eta in enumerate(model.staged_decision_function(rows.x[judge]), start=1):
        if count in TREES:
            each = np.logaddexp(0.0, eta) - rows.leaves[judge] * eta
            found.append(float(rows.weight[judge] @ each) / float(rows.weight[judge].sum()))
    return found


def trees_wanted(prepared: Prepared, rows: Rows, options: Options) -> tuple[int, dict[str, float]]:
    """The number of trees of least loss on later rows of other accounts, over two folds."""
    problem = prepared.problem
    group, day = fold_of(problem.account, options.seed)[rows.row], problem.day[rows.row]
    ends = day + np.array(PERIODS)[rows.period]
    timed = len(np.unique(day)) >= 8
    losses = []
    for at, share in enumerate((0.6, 0.75)):
        cut = np.quantile(day, share) if timed else np.inf
        train = (group != at) & (ends <= cut)
        judge = (group == at) & ((day >= cut) | (not timed))
        if rows.leaves[train].sum() >= 10 and rows.leaves[judge].sum() >= 10:
            losses.append(_fold_loss(rows, train, judge, seed=options.seed, few=prepared.few))
    if not losses:
        return FALLBACK, {}
    means = np.mean(losses, axis=0)
    return TREES[int(np.argmin(means))], dict(zip(map(str, TREES), means.tolist(), strict=True))


def _walk(nodes: Any, values: Floats) -> Floats:
    """What one tree of one feature says to each value."""
    out = np.empty(len(values))
    at = np.zeros(len(values), dtype=np.int64)
    active = np.arange(len(values))
    missing = np.isnan(values)
    while len(active):
        node = nodes[at[active]]
        leaf = node["is_leaf"].astype(bool)
        out[active[leaf]] = node["value"][leaf]
        active, node = active[~leaf], node[~leaf]
        with np.errstate(invalid="ignore"):
            left = np.where(
                missing[active], node["missing_go_to_left"] == 1, values[active] <= node["num_threshold"]
            )
        at[active] = np.where(left, node["left"], node["right"])
    return out


def step_curves(model: Any, names: tuple[str, ...], usual: list[float]) -> tuple[list[Curve], float]:
    """The booster's sum of trees by feature, as step curves, and its constant."""
    trees: list[list[Any]] = [[] for _ in names]
    constant = float(np.ravel(model._baseline_prediction)[0])
    for (tree,) in model._predictors:
        inner = tree.nodes[tree.nodes["is_leaf"] == 0]
        if len(inner) == 0:
            constant += float(tree.nodes["value"][0])
        else:
            trees[int(inner["feature_idx"][0])].append(tree.nodes)
    return [_steps(name, mine, at) for name, mine, at in zip(names, trees, usual, strict=True)], constant


def _steps(name: str, trees: list[Any], usual: float) -> Curve:
    """A step curve: the values between two neighbouring thresholds of all its trees are one step."""
    inner = [nodes["num_threshold"][nodes["is_leaf"] == 0] for nodes in trees]
    xs = np.unique(np.concatenate([*inner, np.zeros(0)]))
    xs = xs[np.isfinite(xs)]
    probes = np.append(xs, xs[-1] + 1.0 if len(xs) else 0.0)  # a threshold belongs to the left of itself
    asked = np.append(probes, np.nan)
    table = np.zeros(len(asked))
    for nodes in trees:
        table += _walk(nodes, asked)
    return Curve(name, "step", xs, table, usual)


@one_thread()
def fit_boosted(stack: Stack, *, options: Options | None = None) -> Fitted:
    """The boosted model as curves. NotAdditive where it does not equal the booster on its training rows."""
    options = options or Options()
    options = replace(options, most_quiet=min(options.most_quiet, QUIET))
    prepared = prepare(stack, options)
    problem, names = prepared.problem, tuple(feature.name for feature in prepared.features)
    base, base_root = timing_of(prepared, options)
    base = with_offsets(base)
    timing = base_timing(base, exact_design(prepared))
    rows = person_periods(problem, columns(prepared.stack, names), timing, near(problem.counts))
    trees, tried = (options.trees, {}) if options.trees else trees_wanted(prepared, rows, options)
    model = grown(rows, slice(None), trees, seed=options.seed, few=prepared.few)
    usual = [feature.usual for feature in prepared.features]
    (*curves, link), constant = step_curves(model, (*names, "timing"), [*usual, 0.0])
    *curves, link = (
        replace(curve, xs=rows.bins.values(at, curve.xs)) for at, curve in enumerate((*curves, link))
    )
    facts = {
        "trees": trees,
        "trees_tried": tried,
        "interval": "levels and scales of the curves, not their shapes",
    }
    written = _written(prepared, curves, replace(link, table=link.table + constant), (base, base_root), facts)
    _compare(written, prepared.stack, rows, model.decision_function(rows.x))
    return with_scales(faded(written, prepared), prepared)


def _written(
    prepared: Prepared, curves: list[Curve], link: Curve, base: tuple[Floats, Floats], facts: dict[str, Any]
) -> Fitted:
    """Centred curves; what they add on average goes to the timing's curve."""
    problem = prepared.problem
    weight = problem.weight / problem.weight.sum()
    x = columns(prepared.stack, tuple(curve.name for curve in curves))
    centred = []
    for at, curve in enumerate(curves):
        middle = float(weight @ on_curve(curve, curve.table, x[:, at]))
        centred.append(replace(curve, table=curve.table - middle))
        link = replace(link, table=link.table + middle)
    design = exact_design(prepared)
    timing = Timing(
        coefs=np.zeros(len(base[0])),
        usual=np.zeros(len(PERIODS)),
        base=base[0],
        base_usual=weight @ (design @ base[0]),
        auto=prepared.auto,
        link=link,
        base_spread=base[1],
    )
    stack = prepared.stack
    facts = facts | {
        "few": prepared.few,
        "rows": round(float(stack.weights.sum())),
        "rows_used": len(stack),
        "accounts": len(np.unique(stack.account)),
        "leavers": prepared.leavers,
        "first_day": int(stack.day.min()),
        "last_day": int(stack.day.max()),
        "dropped": prepared.dropped,
    }
    return Fitted("boosted", tuple(centred), timing, Calibration(), facts)


def faded(written: Fitted, prepared: Prepared) -> Fitted:
    """The same curves, with what they say of the later periods, and the usual account's timing."""
    problem, stack = prepared.problem, prepared.stack
    design = exact_design(prepared)
    x, rest = columns(stack, written.names), raw_timing(written, design)
    part = np.sum([on_curve(curve, curve.table, x[:, at]) for at, curve in enumerate(written.curves)], axis=0)
    used = problem.counts * problem.weight[:, None]
    fade, level = scales(np.broadcast_to(part, len(x)), rest, problem.leaves, used)
    coefs = written.timing.coefs.copy()
    coefs[: len(PERIODS)] += level
    usual = problem.weight @ (rest + level) / problem.weight.sum()
    return replace(written, timing=replace(written.timing, coefs=coefs, usual=usual), fade=fade)


def _compare(written: Fitted, stack: Stack, rows: Rows, truth: Floats) -> None:
    """Every training row's logit, from the curves and from the booster."""
    gap = float(np.abs(raw_logits(written, stack)[rows.row, rows.period] - truth).max())
    if not gap <= SAME:
        raise NotAdditive(f"curves and booster differ by {gap:.3g}")


def with_scales(fitted: Fitted, prepared: Prepared) -> Fitted:
    """Its interval: the curves' scales and the level get a clustered covariance, as if refitted beside each other."""
    problem, link = prepared.problem, fitted.timing.link
    assert link is not None
    x = columns(prepared.stack, fitted.names)
    parts = [on_curve(curve, curve.table, x[:, at]) for at, curve in enumerate(fitted.curves)]
    at_link = raw_timing(fitted, exact_design(prepared))
    scaled = replace(
        problem,
        # of the periods that the trees have seen; they fade too little there to matter for an interval
        counts=near(problem.counts),
        leaves=problem.leaves & near(problem.counts),
        share=np.ones(len(PERIODS)),
        design=np.stack([np.ones_like(at_link), at_link], axis=2).astype(np.float32),
        basis=np.column_stack([*parts, np.zeros((len(x), 0))]).astype(np.float32),
    )
    whole = _scale_covariance(scaled, raw_logits(fitted, prepared.stack))
    left = root(whole)[:, ::-1][:, :12]
    spread = np.zeros((len(fitted.timing.coefs), left.shape[1]))
    spread[: len(PERIODS)] = left[0]
    curves = tuple(
        replace(curve, spread=np.outer(curve.table, left[2 + at])) for at, curve in enumerate(fitted.curves)
    )
    linked = replace(link, spread=np.outer(link.table, left[1]))
    return replace(fitted, curves=curves, timing=replace(fitted.timing, link=linked, spread=spread))


def _scale_covariance(scaled: Problem, eta: Floats) -> Floats:
    """Of level, timing's scale and each curve's scale, with unit penalty on scales."""
    penalty = np.eye(scaled.size)
    penalty[0, 0] = 1e-6
    return covariance(scaled, eta, curvature(scaled, eta), penalty)
