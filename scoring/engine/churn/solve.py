"""Penalised logistic likelihood of hazards, without writing person-periods out.

A row's features serve all its periods, so that gradient and curvature need its sums over periods only: n x columns
instead of 6 n x columns, and the same result.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from .chances import hazards
from .data import PERIODS, Bools, Floats, Ints

BLOCK = 16_384
Small = np.ndarray  # float32: values of the hat basis; products with them are summed in blocks


@dataclass(frozen=True)
class Problem:
    """Rows to learn from. Coefficients: timing, then basis, then the first period's extra columns of the basis."""

    design: Small  # n x periods x timing columns
    basis: Small  # n x b
    early: Ints  # places in the basis
    counts: Bools  # n x periods
    leaves: Bools
    weight: Floats  # n
    account: Ints  # n, sorted
    day: Ints
    share: Floats = field(
        default_factory=lambda: np.ones(len(PERIODS))
    )  # periods: how much each of them counts

    @property
    def used(self) -> Floats:
        """n x periods: the weight of what counts."""
        return np.asarray(self.counts * self.share * self.weight[:, None])

    @property
    def sizes(self) -> tuple[int, int, int]:
        return self.design.shape[2], self.basis.shape[1], len(self.early)

    @property
    def size(self) -> int:
        return sum(self.sizes)

    def rows(self, picked: Ints | Bools) -> "Problem":
        names = ("design", "basis", "counts", "leaves", "weight", "account", "day")
        return replace(self, **{name: getattr(self, name)[picked] for name in names})


LENGTHS = np.log(np.diff(np.array((0, *PERIODS))) / 30.0)  # so that intercepts of all periods are of one size


def split(problem: Problem, beta: Floats) -> tuple[Floats, Floats, Floats]:
    a, b, _ = problem.sizes
    return beta[:a], beta[a : a + b], beta[a + b :]


def logits(problem: Problem, beta: Floats) -> Floats:
    """n x periods."""
    timing, main, early = split(problem, beta)
    out = (problem.design @ timing.astype(np.float32)).astype(np.float64) + LENGTHS
    out += (problem.basis @ main.astype(np.float32)).astype(np.float64)[:, None]
    if len(early):
        out[:, 0] += (problem.basis[:, problem.early] @ early.astype(np.float32)).astype(np.float64)
    return out


def losses(problem: Problem, beta: Floats) -> Floats:
    """n: weighted log loss of a row's periods."""
    eta = logits(problem, beta)
    each = np.logaddexp(0.0, eta) - problem.leaves * eta
    return np.asarray((each * problem.used).sum(axis=1))


def residuals(problem: Problem, eta: Floats) -> Floats:
    return np.asarray((hazards(eta) - problem.leaves) * problem.used)


def gradient(problem: Problem, eta: Floats) -> Floats:
    rest = residuals(problem, eta)
    small = rest.astype(np.float32)
    timing = np.tensordot(small, problem.design, axes=([0, 1], [0, 1]))
    main = small.sum(axis=1) @ problem.basis
    early = small[:, 0] @ problem.basis[:, problem.early]
    return np.concatenate([timing, main, early]).astype(np.float64)


def curvature(problem: Problem, eta: Floats) -> Floats:
    """Hessian of the log loss, columns x columns."""
    a, b, _ = problem.sizes
    out = np.zeros((problem.size, problem.size))
    p = hazards(eta)
    spread = (p * (1 - p) * problem.used).astype(np.float32)
    for start in range(0, len(problem.weight), BLOCK):
        rows = slice(start, start + BLOCK)
        v, design, basis = spread[rows], problem.design[rows], problem.basis[rows]
        first = basis[:, problem.early]
        weighted = v[:, :, None] * design
        out[:a, :a] += np.tensordot(weighted, design, axes=([0, 1], [0, 1]))
        out[:a, a : a + b] += weighted.sum(axis=1).T @ basis
        out[:a, a + b :] += weighted[:, 0].T @ first
        out[a : a + b, a : a + b] += (basis * v.sum(axis=1)[:, None]).T @ basis
        lifted = first * v[:, :1]
        out[a : a + b, a + b :] += basis.T @ lifted
        out[a + b :, a + b :] += first.T @ lifted
    upper = np.triu(out)
    return upper + np.triu(upper, 1).T


def factor(hessian: Floats, penalty: Floats) -> Floats:
    """Lower Cholesky factor of hessian + penalty."""
    whole = hessian + penalty
    whole[np.diag_indices_from(whole)] += 1e-8 * max(float(np.trace(whole)) / len(whole), 1e-8)
    return np.asarray(np.linalg.cholesky(whole), dtype=np.float64)


def descend(problem: Problem, penalty: Floats, start: Floats, lower: Floats, *, steps: int = 60) -> Floats:
    """Quasi-Newton steps in coordinates in which `lower`'s curvature is round: few are needed near it."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    used = problem.used

    def judged(u: Floats) -> tuple[float, Floats]:
        beta = solve_triangular(lower, u, lower=True, trans=1)
        eta = logits(problem, beta)
        each = (np.logaddexp(0.0, eta) - problem.leaves * eta) * used
        value = float(each.sum()) + 0.5 * float(beta @ penalty @ beta)
        slope = gradient(problem, eta) + penalty @ beta
        return value, solve_triangular(lower, slope, lower=True)

    options = {"maxiter": steps, "ftol": 1e-9, "gtol": 1e-3}
    found = minimize(judged, lower.T @ start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(solve_triangular(lower, found.x, lower=True, trans=1))


def polish(problem: Problem, penalty: Floats, beta: Floats, *, steps: int = 6) -> tuple[Floats, Floats]:
    """Newton steps to the end; the coefficients and the Hessian there."""
    hessian = curvature(problem, logits(problem, beta))
    for _ in range(steps):
        slope = gradient(problem, logits(problem, beta)) + penalty @ beta
        move = np.linalg.solve(hessian + penalty, slope)
        beta = beta - move * min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-12))
        hessian = curvature(problem, logits(problem, beta))
        if float(np.abs(move).max()) < 1e-5:
            break
    return beta, hessian
