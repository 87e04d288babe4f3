"""Features that say much are shrunk less than features that say little.

One penalty for all either lets dozens of idle features in or holds the few that count too small. So after a fit with
one penalty each feature's share of it is divided by what the fit made of that feature, and it is fitted again: a
reweighted ridge for groups of columns (Grandvalet 1998; weights after Zou 2006). Whether that pays is judged on the
folds that chose the penalty, and there the weights come from the fold's training rows alone.
"""

import numpy as np

from .data import Floats, Ints
from .select import CAREFUL, PENALTIES, Choice, Fold, path, strongest
from .solve import Problem, curvature, descend, factor, logits

ROUNDS = 2
LEAST = 0.1  # in means of all features: the weakest keeps ten times the mean's penalty, not more


def weights(problem: Problem, beta: Floats, widths: Ints) -> Floats:
    """One factor a column of the basis: the penalty of feature f is multiplied by 1 / (variance of its part / mean of
    all features' variances + LEAST). All 1 where no feature says anything."""
    a, b, _ = problem.sizes
    share = problem.weight / problem.weight.sum()
    ends = np.cumsum(widths)
    main = beta[a : a + b].astype(np.float32)
    found = np.zeros(len(widths))
    for at, (low, high) in enumerate(zip(ends - widths, ends, strict=True)):
        part = (problem.basis[:, low:high] @ main[low:high]).astype(np.float64)
        found[at] = share @ (part - share @ part) ** 2
    if not found.any():
        return np.ones(b)
    return np.repeat(1.0 / (found / found.mean() + LEAST), widths)


def scaled(unit: Floats, problem: Problem, factors: Floats) -> Floats:
    """The unit penalty with each feature's block multiplied; timing's columns have none."""
    a, b, _ = problem.sizes
    root = np.ones(problem.size)
    root[a : a + b] = np.sqrt(factors)
    root[a + b :] = np.sqrt(factors[problem.early])
    return unit * root[:, None] * root


def learnt(
    problem: Problem, fixed: Floats, unit: Floats, start: Floats, penalty: float, widths: Ints
) -> Floats:
    """The factors of a problem, from ROUNDS fits of it."""
    factors = np.ones(problem.sizes[1])
    beta = start
    for _ in range(ROUNDS):
        whole = fixed + penalty * scaled(unit, problem, factors)
        beta = descend(
            problem, whole, beta, factor(curvature(problem, logits(problem, beta)), whole), steps=25
        )
        factors = weights(problem, beta, widths)
    return factors


def pays(
    parts: list[Fold],
    fixed: Floats,
    unit: Floats,
    start: Floats,
    choice: Choice,
    widths: Ints,
    *,
    careful: bool,
) -> float:
    """The penalty to use with factors. With leavers enough they are always used; where leavers are few, 0 unless they
    lower the held-out loss of the one penalty chosen."""
    grid = CAREFUL if careful else PENALTIES
    if not parts or not len(widths):
        return 0.0
    found = []
    for part in parts:
        factors = learnt(part.train, fixed, unit, start, choice.penalty, widths)
        found.append(path(part, fixed, scaled(unit, part.train, factors), start, grid))
    loss = np.array([np.concatenate([each[at] for each in found]) for at in range(len(grid))])
    best = strongest(loss) if careful else int(np.argmin(loss.mean(axis=1)))
    surely = not careful  # with leavers enough it paid on every development world, and folds tell it poorly
    return grid[best] if surely or loss[best].mean() < choice.loss.mean() else 0.0
