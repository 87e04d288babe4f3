"""What past chances were worth: every figure with its interval, the candidates beside each other, lead time, kinds.

The report is JSON with stable names (docs/scoring.md, "What a back-test says"). Thresholds are chosen on the older
half of the tested days and judged on the newer one; candidates are compared on the same rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engine.churn.data import Stack, take
from scoring.engine.validation import HORIZONS, choose_threshold, features_slope, measure, outcome
from scoring.engine.validation.promotion import promote
from scoring.engine.validation.reliability import reliability
from scoring.learning import labels, warned
from scoring.learning.choices import precisions
from scoring.learning.recipes import DEFAULT, MAY_BE_CHOSEN
from scoring.learning.rolling import HORIZON, LEAST_ORIGINS, Forecasts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 500
DRAWS_OF_CANDIDATES = 200
JUDGED_LATER = ("precision", "recall", "recall_of_arr")  # figures that hang on the chosen threshold
AT = HORIZONS.index(HORIZON)


@dataclass(frozen=True)
class Wishes:
    """What a tenant decided, and how many accounts its people can look at on one day."""

    precision: float
    capacity: int


def report(
    stack: Stack, forecasts: Forecasts, *, known: labels.Leavers, until: int, wishes: Wishes, seed: int = 1
) -> dict[str, Any]:
    """The whole back-test; with too few origins only what is missing, under `origins_missing`."""
    made: dict[str, Any] = {
        "origins": _origins(stack, forecasts),
        "origins_missing": forecasts.origins.why,
        "folds": forecasts.folds,
        "embargo_days": HORIZON,
        "candidates_failed": forecasts.failed,
        "horizons": {},
    }
    if len(forecasts.origins) < LEAST_ORIGINS:
        return made | {"chosen": DEFAULT, "chosen_why": "The default: there is nothing to compare it on."}
    rows = take(stack, forecasts.rows)
    candidates, chosen, why = compare(rows, forecasts, seed=seed)
    if chosen not in forecasts.p or np.isnan(forecasts.p[chosen]).any():
        made["origins_missing"] = f"The default could not be fitted at every past day: {forecasts.failed}."
        return made | {"chosen": DEFAULT, "chosen_why": "The default could not be judged."}
    p = forecasts.p[chosen]
    cuts, thresholds = choose(rows, p, wishes, seed=seed)
    figures = _figures(rows, p, forecasts.base, cuts, wishes, seed)
    at_cut, newer = cuts[AT], np.flatnonzero(~is_older(rows.day))
    judged = take(rows, newer)  # the days that did not choose the threshold
    return made | {
        "chosen": chosen,
        "chosen_why": why,
        "choice": forecasts.choices.get(chosen, {}),
        "candidates": candidates,
        "thresholds": thresholds,
        "precisions": precisions(rows, p, is_older(rows.day), seed=seed, wanted=wishes.precision),
        **figures,
        "by_origin": _by_origin(rows, p, cuts, wishes),
        "lead_time": warned.warning(judged, p[newer, AT], known, until, at_cut, seed),
        "features_slope": slope_of_features(rows, p, forecasts.timing[chosen]),
        "kinds": warned.kinds(judged, p[newer, AT], known, at_cut, horizon=HORIZON, seed=seed),
        "reliability": _reliability(rows, p, seed),
        "reliability_segments": _reliability_of_segments(rows, p, seed),
    }


def compare(rows: Stack, forecasts: Forecasts, *, seed: int) -> tuple[dict[str, Any], str, str]:
    """(every candidate's figures at 90 days, the one chosen, why). A challenger must be shown to be better."""
    found: dict[str, Any] = {}
    for name, p in forecasts.p.items():
        if np.isnan(p).any():
            found[name] = {
                "judged": False,
                "why": forecasts.failed.get(name, "It could not be fitted everywhere."),
            }
            continue
        measured = measure(
            rows, p[:, [AT]], threshold=0.5, capacity=1, draws=DRAWS_OF_CANDIDATES, seed=seed,
            base=forecasts.base[:, [AT]], horizons=(HORIZON,), least_events=len(rows) + 1,
        )  # fmt: skip
        whole = measured["horizons"][str(HORIZON)]["all"]
        names = ("n", "events", "auc", "log_loss", "brier", "brier_skill", "ece", "slope")
        found[name] = {"judged": True, **{each: whole[each] for each in names}}
    default = forecasts.p.get(DEFAULT)
    better: list[tuple[float, str]] = []
    for name in found:
        if name == DEFAULT or not found[name]["judged"] or default is None or np.isnan(default).any():
            continue
        against = promote(rows, forecasts.p[name], default, draws=DRAWS, seed=seed)
        found[name]["against_default"] = against
        if against["promote"] and name in MAY_BE_CHOSEN:
            better.append((found[name]["log_loss"]["value"], name))
    if not better:
        return found, DEFAULT, "No other candidate is shown to be better on the same rows."
    chosen = min(better)[1]
    return found, chosen, f"{chosen}: {found[chosen]['against_default']['words']}."


def slope_of_features(rows: Stack, p: Floats, timing: Floats) -> dict[str, Any] | None:
    """What the features were worth within 90 days, apart from the contract's dates: what drift holds them to."""
    known, left = outcome(rows, HORIZON)
    p90 = np.clip(p[known, AT], 1e-9, 1 - 1e-9)
    features = np.log(p90) - np.log1p(-p90) - timing[known]
    return features_slope(take(rows, known), left[known], features, timing[known])


def choose(rows: Stack, p: Floats, wishes: Wishes, *, seed: int) -> tuple[list[float], dict[str, Any]]:
    """(threshold of each horizon, what was found on the older half of the tested days)."""
    older = is_older(rows.day)
    cuts, found = [], {}
    for at, horizon in enumerate(HORIZONS):
        known, left = outcome(rows, horizon)
        mine = older & known
        one = choose_threshold(
            p[mine, at],
            left[mine].astype(np.float64),
            wishes.precision,
            account=rows.account[mine],
            draws=DRAWS,
            seed=seed,
        )
        cuts.append(
            one["threshold"] if one["reached"] else _at_capacity(rows, p[:, at], older, wishes.capacity)
        )
        found[str(horizon)] = one | {
            "used": cuts[-1],
            "used_is": "the precision wanted" if one["reached"] else "as many flags as the team can look at",
            "chosen_on": [str(labels.day_of(day)) for day in np.unique(rows.day[older])],
            "judged_on": [str(labels.day_of(day)) for day in np.unique(rows.day[~older])],
        }
    return cuts, found


def _at_capacity(rows: Stack, p: Floats, older: NDArray[np.bool_], capacity: int) -> float:
    """The threshold that flags as many accounts a day as people can look at, on the older days."""
    mine = np.sort(p[older])[::-1]
    flags = min(capacity * len(np.unique(rows.day[older])), len(mine))
    return float(mine[flags - 1]) if flags else 1.0


def is_older(day: Ints) -> NDArray[np.bool_]:
    """Rows of the older half of the days; of an odd number the middle one judges."""
    days = np.unique(day)
    return np.isin(day, days[: len(days) // 2])


def _figures(
    rows: Stack, p: Floats, base: Floats, cuts: list[float], wishes: Wishes, seed: int
) -> dict[str, Any]:
    """`measure` over all tested days, with what hangs on the threshold taken from the days that did not choose it."""
    settings: dict[str, Any] = {"threshold": cuts, "capacity": wishes.capacity, "draws": DRAWS, "seed": seed}
    whole = measure(rows, p, base=base, **settings)
    newer = np.flatnonzero(~is_older(rows.day))
    later = measure(take(rows, newer), p[newer], base=base[newer], **settings)
    for horizon, each in whole["horizons"].items():
        theirs = later["horizons"][horizon]
        _carry_over(each["all"], theirs["all"])
        for segment, figures in each["segments"].items():
            _carry_over(figures, theirs["segments"].get(segment, {}))
    return whole


def _carry_over(to: dict[str, Any], given: dict[str, Any]) -> None:
    for name in JUDGED_LATER:
        if name in to:
            to[name] = given.get(name)


def _origins(stack: Stack, forecasts: Forecasts) -> list[dict[str, Any]]:
    found = []
    for origin in forecasts.origins:
        rows = forecasts.rows[forecasts.origin == origin.day]
        left = stack.leaves_in[rows] < HORIZON
        found.append(
            {
                "day": str(labels.day_of(origin.day)),
                "trained_at": str(labels.day_of(origin.trained_at)),
                "train_days": len(origin.train),
                "calibrate_days": len(origin.calibrate),
                "accounts": len(rows),
                "left_90": int(left.sum()),
            }
        )
    return found


def _by_origin(rows: Stack, p: Floats, cuts: list[float], wishes: Wishes) -> list[dict[str, Any]]:
    """Figures of each tested day at 90 days, so that their spread shows; without intervals."""
    found = []
    for day in np.unique(rows.day):
        mine = np.flatnonzero(rows.day == day)
        measured = measure(
            take(rows, mine), p[mine], threshold=cuts, capacity=wishes.capacity, draws=0,
            horizons=HORIZONS, least_events=len(rows) + 1,
        )  # fmt: skip
        whole = measured["horizons"][str(HORIZON)]["all"]
        figures = {
            name: (whole.get(name) or {}).get("value")
            for name in ("auc", "brier", "log_loss", "ece", "slope")
        }
        counts = {"n": whole["n"], "events": whole["events"]}
        found.append({"day": str(labels.day_of(day)), **counts, **figures})
    return found


def _reliability(rows: Stack, p: Floats, seed: int) -> dict[str, Any]:
    made = {}
    for at, horizon in enumerate(HORIZONS):
        known, left = outcome(rows, horizon)
        made[str(horizon)] = reliability(
            p[known, at], left[known].astype(np.float64), rows.account[known], horizon, draws=DRAWS, seed=seed
        )
    return made


def _reliability_of_segments(rows: Stack, p: Floats, seed: int) -> dict[str, Any]:
    """By horizon the diagram of each segment; of small ones the count alone, as `reliability` withholds them."""
    made: dict[str, Any] = {str(horizon): {} for horizon in HORIZONS}
    for place, name in enumerate(rows.segments):
        mine = np.flatnonzero(rows.segment == place)
        if mine.size:
            for horizon, found in _reliability(take(rows, mine), p[mine], seed).items():
                made[horizon][name] = found
    return made
