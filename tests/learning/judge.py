"""What given chances of leaving are worth, measured against who left and against the true chances.

Plain numpy on purpose, and nothing of the product: this judges it. All functions take arrays of one length n:
`p` the chances, `left` 0 or 1, `account` who each row is about (the unit that the bootstrap draws).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[Any]

HORIZONS = (30, 60, 90)


def auc(p: Floats, left: Floats) -> float:
    """The share of pairs of one who left and one who stayed where the leaver has the higher chance; ties count half.

    NaN where nobody left or nobody stayed.
    """
    leavers, stayers = p[left == 1], np.sort(p[left == 0])
    if len(leavers) == 0 or len(stayers) == 0:
        return float("nan")
    below = np.searchsorted(stayers, leavers, side="left")
    not_above = np.searchsorted(stayers, leavers, side="right")
    return float((below + not_above).sum() / 2 / (len(leavers) * len(stayers)))


def expected_auc(p: Floats, true: Floats) -> float:
    """The AUC to be expected where each row leaves with its true chance: pairs weigh true x (1 - true of the other).

    Who happened to leave is not asked, so with few leavers it tells far more than `auc`. NaN where no pair weighs.
    """
    values, place = np.unique(p, return_inverse=True)
    leaving = np.bincount(place, weights=true, minlength=len(values))
    staying = np.bincount(place, weights=1.0 - true, minlength=len(values))
    below = np.cumsum(staying) - staying
    itself = float(true @ (1.0 - true))  # a row is no pair with itself; it stands among the ties
    pairs = float(leaving.sum() * staying.sum()) - itself
    return (float(leaving @ (below + staying / 2)) - itself / 2) / pairs if pairs > 0 else float("nan")


def brier(p: Floats, left: Floats) -> float:
    """The mean squared distance of the chance from what came."""
    return float(np.mean((p - left) ** 2))


def brier_skill(p: Floats, left: Floats, base: float | None = None) -> float:
    """1 - Brier / Brier of one chance for everybody; `base` defaults to the rate of these rows.

    NaN where that Brier is zero.
    """
    rate = float(left.mean()) if base is None else base
    constant = brier(np.full(len(left), rate), left)
    return 1.0 - brier(p, left) / constant if constant > 0 else float("nan")


def calibration_error(p: Floats, left: Floats, bins: int = 10) -> tuple[float, list[dict[str, float]]]:
    """The expected calibration error over bins of (nearly) equal count, in order of the chance; and the bins.

    Rows of equal chance stay in one bin, since a cut between them would be arbitrary.
    """
    order = np.argsort(p, kind="stable")
    sorted_p = p[order]
    edges = [round(number * len(p) / bins) for number in range(1, bins)]
    # move each cut to the start of its run of equal chances
    cuts = sorted(
        {int(np.searchsorted(sorted_p, sorted_p[edge], side="left")) for edge in edges if edge < len(p)}
    )
    table, error = [], 0.0
    for part in np.split(order, [cut for cut in cuts if cut > 0]):
        mean, rate = float(p[part].mean()), float(left[part].mean())
        table.append({"n": len(part), "mean_p": mean, "rate": rate})
        error += len(part) / len(p) * abs(mean - rate)
    return error, table


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's correlation; NaN where one of them does not vary."""
    if np.ptp(one) < 1e-12 or np.ptp(other) < 1e-12:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def order_violations(p30: Floats, p60: Floats, p90: Floats) -> int:
    """Rows in which a longer horizon has a smaller chance."""
    return int(((p30 > p60) | (p60 > p90)).sum())


def skill_interval(
    p: Floats,
    left: Floats,
    account: Words,
    *,
    draws: int = 500,
    seed: int = 0,
    level: float = 0.95,
    base: float | None = None,
) -> tuple[float, float]:
    """Percentile interval of the Brier skill by drawing whole accounts with repetition.

    Against one chance for everybody: `base`, a rate that was known beforehand, or without it the rate of the draw,
    which nobody can know and no constant can beat. Mean square of a constant: rate - 2 base rate + base².
    """
    _, place = np.unique(account, return_inverse=True)
    rows = np.bincount(place).astype(float)
    squares = np.bincount(place, weights=(p - left) ** 2)
    leavers = np.bincount(place, weights=left)
    rng, skills = np.random.default_rng(seed), []
    for _ in range(draws):
        times = np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows))
        n = times @ rows
        rate = times @ leavers / n
        constant = rate * (1.0 - rate) if base is None else rate - 2 * base * rate + base**2
        if constant > 0:
            skills.append(1.0 - (times @ squares / n) / constant)
    if not skills:
        return float("nan"), float("nan")
    low, high = np.quantile(skills, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Truth:
    """A truth folder: `rows` has account_external_id, as_of, p30.. and left_30.. (empty where not known)."""

    rows: pl.DataFrame
    about: dict[str, Any]


def read_truth(folder: Path) -> Truth:
    """The truth that `simulate_bundle` wrote beside a bundle."""
    rows = pl.read_csv(folder / "truth.csv.gz", schema_overrides={"as_of": pl.String, "leaves_in": pl.Int64})
    return Truth(rows, json.loads((folder / "truth.json").read_text()))


def judge(predictions: pl.DataFrame, truth: Truth, *, bins: int = 10, draws: int = 500) -> dict[str, Any]:
    """Figures for each horizon. `predictions`: account_external_id, as_of (YYYY-MM-DD), p30, p60, p90; one row each.

    Raises ValueError for doubled rows and for rows that the truth does not know: silence about them would flatter.
    """
    keys = ["account_external_id", "as_of"]
    if predictions.select(keys).is_duplicated().any():
        raise ValueError("predictions name an account and day twice")
    both = predictions.join(truth.rows, on=keys, how="inner", suffix="_true")
    if both.height != predictions.height:
        raise ValueError(
            f"{predictions.height - both.height} of {predictions.height} rows are not in the truth"
        )
    p = {horizon: both[f"p{horizon}"].to_numpy().astype(float) for horizon in HORIZONS}
    out: dict[str, Any] = {"rows": both.height, "order_violations": order_violations(p[30], p[60], p[90])}
    for horizon in HORIZONS:
        known = both.filter(pl.col(f"left_{horizon}").is_not_null())
        out[str(horizon)] = _figures(known, horizon, bins, draws) if known.height else {"n": 0}
    return out


def _figures(known: pl.DataFrame, horizon: int, bins: int, draws: int) -> dict[str, Any]:
    p = known[f"p{horizon}"].to_numpy().astype(float)
    true = known[f"p{horizon}_true"].to_numpy().astype(float)
    left = known[f"left_{horizon}"].to_numpy().astype(float)
    account = known["account_external_id"].to_numpy()
    error, table = calibration_error(p, left, bins)
    return {
        "n": len(p),
        "leavers": int(left.sum()),
        "auc": auc(p, left),
        "auc_of_the_truth": auc(true, left),
        "ece": error,
        "ece_of_the_truth": calibration_error(p, true, bins)[0],
        "bins": table,
        "brier": brier(p, left),
        "skill": brier_skill(p, left),
        "skill_interval_95": skill_interval(p, left, account, draws=draws),
        "skill_of_the_truth": brier_skill(true, left),
        "correlation_with_truth": correlation(p, true),
        "largest": float(p.max()),
    }
