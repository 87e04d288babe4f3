"""What each precision that a tenant may want costs in recall, so that it can be chosen with open eyes.

As in `backtest.choose`: a threshold is chosen on the older half of the tested days and judged on the newer one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.automation.choices import PRECISIONS
from scoring.engine.churn.data import Stack, take
from scoring.engine.validation import HORIZONS, choose_threshold, measure, outcome
from scoring.learning.rolling import HORIZON

Floats = NDArray[np.float64]

AT = HORIZONS.index(HORIZON)
DRAWS = 200
NEVER = 10**9  # no figures by segment here


def precisions(
    rows: Stack, p: Floats, older: NDArray[np.bool_], *, seed: int, wanted: float | None = None
) -> list[dict[str, Any]]:
    """{wanted, reached, threshold, precision, recall} at 90 days for each precision on offer, and for the tenant's own
    wish, ascending."""
    known, left = outcome(rows, HORIZON)
    chose, newer = older & known, np.flatnonzero(~older)
    later, said = take(rows, newer), p[newer][:, [AT]]
    found = []
    shares = PRECISIONS if wanted is None or wanted in PRECISIONS else tuple(sorted((*PRECISIONS, wanted)))
    for share in shares:
        one = choose_threshold(p[chose, AT], left[chose].astype(np.float64), share, draws=0, seed=seed)
        row = {"wanted": share, "reached": one["reached"], "threshold": one["threshold"]}
        found.append(row | _judged(later, said, one["threshold"], seed))
    return found


def _judged(later: Stack, said: Floats, threshold: float | None, seed: int) -> dict[str, Any]:
    if threshold is None or not len(later):
        return {"precision": None, "recall": None}
    whole = measure(
        later, said, threshold=threshold, capacity=1, draws=DRAWS, seed=seed, horizons=(HORIZON,), least_events=NEVER
    )["horizons"][str(HORIZON)]["all"]  # fmt: skip
    return {"precision": whole.get("precision"), "recall": whole.get("recall")}
