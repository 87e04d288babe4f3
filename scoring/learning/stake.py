"""What is at stake over all customers of a day, with an interval by simulation: stored with each run.

Source: SCORING.md h. The sum of ARR that leaves within 90 days, from parameter draws that all accounts share, a common
shock on the logit, and who happens to leave. Each account's bounds added up would be no interval of the sum.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engine.validation import renewal_revenue

Floats = NDArray[np.float64]
Z80 = 1.2815515655446004  # 90 % quantile of the normal distribution


def simulated(p: Floats, low: Floats, high: Floats, arr: Floats) -> dict[str, Any]:
    """JSON: `expected` is the sum of ARR x p, `intervals` its 50, 80 and 95 % ones, `accounts` those with ARR (n each).

    `common` is the shock that tells the interval of any part of the accounts; see `common_shock`.
    """
    known = ~np.isnan(arr)
    p, arr = p[known], arr[known]
    found = renewal_revenue(p, arr, logit_sd=logit_sd_of(low[known], high[known]))
    return found | {"common": common_shock(p, arr, found)}


def logit_sd_of(low: Floats, high: Floats) -> Floats:
    """SD of each account's logit, from the 80 % interval of its chance of leaving."""
    lower, upper = (np.clip(each, 1e-6, 1 - 1e-6) for each in (low, high))
    sd = (np.log(upper / (1 - upper)) - np.log(lower / (1 - lower))) / (2 * Z80)
    return np.nan_to_num(np.maximum(sd, 0.0))


def common_shock(p: Floats, arr: Floats, found: dict[str, Any]) -> float:
    """The common shock on the logit that, beside each account's own luck, gives the simulated spread.

    A page can then tell the interval of any part of the accounts without the maths: SD squared = sum of ARR^2 p (1 - p)
    + (common x sum of ARR p (1 - p))^2.
    """
    slope = float((arr * p * (1 - p)).sum())
    luck = float((arr**2 * p * (1 - p)).sum())
    spread = (found["sd"] or 0.0) * found["widen"]
    return float(np.sqrt(max(spread**2 - luck, 0.0)) / slope) if slope > 0 else 0.0
