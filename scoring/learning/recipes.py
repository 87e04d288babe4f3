"""The ways to fit that are tried beside each other: the additive default, the boosted challenger, and part models.

A part model knows one group of dimensions alone; the ensemble weighs the four parts on later rows. Any of them is the
model where the back-test shows it to be better than the default on later rows, and only there.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from scoring.catalogue import BY_KEY, Dimension
from scoring.engine.churn.basis import Shared
from scoring.engine.churn.boosted import NotAdditive, fit_boosted
from scoring.engine.churn.calibrate import calibrate, carried_over
from scoring.engine.churn.data import Stack, leavers
from scoring.engine.churn.fit import FEW, Options, fit
from scoring.engine.churn.model import Fitted
from scoring.engine.churn.parts import ensemble
from scoring.engine.churn.threads import one_thread

D = Dimension
PARTS: dict[str, tuple[Dimension, ...]] = {
    "usage": (D.USAGE,),
    "engagement": (D.ENGAGEMENT, D.STAKEHOLDERS),
    "satisfaction": (D.SATISFACTION,),
    "business": (D.BUSINESS, D.OUTCOMES),
}
DEFAULT = "additive"
ENSEMBLE = "ensemble"
NAMES = (DEFAULT, "boosted", *(f"part.{part}" for part in PARTS), ENSEMBLE)
MAY_BE_CHOSEN = NAMES

AT_ONCE = 2  # candidates fitted at a time: as many as the smallest machine has cores

OptionsOf = Callable[[str], Options]


def part_of(name: str) -> str:
    """The part that a feature belongs to; what is no indicator describes the contract."""
    indicator = BY_KEY.get(name)
    if indicator is None:
        return "business"
    return next(part for part, dimensions in PARTS.items() if indicator.dimension in dimensions)


def features_of(stack: Stack, part: str) -> tuple[str, ...]:
    return tuple(name for name in stack.names if part_of(name) == part)


def fit_one(name: str, train: Stack, options: Options) -> Fitted:
    """One candidate, not yet calibrated; the ensemble needs its parts and is not one of them."""
    if name == "boosted":
        return fit_boosted(train, options=options)
    if name.startswith("part."):
        features = features_of(train, name.removeprefix("part."))
        return replace(fit(train, options=replace(options, features=features)), kind=name)
    return fit(train, options=options)


def final(name: str, train: Stack, later: Stack, rows: Stack, options: Options) -> Fitted:
    """A candidate learnt from `train`, judged and calibrated on `later`, then learnt from all rows (`refitted`).

    Where the choices are given beforehand, the second fit waits for nothing and stands beside the first. ValueError
    where there is too little to learn from or to calibrate on.
    """
    is_settled = name != ENSEMBLE and (options.penalty is not None or options.trees is not None)
    if is_settled:
        options = replace(options, few=leavers(train) < FEW)
    with one_thread(), ThreadPoolExecutor(1) as beside:
        whole = beside.submit(fit_one, name, rows, options) if is_settled else None
        made, failed = fit_all([name], train, later, lambda _: options)
        if name not in made:
            raise ValueError(failed[name])
        return refitted(name, made[name], rows, later, options, whole)


def refitted(
    name: str,
    judged: Fitted,
    rows: Stack,
    later: Stack,
    options: Options,
    whole: Future[Fitted] | None = None,
) -> Fitted:
    """The same way to fit on all rows, with the choices and the map that later rows have made; `whole` is that fit
    where it has begun already.

    Calibration takes the newest windows away from the fit: a third of those who left, where history is short. Where
    the base rate stands in nothing is gained, and the ensemble's weights belong to the parts they were found for. A fit
    that fails leaves the judged one, and says why.
    """
    if name == ENSEMBLE or judged.calibration.method == "base_rate":
        return judged
    facts = judged.facts
    chosen = {key: facts[key] for key in ("penalty", "own_penalty", "trees", "few") if key in facts}
    same = replace(options, **chosen, early_names=tuple(facts.get("early", ())))
    try:
        again = whole.result() if whole is not None else fit_one(name, rows, same)
        made = carried_over(judged.calibration, again, later)
    except (ValueError, NotAdditive) as error:
        return replace(judged, facts=dict(facts) | {"refit_failed": str(error)})
    return replace(made, facts=dict(made.facts) | {"judged_on": facts["rows"]})


def longest_first(names: Sequence[str]) -> list[str]:
    """So that the others are fitted beside the trees, and not the trees alone at the end."""
    return sorted(names, key=lambda name: name != "boosted")


def fit_all(
    names: Sequence[str], train: Stack, later: Stack, options_of: OptionsOf
) -> tuple[dict[str, Fitted], dict[str, str]]:
    """(calibrated candidates, why others could not be fitted). The ensemble is made of the parts fitted anyway."""
    wanted = [name for name in names if name != ENSEMBLE]
    if ENSEMBLE in names:
        wanted += [f"part.{part}" for part in PARTS if f"part.{part}" not in names]
    shared = Shared()

    def tried(name: str) -> Fitted | str:
        try:
            return fit_one(name, train, replace(options_of(name), shared=shared))
        except (ValueError, NotAdditive) as error:  # nobody is seen to leave yet, or nothing varies
            return str(error)

    # a candidate is fitted on one thread, so that its figures are the same everywhere; candidates stand side by side
    order = longest_first(wanted)
    with one_thread(), ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(order, pool.map(tried, order), strict=True))
    raw = {name: made for name in wanted if isinstance(made := found[name], Fitted)}
    failed = {name: why for name in wanted if isinstance(why := found[name], str)}
    if ENSEMBLE in names:
        parts = {part: raw[f"part.{part}"] for part in PARTS if f"part.{part}" in raw}
        try:
            raw[ENSEMBLE] = ensemble(parts, later)
        except ValueError as error:
            failed[ENSEMBLE] = str(error)
    wanted = [name for name in names if name in raw]
    with one_thread(), ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda name: calibrate(raw[name], later), wanted))
    return dict(zip(wanted, done, strict=True)), failed
