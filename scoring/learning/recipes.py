"""The ways to fit that are tried beside each other: the additive default, the boosted challenger, and part models.

A part model knows one group of dimensions alone; the ensemble weighs the four parts on later rows. Any of them is the
model where the back-test shows it to be better than the default on later rows, and only there.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from scoring.catalogue import BY_KEY, Dimension
from scoring.engine.churn.basis import Looked
from scoring.engine.churn.boosted import NotAdditive, fit_boosted
from scoring.engine.churn.calibrate import calibrate, carried_over
from scoring.engine.churn.data import Stack
from scoring.engine.churn.fit import Options, fit
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


def refitted(name: str, judged: Fitted, rows: Stack, later: Stack, options: Options) -> Fitted:
    """The same way to fit on all rows, with the choices and the map that later rows have made.

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
        made = carried_over(judged.calibration, fit_one(name, rows, same), later)
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
    looked: Looked = {}  # where the features' knots lie is the same for every candidate

    def tried(name: str) -> Fitted | str:
        try:
            return fit_one(name, train, replace(options_of(name), looked=looked))
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
