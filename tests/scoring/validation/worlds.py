"""Small observations with a known truth, shaped like the rows that the product measures."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Observed:
    account: np.ndarray
    day: np.ndarray
    segment: np.ndarray
    segments: tuple[str, ...]
    arr: np.ndarray
    leaves_in: np.ndarray
    seen_for: np.ndarray


def observed(
    y, *, account=None, day=None, segment=None, segments=("all",), arr=None, horizon=90, seen=1000.0
):
    """Rows where y left just inside `horizon`, or y holds leaves_in when it is not boolean."""
    y = np.asarray(y)
    n = y.size
    leaves = np.where(y, horizon - 1.0, np.inf) if y.dtype == bool else y.astype(float)
    return Observed(
        account=np.arange(n) if account is None else np.asarray(account),
        day=np.zeros(n, dtype=np.int64) if day is None else np.asarray(day),
        segment=np.zeros(n, dtype=np.int64) if segment is None else np.asarray(segment),
        segments=segments,
        arr=np.full(n, 100.0) if arr is None else np.asarray(arr, dtype=float),
        leaves_in=leaves,
        seen_for=np.broadcast_to(np.asarray(seen, dtype=float), n),
    )


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def world(accounts, landmarks, *, seed, mean=-2.5, spread=1.0, within=0.3):
    """(stack, true p n x 3): calibrated chances of monthly landmarks, alike inside an account."""
    rng = np.random.default_rng(seed)
    account = np.tile(np.arange(accounts), landmarks)
    day = np.repeat(np.arange(landmarks) * 30, accounts)
    z = mean + spread * rng.normal(size=accounts)[account] + within * rng.normal(size=account.size)
    hazard = sigmoid(z) / 3
    p = np.column_stack([1 - (1 - hazard) ** periods for periods in (1, 2, 3)])
    u = rng.random(account.size)
    leaves = np.select([u < p[:, 0], u < p[:, 1], u < p[:, 2]], [15.0, 45.0, 75.0], np.inf)
    made = observed(leaves, account=account, day=day, segment=account % 3, segments=("smb", "mid", "large"))
    return made, p
