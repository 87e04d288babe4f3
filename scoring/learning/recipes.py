"""The ways to fit that are tried beside each other: the additive default, the boosted challenger, and part models.

A part model knows one group of dimensions alone; the ensemble weighs the four parts on later rows. Part models are
shown beside the others and are never the model themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from scoring.catalogue import BY_KEY, Dimension
from scoring.engine.churn.boosted import NotAdditive, fit_boosted
from scoring.engine.churn.calibrate import calibrate
from scoring.engine.churn.data import Stack
from scoring.engine.churn.fit import Options, fit
from scoring.engine.churn.model import Fitted
from scoring.engine.churn.parts import ensemble

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
MAY_BE_CHOSEN = (DEFAULT, "boosted", ENSEMBLE)

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


def fit_all(
    names: Sequence[str], train: Stack, later: Stack, options_of: OptionsOf
) -> tuple[dict[str, Fitted], dict[str, str]]:
    """(calibrated candidates, why others could not be fitted). The ensemble is made of the parts fitted anyway."""
    wanted = [name for name in names if name != ENSEMBLE]
    if ENSEMBLE in names:
        wanted += [f"part.{part}" for part in PARTS if f"part.{part}" not in names]
    raw: dict[str, Fitted] = {}
    failed: dict[str, str] = {}
    for name in wanted:
        try:
            raw[name] = fit_one(name, train, options_of(name))
        except (ValueError, NotAdditive) as error:  # nobody is seen to leave yet, or nothing varies
            failed[name] = str(error)
    if ENSEMBLE in names:
        parts = {part: raw[f"part.{part}"] for part in PARTS if f"part.{part}" in raw}
        try:
            raw[ENSEMBLE] = ensemble(parts, later)
        except ValueError as error:
            failed[ENSEMBLE] = str(error)
    return {name: calibrate(raw[name], later) for name in names if name in raw}, failed
