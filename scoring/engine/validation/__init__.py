"""Is it true what the chances say? Splits, measures, drift, curves and money: arrays in, JSON out (ADR 0018).

Everything is deterministic by its `seed`. scipy and statsmodels load inside the functions that need them.
"""

from .measures import measure
from .origins import Origin, Origins, Part, fold_of, origins
from .rows import HORIZONS, Rows, known_at, outcome
from .thresholds import choose_threshold

__all__ = [
    "HORIZONS", "Origin", "Origins", "Part", "Rows", "choose_threshold", "fold_of", "known_at", "measure", "origins",
    "outcome",
]  # fmt: skip
