"""The interval of what is at stake over a set of customers, from what the scoring run stored.

The run simulates the sum over all customers (scoring.learning.stake). Of exactly those its own interval is shown, of
any other part the normal approximation with the same common shock: SD squared = sum of ARR^2 p (1 - p) + (common x sum
of ARR p (1 - p))^2. It cannot fall below zero nor rise above the ARR.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import Any

Row = dict[str, Any]
LEVEL = "80"
Z80 = 1.2815515655446004  # 90 % quantile of the normal distribution
SAME = 1e-4  # relative: stored chances have six decimals, amounts of an account two


@dataclass(frozen=True)
class Stake:
    """ARR that is expected to leave within 90 days; without bounds where the run told no shock."""

    value: Decimal
    n: int
    low: float | None = None
    high: float | None = None
    is_simulated: bool = False


def stake_of(sums: Row, told: Row | None, *, at_risk: bool = False) -> Stake:
    """From the page's sums; `told` is what the run stored. `at_risk`: of the customers in these bands alone."""
    prefix = "risk_" if at_risk else ""
    value, n = sums[f"{prefix}stake"], int(sums["risk_with_chance" if at_risk else "with_chance"])
    if not told or not n:
        return Stake(value, n)
    expected = float(value)
    if n == told["accounts"] and abs(expected - told["expected"]) <= SAME * max(told["expected"], 1.0):
        low, high = told["intervals"][LEVEL]
        return Stake(value, n, low, high, is_simulated=True)
    luck, slope = float(sums[f"{prefix}stake_luck"]), float(sums[f"{prefix}stake_slope"])
    half = Z80 * sqrt(max(luck, 0.0) + (told["common"] * slope) ** 2)
    return Stake(value, n, max(expected - half, 0.0), min(expected + half, float(sums[f"{prefix}stake_arr"])))
