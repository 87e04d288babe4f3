"""Does a feature know what it could not have known? The checks of SCORING.md a, as rows.

Sources: Kaufman et al. 2012 (leakage in data mining: learn from what is known only in time); the shift test and the
.95 limit are SCORING.md's. What a matrix cannot show (a scaler or an encoding fitted on all rows, a current-state
column joined to past dates, a field written after the decision) shows in two readings of the same observations: one cut
at its day, one made later.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from .origins import fold_of
from .ranks import Steps, auc, precise
from .rows import Bools, Floats, Ints, Rows, outcome

LIMITS = {"alone": 0.95, "shift": 0.10, "shift_one": 0.15, "tenure": 0.95, "total": 0.5, "same": 0.01}
LEAST_EVENTS = 20
MOST_ROWS = 20_000  # of the shift test's model
NEVER_FALLS = 0.01


class Table(Rows, Protocol):
    """Observations with their features."""

    @property
    def x(self) -> Floats: ...
    @property
    def names(self) -> tuple[str, ...]: ...


def leaks(
    stack: Table,
    *,
    horizon: int = 90,
    some: Table | None = None,
    later: Floats | None = None,
    train: Bools | None = None,
    test: Bools | None = None,
    tenure: Floats | None = None,
    exempt: Sequence[str] = (),
    limits: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """Rows {key, feature, value, limit, tripped, words}; the checks whose input is given.

    `some`: rows of some accounts, all of each, that stand for all where it is asked what a feature tells; m rows, else
    m = n. `later`: the same features of the same observations read at a later time (n x f). `train`, `test`: masks of a
    split. `tenure`: days since an account began (m). `exempt`: names that may encode tenure, tenure itself above all.
    """
    used = {**LIMITS, **(limits or {})}
    some = stack if some is None else some
    known, left = outcome(some, horizon)
    rows = alone(some, known, left, limit=used["alone"])
    rows += shifted(some, known, left, horizon=horizon, limits=used)
    rows += [duplicates(stack), same_rows(stack, limit=used["same"])]
    if train is not None and test is not None:
        rows.append(apart(stack.account, train, test))
    if later is not None:
        rows += read_later(stack, later)
    if tenure is not None:
        rows += encodes_tenure(some, tenure, exempt=exempt, limits=used)
    return rows


def row(key: str, feature: str, value: float, limit: float, words: str, *, tripped: bool) -> dict[str, Any]:
    shown = float(value) if np.isfinite(value) else None
    return {
        "key": key, "feature": feature, "value": shown, "limit": limit, "tripped": bool(tripped), "words": words
    }  # fmt: skip


def one_auc(values: Floats, left: Bools) -> float:
    """AUC of one feature in its better direction, and of its being missing: the larger. NaN without both outcomes."""
    y, gone = left.astype(np.float64), np.isnan(values)
    there = ~gone
    known = y[there]
    found = []
    if gone.any() and there.any():
        found.append(_either(np.array([there.sum(), gone.sum()]), np.array([known.sum(), y[gone].sum()])))
    if known.size and min(known.sum(), (1 - known).sum()) >= LEAST_EVENTS:
        order, starts = _ties(values[there])
        weight = np.diff(starts, append=known.size)
        found.append(_either(weight, np.add.reduceat(known[order], starts)))
    return max(found, default=np.nan)


def _either(weight: Ints, events: Floats) -> float:
    """From rows and leavers at each value, in rising order of the values: order is all that counts."""
    steps = Steps(weight[None, :].astype(np.float64), events[None, :], np.zeros(weight.size))
    value = float(auc(steps)[0])
    return max(value, 1 - value)


def _ties(values: Floats) -> tuple[Ints, Ints]:
    """(places in rising order, where in that order each value begins): the one sort that a check costs."""
    order = np.argsort(values)
    ranked = values[order]
    return order, np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))


def alone(stack: Table, known: Bools, left: Bools, *, limit: float) -> list[dict[str, Any]]:
    """One feature alone that tells nearly everything."""
    rows = []
    for at, name in enumerate(stack.names):
        value = one_auc(stack.x[known, at], left[known]) if left[known].sum() >= LEAST_EVENTS else np.nan
        words = f"{name} alone tells leavers from stayers with AUC {value:.3f} (limit {limit:g})."
        rows.append(row("alone", name, value, limit, words, tripped=value > limit))
    return rows


def shifted(
    stack: Table, known: Bools, left: Bools, *, horizon: int, limits: Mapping[str, float]
) -> list[dict[str, Any]]:
    """AUC with every feature as it was one horizon earlier, of all together and of each: a large fall is a leak."""
    past = _past(stack, horizon)
    both = np.flatnonzero(known & (past >= 0))
    if min(left[both].sum(), (~left[both]).sum()) < LEAST_EVENTS:
        words = f"{both.size} rows have a past of {horizon} days and a known outcome: too few to compare."
        return [row("shift", "", np.nan, limits["shift"], words, tripped=False)]
    now, then, y = stack.x[both], stack.x[past[both]], left[both]
    values = [_model_auc(each, y, stack.account[both]) for each in (now, then)]
    rows = [_fall("shift", "all features together", "", values, limits["shift"])]
    for at, name in enumerate(stack.names):
        each = [one_auc(side[:, at], y) for side in (now, then)]
        rows.append(_fall("shift_one", name, name, each, limits["shift_one"]))
    return rows


def _fall(key: str, words: str, name: str, values: list[float], limit: float) -> dict[str, Any]:
    fall = values[0] - values[1]
    words = (
        f"{words}: AUC {values[0]:.3f}, and {values[1]:.3f} one horizon earlier (a fall of {limit:g} trips)."
    )
    return row(key, name, fall, limit, words, tripped=fall > limit)


def _past(stack: Rows, horizon: int) -> Ints:
    """For each row the account's last row at least `horizon` days before, at most twice that; -1 without one."""
    order = np.lexsort((stack.day, stack.account))
    account, day = stack.account[order], stack.day[order]
    place = np.unique(account, return_inverse=True)[1]
    reach = int(day.max() - day.min()) + 2 * horizon + 2 if day.size else 1
    line = place * reach + (day - day.min() if day.size else day)
    found = np.searchsorted(line, line - horizon, side="right") - 1
    safe = np.maximum(found, 0)
    good = (found >= 0) & (place[safe] == place) & (day - day[safe] <= 2 * horizon)
    made = np.full(day.size, -1, dtype=np.int64)
    made[order] = np.where(good, order[safe], -1)
    return made


def _model_auc(x: Floats, left: Bools, account: Ints) -> float:
    """AUC of a plain ridge logistic model, each half of the accounts judged by the other."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from sklearn.preprocessing import QuantileTransformer  # type: ignore[import-untyped]

    kept = np.arange(left.size)[:: max(left.size // MOST_ROWS, 1)]
    gone, y, half = np.isnan(x[kept]), left[kept], fold_of(account[kept], folds=2)
    table = np.column_stack([x[kept], gone])
    score = np.zeros(kept.size)
    for fold in (0, 1):
        fit, judge = half != fold, half == fold
        if not judge.any() or y[fit].all() or not y[fit].any():
            return np.nan
        middle = np.array([_middle(each) for each in table[fit].T])
        filled = np.where(np.isnan(table), middle, table)
        steps = QuantileTransformer(n_quantiles=min(100, int(fit.sum())), random_state=0)
        model = make_pipeline(steps, LogisticRegression(C=0.5, max_iter=300)).fit(filled[fit], y[fit])
        score[judge] = model.predict_proba(filled[judge])[:, 1]
    return float(auc(precise(y.astype(np.float64), np.clip(score, 1e-9, 1 - 1e-9)))[0])


def _middle(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else 0.0


def duplicates(stack: Rows) -> dict[str, Any]:
    """One account twice on one day."""
    pairs = np.unique(np.column_stack([stack.account, stack.day]), axis=0)
    value = int(stack.day.size - len(pairs))
    words = f"{value} of {stack.day.size} rows repeat an account on a day."
    return row("duplicates", "", value, 0, words, tripped=value > 0)


def same_rows(stack: Table, *, limit: float) -> dict[str, Any]:
    """Rows whose finely graded features all equal another row's: copies, or rows repeated to balance classes."""
    fine = [at for at in range(len(stack.names)) if _is_fine(stack.x[:, at])]
    whole = (
        np.flatnonzero(~np.isnan(stack.x[:, fine]).any(axis=1))
        if len(fine) >= 2
        else np.array([], dtype=np.int64)
    )
    value = 0.0
    if whole.size:
        value = 1 - len(np.unique(stack.x[whole][:, fine], axis=0)) / whole.size
    words = f"{value:.1%} of {whole.size} rows equal another in all of {len(fine)} finely graded features."
    return row("same_rows", "", value, limit, words, tripped=value > limit)


def _is_fine(values: Floats) -> bool:
    """Nearly every value occurs once; a copied tenth may not hide it."""
    known = values[~np.isnan(values)]
    return known.size >= LEAST_EVENTS and np.unique(known).size > 0.3 * known.size


def apart(account: Ints, train: Bools, test: Bools) -> dict[str, Any]:
    """The same account in training and test."""
    value = int(np.intersect1d(account[train], account[test]).size)
    words = f"{value} of {np.unique(account[test]).size} accounts of the test are in training too."
    return row("apart", "", value, 0, words, tripped=value > 0)


def read_later(stack: Table, later: Floats) -> list[dict[str, Any]]:
    """Features that change when the same observation is read at a later time: known only after the decision."""
    now = stack.x
    differs = np.where(np.isnan(now) | np.isnan(later), np.isnan(now) != np.isnan(later), False)
    both = ~(np.isnan(now) | np.isnan(later))
    scale = np.maximum(np.maximum(np.abs(now), np.abs(later)), 1.0)
    with np.errstate(invalid="ignore"):
        differs |= both & (np.abs(now - later) > 1e-9 * scale)
    rows = []
    for at, name in enumerate(stack.names):
        value = int(differs[:, at].sum())
        words = (
            f"{name} differs in {value} of {len(now)} rows between a reading cut at its day and a later one."
        )
        rows.append(row("read_later", name, value, 0, words, tripped=value > 0))
    return rows


def encodes_tenure(
    stack: Table, tenure: Floats, *, exempt: Sequence[str], limits: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Features that rank like tenure, or totals that only grow and follow it."""
    rows = []
    step = _steps(stack)
    for at, name in enumerate(stack.names):
        if name in exempt:
            continue
        value = _rank_correlation(stack.x[:, at], tenure)
        moves = stack.x[step[1], at] - stack.x[step[0], at]
        moves = moves[~np.isnan(moves)]
        grows = moves.size >= LEAST_EVENTS and (moves < 0).mean() < NEVER_FALLS and (moves > 0).mean() > 0.3
        limit = limits["total"] if grows else limits["tenure"]
        kind = "never falls and " if grows else ""
        words = f"{name} {kind}follows tenure with rank correlation {value:.2f} (limit {limit:g})."
        rows.append(row("tenure", name, value, limit, words, tripped=abs(value) > limit))
    return rows


def _steps(stack: Rows) -> tuple[Ints, Ints]:
    """(row, next row) of the same account."""
    order = np.lexsort((stack.day, stack.account))
    same = stack.account[order[1:]] == stack.account[order[:-1]]
    return order[:-1][same], order[1:][same]


def _rank_correlation(a: Floats, b: Floats) -> float:
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < LEAST_EVENTS or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return np.nan
    return float(np.corrcoef(_ranks(a[both]), _ranks(b[both]))[0, 1])


def _ranks(values: Floats) -> Floats:
    """1 for the smallest; equal values share the mean of their ranks."""
    order, starts = _ties(values)
    size = np.diff(starts, append=values.size)
    made = np.empty(values.size)
    made[order] = np.repeat(starts + (size + 1) / 2, size)
    return made
