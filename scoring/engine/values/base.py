"""What all formulas share: quotients that know what is unknown, and what silence means."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Raw = Mapping[str, Floats]
Formula = Callable[[Raw], Floats]

MAX_QUIET_DAYS = 365


def ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, NaN where either is unknown or bottom is not above zero."""
    known = bottom > 0
    return np.where(known, top / np.where(known, bottom, 1.0), np.nan)


def needs(condition: NDArray[np.bool_], value: Floats) -> Floats:
    return np.where(condition, value, np.nan)


def zero_if_silent(count: Floats) -> Floats:
    """No row of a source that is there means zero of them. Whether the source is there is asked elsewhere."""
    return np.nan_to_num(count, nan=0.0)


def seen_days(raw: Raw, source: str) -> Floats:
    """How long the account's silence could have been noticed: since it is a customer and since the source began."""
    return np.minimum(raw["tenure_days"], raw[f"{source}.source_first_ago"])


def quiet_days(raw: Raw, ago: Floats, key: str = "") -> Floats:
    """Days since the newest contact; where none is recorded, since the account's records begin.

    At most the days of that indicator's window, MAX_QUIET_DAYS without one.
    """
    most = raw[f"window.{key}"] if key else MAX_QUIET_DAYS
    silent = np.isnan(ago)
    return np.minimum(np.where(silent, seen_days(raw, "activities"), ago), most)
