"""An independent yardstick: plain gradient boosting on the same rows, one classifier a horizon.

Written as a test reference: it shares no code with the product and knows nothing of its model. Landmarks (account,
day) are split into rolling origins. At each origin O the rows of one group of accounts are tested on days from O on;
training uses the rows of all other accounts whose window of h days was closed by O (day + h <= O: the embargo), so
that neither an account nor an outcome of the test time is known in training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HORIZONS = (30, 60, 90)


@dataclass(frozen=True)
class Rows:
    """n landmarks: features (NaN: not known), who, when, and what is known of the future."""

    x: Floats  # n x f
    account: Ints  # n
    day: Ints  # n; as-of, days since any fixed day
    leaves_in: Floats  # n; days to leaving, inf: not seen to leave
    seen_for: Floats  # n; days after the as-of day whose outcome is known


@dataclass(frozen=True)
class Split:
    """Rows of one origin and one group of accounts."""

    train: Bools
    test: Bools


@dataclass(frozen=True)
class Answer:
    """For one horizon: which rows were tested, the chance given to each of them, what came, and how well it ranks."""

    row: Ints
    p: Floats
    left: Floats
    auc: float


def label(rows: Rows, horizon: int) -> tuple[Floats, Bools]:
    """1 where the account leaves in [day, day + horizon), and for which rows that is known.

    Known are rows whose whole window lies before the last day that was seen of anybody. Leavers of windows that are
    still open are left out like the stayers beside them: taking them in would count leavers only.
    """
    left = rows.leaves_in < horizon
    closed = rows.day + horizon <= (rows.day + rows.seen_for).max()
    return left.astype(float), closed & (left | (rows.seen_for >= horizon))


def origins(day: Ints, *, count: int) -> list[int]:
    """The days from which tests begin: the last `count` sixths of the landmarks' days, oldest first."""
    days = np.unique(day)
    return [int(part[0]) for part in np.array_split(days, 6)[-count:]]


def splits(rows: Rows, horizon: int, *, groups: int = 3, count: int = 3, seed: int = 0) -> Iterator[Split]:
    """For each origin and each group of accounts, the rows to learn from and those to test."""
    _, known = label(rows, horizon)
    accounts = np.unique(rows.account)
    group = np.random.default_rng(seed).permutation(np.arange(len(accounts)) % groups)
    mine = group[np.searchsorted(accounts, rows.account)]
    starts = origins(rows.day, count=count)
    for number, origin in enumerate(starts):
        later = starts[number + 1] if number + 1 < len(starts) else np.inf
        closed = rows.day + horizon <= origin
        now = (rows.day >= origin) & (rows.day < later)
        for fold in range(groups):
            yield Split(closed & known & (mine != fold), now & known & (mine == fold))


def evaluate(
    rows: Rows, *, horizons: tuple[int, ...] = HORIZONS, groups: int = 3, count: int = 3, seed: int = 0
) -> dict[int, Answer]:
    """Test chances and AUC for each horizon. A split without both outcomes in training gives its base rate."""
    out = {}
    for horizon in horizons:
        left, _ = label(rows, horizon)
        p = np.full(len(left), np.nan)
        for split in splits(rows, horizon, groups=groups, count=count, seed=seed):
            if not split.test.any() or not split.train.any():
                continue
            p[split.test] = _learnt(rows.x, left, split, seed)
        row = np.flatnonzero(~np.isnan(p))
        out[horizon] = Answer(row, p[row], left[row], _auc(p[row], left[row]))
    return out


def forward(rows: Rows, origin: int, horizon: int, *, seed: int = 0) -> Answer:
    """Learn what was known on day `origin`, and answer for every row from then on whose window has closed.

    Accounts may be in both: that is how a model is used, and a product that is compared has seen them, too.
    """
    left, known = label(rows, horizon)
    split = Split(known & (rows.day + horizon <= origin), known & (rows.day >= origin))
    row = np.flatnonzero(split.test)
    p = _learnt(rows.x, left, split, seed) if split.train.any() and len(row) else np.zeros(len(row))
    p = np.broadcast_to(p, row.shape)
    return Answer(row, p, left[row], _auc(p, left[row]))


def _learnt(x: Floats, left: Floats, split: Split, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    target = left[split.train]
    if target.min() == target.max():
        return np.full(int(split.test.sum()), target.mean())
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=1.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    known = np.where(np.isnan(x[split.train]), np.inf, x[split.train]).min(axis=0)
    used = known < np.where(np.isnan(x[split.train]), -np.inf, x[split.train]).max(
        axis=0
    )  # what varies at all
    with threadpool_limits(1):  # waiting threads would eat up a shared machine
        model.fit(x[split.train][:, used], target)
        return model.predict_proba(x[split.test][:, used])[:, 1]


def _auc(p: Floats, left: Floats) -> float:
    if left.size == 0 or left.min() == left.max():
        return float("nan")
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(left, p))
