"""The form every model of leaving has: curves of single features, the contract's timing, one calibration map.

logit(hazard in period k) = intercept + slope x (timing_k + fade_k x sum of curves + sum of early curves where k is
the first period). A curve is linear between its `xs` and flat beyond them, or a step: `ys[j]` where j of the xs lie
below the value (a value equal to an x still belongs to the left). `fade` falls from 1 with the periods: what is seen
today says less of what lies far ahead (`fading`). Evaluation needs numpy alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from . import timing as contract
from .data import PERIODS, SHOWN, Floats, Ints, Stack, columns, take

LASTING = np.ones(len(PERIODS))  # what is seen today says as much of every period
BLOCK = 20_000  # rows at a time: their timing columns take 17 MB


@dataclass(frozen=True)
class Curve:
    """One feature's part. Tables have a row for each y and a last one for "no value"."""

    name: str
    form: Literal["linear", "step"]
    xs: Floats
    table: Floats  # len(ys) + 1
    usual: float  # the reference; NaN: no value is usual
    early: Floats | None = None  # what the first period adds, in the shape of table
    spread: Floats | None = None  # len(ys) + 1 x directions: square root of the covariance of table
    early_spread: Floats | None = None


@dataclass(frozen=True)
class Timing:
    """The contract's part of every period, and that of a model that knows nothing else."""

    coefs: Floats  # columns of timing.COLUMNS
    usual: Floats  # periods: mean part of the training rows
    base: Floats  # coefficients without any feature: base rates
    base_usual: Floats
    auto: str = ""  # the feature that says whether a term renews by itself
    link: Curve | None = None  # the boosted model's function of base timing within 90 days, added to coefs
    spread: Floats | None = None  # columns x directions
    base_spread: Floats | None = None


@dataclass(frozen=True)
class Calibration:
    """What the closed test on later rows decided, with the figures it decided by."""

    method: Literal["none", "intercept", "both", "base_rate"] = "none"
    intercept: float = 0.0
    slope: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A model. `facts` says what it was fitted on; it changes no chance."""

    kind: str
    curves: tuple[Curve, ...]
    timing: Timing
    calibration: Calibration = Calibration()
    facts: Mapping[str, Any] = field(default_factory=dict)
    fade: Floats = field(default_factory=lambda: LASTING)  # periods

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(curve.name for curve in self.curves)


@dataclass(frozen=True)
class Pieces:
    """Calibrated parts of the hazards' logits: timing (n x periods), features (n x f), first period's extra (n x f)."""

    timing: Floats
    main: Floats
    early: Floats
    fade: Floats = field(default_factory=lambda: LASTING)  # periods

    def logits(self) -> Floats:
        """n x periods."""
        total: Floats = self.timing + self.main.sum(axis=1)[:, None] * self.fade
        total[:, 0] += self.early.sum(axis=1)
        return total


def locate(curve: Curve, x: Floats) -> tuple[Ints, Ints, Floats]:
    """Between which two rows of a table each value lies, and how far towards the second."""
    missing = np.isnan(x)
    last = len(curve.table) - 1
    known = np.where(missing, 0.0, x)
    if curve.form == "step" or len(curve.xs) < 2:
        low = (
            np.searchsorted(curve.xs, known, side="left")
            if curve.form == "step"
            else np.zeros(len(x), np.int64)
        )
        share = np.zeros(len(x))
        high = low
    else:
        low = np.clip(np.searchsorted(curve.xs, known, side="right") - 1, 0, len(curve.xs) - 2)
        high = low + 1
        share = np.clip((known - curve.xs[low]) / (curve.xs[high] - curve.xs[low]), 0.0, 1.0)
    low, high = np.where(missing, last, low), np.where(missing, last, high)
    return low, high, np.where(missing, 0.0, share)


def on_curve(curve: Curve, table: Floats, x: Floats) -> Floats:
    """The table's value for every x; n, or n x directions where the table has them."""
    low, high, share = locate(curve, x)
    if table.ndim > 1:
        share = share[:, None]
    return np.asarray(table[low] * (1.0 - share) + table[high] * share)


def auto_of(fitted: Fitted, stack: Stack) -> Floats:
    """n: whether the term renews by itself, NaN unknown."""
    if not fitted.timing.auto:
        return np.full(len(stack), np.nan)
    return columns(stack, (fitted.timing.auto,))[:, 0]


def timing_design(fitted: Fitted, stack: Stack) -> Floats:
    return contract.design(stack.renewal_in, stack.term_days, auto_of(fitted, stack))


def raw_timing(fitted: Fitted, design: Floats) -> Floats:
    """n x periods, before calibration."""
    plain = np.asarray(design @ fitted.timing.coefs)
    link = fitted.timing.link
    if link is None:
        return plain
    base = base_timing(fitted.timing.base, design)
    near = base[:, :SHOWN]
    return plain + np.column_stack(
        [on_curve(link, link.table, near.ravel()).reshape(near.shape), base[:, SHOWN:]]
    )


def base_timing(base: Floats, design: Floats) -> Floats:
    """n x periods: what the boosted model's step function of timing reads, rounded so that no step hangs on noise."""
    return np.asarray(np.round(design @ base, 9))


def pieces(fitted: Fitted, stack: Stack) -> Pieces:
    """The parts of every row's logits. Where the base rate stands in, the features' parts are zero."""
    design = timing_design(fitted, stack)
    shape = (len(stack), len(fitted.curves))
    main, early = np.zeros(shape), np.zeros(shape)
    done = fitted.calibration
    if done.method == "base_rate":
        return Pieces(done.intercept + design @ fitted.timing.base, main, early)
    x = columns(stack, fitted.names)
    for at, curve in enumerate(fitted.curves):
        main[:, at] = on_curve(curve, curve.table, x[:, at])
        if curve.early is not None:
            early[:, at] = on_curve(curve, curve.early, x[:, at])
    return Pieces(
        done.intercept + done.slope * raw_timing(fitted, design),
        done.slope * main,
        done.slope * early,
        fitted.fade,
    )


def reference(fitted: Fitted) -> Pieces:
    """The parts of an account that is usual in everything; one row."""
    done, count = fitted.calibration, len(fitted.curves)
    if done.method == "base_rate":
        return Pieces(
            (done.intercept + fitted.timing.base_usual)[None, :], np.zeros((1, count)), np.zeros((1, count))
        )
    main, early = np.zeros((1, count)), np.zeros((1, count))
    for at, curve in enumerate(fitted.curves):
        usual = np.array([curve.usual])
        main[:, at] = on_curve(curve, curve.table, usual)
        if curve.early is not None:
            early[:, at] = on_curve(curve, curve.early, usual)
    usual_timing = done.intercept + done.slope * fitted.timing.usual
    return Pieces(usual_timing[None, :], done.slope * main, done.slope * early, fitted.fade)


def raw_logits(fitted: Fitted, stack: Stack) -> Floats:
    """n x periods, before calibration, in blocks."""
    plain = replace(fitted, calibration=Calibration())
    out = np.empty((len(stack), len(PERIODS)))
    for start in range(0, len(stack), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(stack)))
        out[rows] = pieces(plain, take(stack, rows)).logits()
    return out


def without(fitted: Fitted, names: Collection[str]) -> Fitted:
    """The model with some features' parts as they are for the usual account, whatever the features say.

    For features that may not count any more: nobody's chance moves by them, the level stays that of the usual account,
    and contributions add up as before. The next training learns without them.
    """
    return replace(
        fitted, curves=tuple(_level(each) if each.name in names else each for each in fitted.curves)
    )


def _level(curve: Curve) -> Curve:
    usual = np.array([curve.usual])
    early = curve.early
    return replace(
        curve,
        table=np.full_like(curve.table, on_curve(curve, curve.table, usual)[0]),
        early=None if early is None else np.full_like(early, on_curve(curve, early, usual)[0]),
    )
