"""A model small enough to be worked out with a pocket calculator, and rows for it."""

from dataclasses import replace

import numpy as np

from scoring.engine.churn import timing as contract
from scoring.engine.churn.data import PERIODS, Stack
from scoring.engine.churn.model import Curve, Fitted, Timing

LEVEL = -3.0
ENDS = 1.5


def curve(name, xs, table, *, usual=0.0, early=None, form="linear", spread=None):
    early = None if early is None else np.array(early, float)
    return Curve(name, form, np.array(xs, float), np.array(table, float), usual, early, spread)


def model(curves=None, **changes) -> Fitted:
    """logit = -3 + 1.5 where the term ends in the period + curves."""
    coefs = np.zeros(len(contract.COLUMNS))
    coefs[: len(PERIODS)] = LEVEL
    base = coefs.copy()
    coefs[contract.COLUMNS.index("term.ends")] = ENDS
    if curves is None:
        curves = (
            curve("usage.level", [0, 10], [1.0, -1.0, 0.5], usual=5.0),
            curve(
                "satisfaction.nps", [1, 2, 4], [0.4, 0.0, -0.8, 0.1], usual=2.0, early=[0.2, 0.0, 0.0, 0.0]
            ),
        )
    flat = np.full(len(PERIODS), LEVEL)
    timing = Timing(coefs=coefs, usual=flat, base=base, base_usual=flat)
    return Fitted("additive", tuple(curves), timing, **changes)


def rows(x, names=("usage.level", "satisfaction.nps"), *, renewal_in=None) -> Stack:
    x = np.array(x, float).reshape(-1, len(names))
    count = len(x)
    return Stack(
        x=x,
        names=tuple(names),
        account=np.arange(count),
        day=np.full(count, 20_000),
        segment=np.zeros(count, np.int64),
        segments=("all",),
        arr=np.full(count, np.nan),
        renewal_in=np.full(count, np.nan) if renewal_in is None else np.array(renewal_in, float),
        term_days=np.full(count, 365.0),
        leaves_in=np.full(count, np.inf),
        seen_for=np.full(count, 365.0),
    )


def replaced_timing(fitted: Fitted, **changes) -> Fitted:
    return replace(fitted, timing=replace(fitted.timing, **changes))
