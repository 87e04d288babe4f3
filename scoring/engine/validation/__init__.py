"""Is it true what the chances say? Splits, measures, drift, curves and money: arrays in, JSON out (ADR 0018).

Everything is deterministic by its `seed`. sklearn and scipy load inside the functions that need them.
"""

from .drift import Exposures, Sample, drift, exposures
from .expansion import hit_rates
from .foresight import RiskSets, features_slope, risk_sets
from .gates import gates, risk_level
from .leadtime import Leavers, lead_time
from .leaks import leaks
from .measures import measure
from .movement import Movement, movement
from .origins import Origin, Origins, Part, fold_of, origins
from .promotion import promote
from .reliability import reliability
from .revenue import renewal_revenue, score_forecasts
from .rows import HORIZONS, Rows, known_at, outcome
from .shift import psi
from .survival import compare, holm, kaplan_meier, logrank, logrank_all, percentile
from .thresholds import choose_threshold

__all__ = [
    "HORIZONS",
    "Exposures",
    "Leavers",
    "Movement",
    "Origin",
    "Origins",
    "Part",
    "RiskSets",
    "Rows",
    "Sample",
    "choose_threshold",
    "compare",
    "drift",
    "exposures",
    "features_slope",
    "fold_of",
    "gates",
    "hit_rates",
    "holm",
    "kaplan_meier",
    "known_at",
    "lead_time",
    "leaks",
    "logrank",
    "logrank_all",
    "measure",
    "movement",
    "origins",
    "outcome",
    "percentile",
    "promote",
    "psi",
    "reliability",
    "renewal_revenue",
    "risk_level",
    "risk_sets",
    "score_forecasts",
]
