"""What is associated with an account's chance of leaving, as short sentences made from the model's exact parts."""

import json
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from scoring.breakdown import words
from scoring.catalogue import BY_KEY, INDICATORS
from scoring.chances import Chances

Floats = NDArray[np.float64]
MOST_UP, MOST_DOWN = 5, 2
LEAST_PART = 0.05  # of log-odds: a smaller part says nothing
_PLACES = {each.key: at for at, each in enumerate(INDICATORS)}

# what the model reads beside indicators: words with a value, and without one
_OTHER = {
    "account.tenure_days": ("Customer for {v:.0f} days", "It is not known since when it is a customer"),
    "account.log_arr": ("The size of the contract", "The size of the contract is not known"),
    "contract.term_days": ("A term of {v:.0f} days", "The length of the term is not known"),
    "contract.auto_renew": (
        "Whether the term renews by itself",
        "Whether the term renews by itself is not known",
    ),
    "contract.timing": ("When the term ends", "When the term ends"),
}


def sentence(name: str, value: float, windows: Mapping[str, int] | None = None) -> str:
    """What the model read, in words; `value` NaN: nothing. `windows`: days that are not the declared ones."""
    if name in BY_KEY:
        about = {"days": windows or {}}
        return f"No value yet: {BY_KEY[name].label}" if np.isnan(value) else words(name, value, about)
    if name.startswith("segment."):
        return f"Segment {name.partition('.')[2].replace('_', ' ')}"
    known, unknown = _OTHER.get(name, (name, name))
    return unknown if np.isnan(value) and "{v" in known else known.format(v=value)


def without(chances: Chances, rows: slice) -> Floats:
    """n x parts: how much lower p90 would be if this part alone were not there."""
    logit = chances.base[rows, None] + chances.parts[rows].sum(axis=1, keepdims=True)
    change: Floats = _share(logit) - _share(logit - chances.parts[rows])
    return change


def reasons(chances: Chances, rows: slice, ages: Floats, day: date) -> list[str]:
    """JSON by account: upward parts first, the largest first, then downward ones.

    `ages`: accounts x indicators, days from the newest evidence to `day`, NaN without any.
    """
    parts, change = chances.parts[rows], without(chances, rows)
    order = np.argsort(-parts, axis=1, kind="stable")
    found = []
    for at in range(len(parts)):
        up = [int(column) for column in order[at, :MOST_UP] if parts[at, column] >= LEAST_PART]
        down = [int(column) for column in order[at, ::-1][:MOST_DOWN] if parts[at, column] <= -LEAST_PART]
        told = [
            _told(chances, rows.start + at, column, float(change[at, column]), ages[at], day)
            for column in (*up, *down)
        ]
        found.append(json.dumps(told))
    return found


def _told(
    chances: Chances, row: int, column: int, change: float, ages: Floats, day: date
) -> dict[str, str | float | list[float] | None]:
    name, value = chances.names[column], float(chances.x[row, column])
    usual = chances.usual.get(name)
    age = ages[_PLACES[name]] if name in _PLACES else np.nan
    return {
        "key": name,
        "text": sentence(name, value, chances.windows),
        "part": round(float(chances.parts[row, column]), 4),
        "points": round(100 * change, 1),
        "value": None if np.isnan(value) else round(value, 4),
        "usual": [round(each, 4) for each in usual] if usual else None,
        "day": None if np.isnan(age) else str(day - timedelta(days=int(age))),
    }


def _share(logit: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-logit))
