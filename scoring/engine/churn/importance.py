"""What counts in which segment: mean absolute parts with account-bootstrap intervals, and slopes that differ.

Intervals are 95 % (effects). A segment's deviation is one Newton step of its own slope beside its own level, with
account-clustered variance; it is given only where its interval, widened for the number of questions asked
(Bonferroni), excludes zero.
"""

from dataclasses import dataclass

import numpy as np

from .chances import hazards
from .data import Bools, Floats, Ints, Stack, in_order, outcomes
from .explain import explain
from .model import Fitted, pieces

LEAST_ACCOUNTS = 20  # below which a segment is not shown
LEAST_LEAVERS = 10  # below which no slope is asked about
ALL = "all"


@dataclass(frozen=True)
class Importance:
    """One row a segment and feature. Sizes in log-odds of p90; deviations are factors added to the feature's part."""

    segment: str
    name: str
    size: float
    low: float
    high: float
    accounts: int
    deviation: float | None = None
    deviation_low: float | None = None
    deviation_high: float | None = None


def account_sums(account: Ints, values: Floats) -> tuple[Floats, Floats]:
    """Accounts x columns, and rows an account."""
    _, starts, counts = np.unique(account, return_index=True, return_counts=True)
    return np.add.reduceat(values, starts, axis=0), counts.astype(np.float64)


def mean_sizes(account: Ints, parts: Floats, *, draws: int, seed: int) -> Floats:
    """3 x columns: mean absolute part over rows, and its 95 % interval."""
    sums, counts = account_sums(account, np.abs(parts))
    chosen = np.random.default_rng(seed).multinomial(
        len(counts), np.full(len(counts), 1 / len(counts)), size=draws
    )
    drawn = (chosen @ sums) / (chosen @ counts)[:, None]
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return np.stack([sums.sum(axis=0) / counts.sum(), low, high])


def slope_deviations(fitted: Fitted, stack: Stack, inside: Bools) -> tuple[Floats, Floats]:
    """Per feature: how much steeper its part is among the rows inside (0: as everywhere), and the deviation's SD."""
    found, seen = pieces(fitted, stack), outcomes(stack)
    p, used = hazards(found.logits()), seen.counts * stack.weights[:, None]
    rest = ((seen.leaves - p) * used)[inside] @ found.fade
    curved = (p * (1 - p) * used)[inside] @ found.fade**2
    parts = found.main[inside]
    centred = parts - (curved @ parts) / max(float(curved.sum()), 1e-12)
    bend = curved @ centred**2 + 1.0  # a prior deviation of one: the pull towards none
    step = rest @ centred / bend
    left = rest[:, None] * centred - curved[:, None] * step * centred**2
    sums, _ = account_sums(stack.account[inside], left)
    return step, np.sqrt((sums**2).sum(axis=0)) / bend


def importance(fitted: Fitted, stack: Stack, *, draws: int = 200, seed: int = 1) -> list[Importance]:
    """For all rows and for each segment with enough accounts, largest first."""
    stack = in_order(stack)
    found = explain(fitted, stack)
    leaving = outcomes(stack).leaves.any(axis=1)
    groups = {ALL: np.ones(len(stack), bool)}
    groups |= {name: stack.segment == at for at, name in enumerate(stack.segments)}
    groups = {
        name: rows for name, rows in groups.items() if len(np.unique(stack.account[rows])) >= LEAST_ACCOUNTS
    }
    asked = [
        name
        for name, rows in groups.items()
        if name != ALL and _leavers(stack, rows & leaving) >= LEAST_LEAVERS
    ]
    wide = _normal(1 - 0.025 / max(len(asked) * len(fitted.curves), 1))
    rows: list[Importance] = []
    for name, inside in groups.items():
        sizes = mean_sizes(stack.account[inside], found.parts[inside], draws=draws, seed=seed)
        step, deviation = (
            slope_deviations(fitted, stack, inside) if name in asked else (np.zeros(0), np.zeros(0))
        )
        accounts = len(np.unique(stack.account[inside]))
        for at in np.argsort(-sizes[0], kind="stable"):
            own: tuple[float, float, float] | None = None
            if at < len(step) and abs(step[at]) > wide * deviation[at] > 0:
                own = tuple(float(step[at] + sign * wide * deviation[at]) for sign in (0, -1, 1))  # type: ignore[assignment]
            size, low, high = (float(value) for value in sizes[:, at])
            rows.append(
                Importance(name, found.names[at], size, low, high, accounts, *(own or (None, None, None)))
            )
    return rows


def _leavers(stack: Stack, rows: Bools) -> int:
    return len(np.unique(stack.account[rows]))


def _normal(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
