"""How inputs and scores lay in training, small enough to keep with every version: what drift is measured against.

Kept are evenly spaced quantiles and the share without a value, of the newest year of training. Shifts are counted by
deciles (scoring.engine.validation.drift), which 101 quantiles give back to a hundredth of the rows. Kept is also how
far inputs moved by themselves from past day to past day (scoring.engine.validation.movement).
"""

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.automation.models import TrainingSample
from scoring.engine.churn.chances import chances
from scoring.engine.churn.data import SHOWN, Stack, spread_key, take
from scoring.engine.churn.model import Fitted, on_curve
from scoring.engine.validation import Movement, Sample, movement
from scoring.engine.validation.drift import by_account
from scoring.engine.validation.movement import Ordinary
from scoring.learning.labels import day_number, day_of
from scoring.models import ChurnModel
from tenants.models import Tenant

Floats = NDArray[np.float64]

POINTS = 101
GRID = 400  # rows that a kept sample is laid out on again
NEWEST_DAYS = 365
MOST_ROWS = 20_000  # of which the score is computed
MOST_ROWS_MOVED = 10_000  # of which it is counted how far inputs moved, day by day and lag by lag
SEED = 1
AGEING = frozenset({"account.tenure_days"})  # drifts by itself: everybody grows older


def keep(tenant: Tenant, row: ChurnModel, fitted: Fitted, stack: Stack) -> TrainingSample:
    """Write the sample of a version that was just registered. Needs the tenant's transaction."""
    made, _ = TrainingSample.objects.for_tenant(tenant).update_or_create(
        tenant=tenant, model=row, defaults=described(fitted, stack)
    )
    return made


def described(fitted: Fitted, stack: Stack) -> dict[str, Any]:
    """The columns of a `TrainingSample`."""
    recent = take(stack, stack.day >= stack.day.max() - NEWEST_DAYS)
    some = take(recent, np.arange(0, len(recent), max(len(recent) // MOST_ROWS, 1)))
    names = tuple(each.name for each in fitted.curves if each.name in stack.names and each.name not in AGEING)
    columns = [recent.x[:, stack.names.index(name)].astype(np.float64) for name in names]
    return {
        "names": list(names),
        "quantiles": [_quantiles(column) for column in columns],
        "missing": [float(np.isnan(column).mean()) for column in columns],
        "score": _quantiles(chances(fitted, some).p[:, 2]),
        "movement": _movement(names, stack),
        "rows": len(recent),
        "accounts": by_account(recent.account),
    }


def _movement(names: tuple[str, ...], stack: Stack) -> dict[str, Any]:
    """How far inputs (in the order of the names) moved, on the rows of some accounts, all of each."""
    share = MOST_ROWS_MOVED / max(len(stack), 1)
    some = take(stack, spread_key(stack.account, np.zeros_like(stack.day), SEED) < share)
    if not len(some):
        return {}
    x = some.x[:, [stack.names.index(name) for name in names]].astype(np.float64)
    found = movement(x, some.account, some.day)
    tables = {name: np.round(getattr(found, name), 5).tolist() for name in ("psi", "missing")}
    return tables | {"lags": found.lags, "newest": str(day_of(int(stack.day.max())))}


def ordinary(kept: TrainingSample, places: list[int], *, as_of: date) -> Ordinary | None:
    """What these inputs do by themselves in the time since training; None where that is not known."""
    told = kept.movement
    if not told or not told["lags"]:
        return None
    psi, missing = (
        np.array(told[name], dtype=np.float64).reshape(-1, told["lags"])[places]
        for name in ("psi", "missing")
    )
    moved = Movement(psi, missing)
    return moved.within(day_number(as_of) - day_number(date.fromisoformat(told["newest"])))


def reach(fitted: Fitted, names: list[str], training: Sample, now: Sample) -> Floats:
    """How far each input's part of the log-odds moved, on average over the accounts (Wasserstein-1 by quantiles).

    The first period's own part counts as one of the three that are shown.
    """
    slope = 0.0 if fitted.calibration.method == "base_rate" else fitted.calibration.slope
    curves = {curve.name: curve for curve in fitted.curves}
    shares = (np.arange(POINTS) + 0.5) / POINTS
    found = np.zeros(len(names))
    for at, name in enumerate(names):
        curve, parts = curves[name], []
        for sample in (training, now):
            part = on_curve(curve, curve.table, sample.x[:, at]) * fitted.fade[:SHOWN].mean()
            if curve.early is not None:
                part = part + on_curve(curve, curve.early, sample.x[:, at]) / SHOWN
            parts.append(np.quantile(part, shares) if part.size else np.zeros(POINTS))
        found[at] = abs(slope) * np.abs(parts[1] - parts[0]).mean()
    return found


def _quantiles(column: Floats) -> list[float]:
    """POINTS values that occur, from the smallest to the largest; none where there is no value."""
    known = column[~np.isnan(column)]
    if not known.size:
        return []
    found = np.quantile(known, np.linspace(0, 1, POINTS), method="inverted_cdf")
    return [float(f"{each:.9g}") for each in found]


def sample_of(kept: TrainingSample) -> Sample:
    """The kept sample as rows again: GRID of them, NaN as often as in training."""
    x = np.column_stack(
        [_column(*each) for each in zip(kept.quantiles, kept.missing, strict=True)] or [np.zeros((GRID, 0))]
    )
    return Sample(x=x, score=_laid_out(kept.score, GRID), accounts=kept.accounts)


def _column(quantiles: list[float], missing: float) -> Floats:
    blank = GRID if not quantiles else round(missing * GRID)
    column = np.full(GRID, np.nan)
    if blank < GRID:
        column[blank:] = _laid_out(quantiles, GRID - blank)
    return column


def _laid_out(quantiles: list[float], rows: int) -> Floats:
    """`rows` values that are spread as the quantiles say: the middle of each equal share."""
    places = np.rint((np.arange(rows) + 0.5) / rows * (POINTS - 1)).astype(np.int64)
    return np.array(quantiles, dtype=np.float64)[places] if quantiles else np.full(rows, np.nan)


def now_of(kept_names: list[str], fitted: Fitted, stack: Stack) -> Sample:
    """The same inputs and scores of one day's customers."""
    x = stack.x[:, [stack.names.index(name) for name in kept_names]].astype(np.float64)
    return Sample(x=x, score=chances(fitted, stack).p[:, 2], accounts=len(stack))


def only(sample: Sample, places: list[int]) -> Sample:
    """These inputs alone, in this order."""
    return Sample(x=sample.x[:, places], score=sample.score, accounts=sample.accounts)


def nothing() -> Sample:
    """No inputs and no scores."""
    return Sample(x=np.zeros((0, 0)), score=np.zeros(0), accounts=0)
