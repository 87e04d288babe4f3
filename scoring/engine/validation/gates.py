"""Gates as rows, and the risk level that does not flutter.

Sources: SCORING.md c and issue 4 point 3. Hysteresis as in a Schmitt trigger: a crossing needs a margin, or two
scorings running.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .rows import Floats, Ints

CUTS = (0.10, 0.30, 0.60)  # low, medium, high, critical
MARGIN = 0.05
NONE = -1


def gates(figures: Mapping[str, Any], limits: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a limit, in the order of `limits`: {key, needed, found, passed, words}.

    A limit holds `least`, `most`, `above` or some of them; `words` names it, `unit` is "%" or a word, and `use`
    ("value", "low", "high") says which end of a figure with an interval must hold. A figure that is missing fails its
    gate.
    """
    rows = []
    for key, limit in limits.items():
        found = _found(figures.get(key), limit.get("use", "value"))
        least, most, above = (limit.get(each) for each in ("least", "most", "above"))
        passed = (
            found is not None
            and (least is None or found >= least)
            and (most is None or found <= most)
            and (above is None or found > above)
        )
        unit = limit.get("unit", "")
        needed = " and ".join(
            f"{word} {_shown(each, unit)}"
            for word, each in (("at least", least), ("at most", most), ("above", above))
            if each is not None
        )
        have = "not known yet" if found is None else _shown(found, unit)
        words = f"{limit.get('words', key)}: {have}, {needed} needed."
        rows.append({"key": key, "needed": needed, "found": found, "passed": passed, "words": words})
    return rows


def _found(given: Any, use: str) -> float | None:
    value = given.get(use) if isinstance(given, Mapping) else given
    return None if value is None or not np.isfinite(value) else float(value)


def _shown(value: float, unit: str) -> str:
    return f"{value * 100:.4g} %" if unit == "%" else f"{value:.4g} {unit}".strip()


def risk_level(
    p90: Floats, cuts: Sequence[float], previous: Ints, pending: Ints, *, margin: float = MARGIN
) -> tuple[Ints, Ints]:
    """(level, pending) per account: 0 low .. 3 critical with three cuts, -1 unknown (no chance).

    `previous` and `pending` are what the last scoring returned, -1 for none. A level changes at once over each cut that
    the chance is `margin` beyond, and over others as far as two scorings running agree. The first level is plain.
    ValueError for a margin below zero: a level would change before its cut.
    """
    if margin < 0:
        raise ValueError(f"a level's margin is {margin}, and cannot be below zero")
    edges = np.asarray(cuts, dtype=np.float64)
    known = ~np.isnan(p90)
    plain = np.searchsorted(edges, p90, side="right")
    # as far as the margin carries; rounded, because .1 + .02 is a little more than .12
    sure_up = np.searchsorted(np.round(edges + margin, 9), p90, side="right")
    sure_down = np.searchsorted(np.round(edges - margin, 9), p90, side="right")
    waited = pending != NONE
    up = np.maximum(sure_up, np.where(waited & (pending > previous), np.minimum(plain, pending), 0))
    down = np.minimum(
        sure_down, np.where(waited & (pending < previous), np.maximum(plain, pending), len(edges))
    )
    level = np.where(plain > previous, np.maximum(up, previous), np.minimum(down, previous))
    level = np.where(previous == NONE, plain, level)
    asked = np.where(plain != level, plain, NONE)
    return np.where(known, level, NONE), np.where(known, asked, NONE)
