"""Levels of risk over the days of the past under given cuts, by the rule that scoring follows (`risk_level`). Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scoring.engine.validation.gates import NONE, risk_level

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def levels(p90: Floats, cuts: Sequence[float], *, margin: float) -> Ints:
    """n x m places (0 below the first cut, -1 no chance so far) of accounts x scored days, from n x m chances.

    A day without a chance (NaN) leaves an account where it stood; the first chance gives the plain level.
    """
    now = np.full(len(p90), NONE, dtype=np.int64)
    waits = now.copy()
    found = np.full(p90.shape, NONE, dtype=np.int64)
    for at in range(p90.shape[1]):
        said = ~np.isnan(p90[:, at])
        now[said], waits[said] = risk_level(p90[said, at], cuts, now[said], waits[said], margin=margin)
        found[:, at] = now
    return found
