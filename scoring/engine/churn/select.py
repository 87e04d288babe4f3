"""How strongly to shrink: folds that stand later in time and hold other accounts, judged by log loss."""

from dataclasses import dataclass, replace

import numpy as np

from .data import PERIODS, SHOWN, Floats, Ints, spread_key
from .solve import Problem, curvature, descend, factor, logits, losses

PENALTIES = (
    10000.0,
    3000.0,
    1000.0,
    300.0,
    100.0,
    30.0,
    10.0,
    3.0,
)  # in units of one squared height of a curve
CAREFUL = (10000.0, 3000.0, 1000.0, 300.0, 100.0, 30.0)  # where leavers are few
CUTS = (0.5, 0.6, 0.7, 0.8)  # shares of the landmarks that lie before each fold's cut
LEAST_EVENTS = 4  # leavers that a fold must hold on each side
THIN = 100  # leavers, below which folds are not cut in time: each would learn from a third of them at best


@dataclass(frozen=True)
class Fold:
    train: Problem
    judge: Problem


def fold_of(account: Ints, seed: int) -> Ints:
    """Which of the folds holds an account out."""
    return (spread_key(account, np.zeros_like(account), seed) * len(CUTS)).astype(np.int64)


def _enough(problem: Problem) -> bool:
    return len(np.unique(problem.account[problem.leaves.any(axis=1)])) >= LEAST_EVENTS


def shown(problem: Problem) -> Problem:
    """The rows' periods within 90 days alone: by what is shown of a model its penalty is chosen."""
    near = np.arange(len(PERIODS)) < SHOWN
    problem = replace(
        problem, counts=problem.counts & near, leaves=problem.leaves & near, share=np.ones(len(PERIODS))
    )
    return problem.rows(np.asarray(problem.counts.any(axis=1)))


def folds(problem: Problem, *, seed: int) -> list[Fold]:
    """Train on other accounts with what was known before the cut; judge on held-out accounts from the cut on.

    With few days or few leavers the folds hold other accounts alone, of any day.
    """
    group = fold_of(problem.account, seed)
    known = problem.day[problem.counts[:, 0]]
    gone = np.unique(problem.account[problem.leaves.any(axis=1)])
    timed = len(gone) >= THIN and len(np.unique(known)) >= 2 * len(CUTS)
    found = []
    for at, share in enumerate(CUTS):
        cut = float(np.quantile(known, share)) if timed else np.inf
        closed = problem.day[:, None] + np.array(PERIODS) <= cut
        early = replace(problem, counts=problem.counts & closed, leaves=problem.leaves & closed)
        train = early.rows((group != at) & early.counts.any(axis=1))
        judge = problem.rows((group == at) & (problem.day >= cut if timed else np.ones(len(group), bool)))
        judge = shown(judge)
        if _enough(train) and _enough(judge):
            found.append(Fold(train, judge))
    return found


def sampled(problem: Problem, most: int, *, seed: int) -> Problem:
    """Fewer rows for choosing: all that leave, some of the others with their weight."""
    quiet = ~problem.leaves.any(axis=1)
    share = most / max(int(quiet.sum()), 1)
    if share >= 1:
        return problem
    kept = ~quiet | (spread_key(problem.account, problem.day, seed + 1) < share)
    weight = problem.weight * np.where(quiet, 1.0 / share, 1.0)
    return replace(problem, weight=weight).rows(kept)


def by_account(judge: Problem, each: Floats) -> Floats:
    """Sums of rows over accounts."""
    _, starts = np.unique(judge.account, return_index=True)
    return np.add.reduceat(each, starts)


def path(fold: Fold, fixed: Floats, unit: Floats, start: Floats, grid: tuple[float, ...]) -> list[Floats]:
    """Held-out losses by account, one array a penalty; each fit starts from the one before."""
    beta, found = start, []
    for at, penalty in enumerate(grid):
        whole = fixed + penalty * unit
        if at % 3 == 0:
            hessian = curvature(fold.train, logits(fold.train, beta))
        beta = descend(fold.train, whole, beta, factor(hessian, whole), steps=25)
        found.append(by_account(fold.judge, losses(fold.judge, beta)))
    return found


def strongest(loss: Floats) -> int:
    """The first, so strongest, penalty whose loss (penalties x accounts) lies within a standard error of the least."""
    worse = loss - loss[int(np.argmin(loss.mean(axis=1)))]
    return int(np.argmax(worse.mean(axis=1) <= worse.std(axis=1) / np.sqrt(loss.shape[1])))


@dataclass(frozen=True)
class Choice:
    """The penalty, and mean held-out loss per account of every one tried."""

    penalty: float
    tried: dict[float, float]
    loss: Floats  # held-out accounts, at the chosen penalty


def choose(
    parts: list[Fold],
    fixed: Floats,
    unit: Floats,
    start: Floats,
    *,
    careful: bool,
    grid: tuple[float, ...] = (),
) -> Choice:
    """The penalty of least loss; where leavers are few, the strongest within one standard error of it."""
    grid = grid or (CAREFUL if careful else PENALTIES)
    if not parts:
        return Choice(grid[0], {}, np.zeros(0))
    paths = [path(part, fixed, unit, start, grid) for part in parts]
    loss = np.array([np.concatenate([each[at] for each in paths]) for at in range(len(grid))])
    best = strongest(loss) if careful else int(np.argmin(loss.mean(axis=1)))
    means = [float(mean) for mean in loss.mean(axis=1)]
    return Choice(grid[best], dict(zip(grid, means, strict=True)), loss[best])


def sure_gain(before: Floats, after: Floats) -> bool:
    """Whether held-out accounts are better off by more than one standard error."""
    gain = before - after
    return bool(len(gain) > 1 and gain.mean() > gain.std() / np.sqrt(len(gain)))
