"""Curves as columns: hats at quantiles, one column for "no value", and what makes a curve expensive."""

import threading
from dataclasses import dataclass, field

import numpy as np

from .data import Bools, Floats, Stack
from .model import Curve, locate
from .solve import Small

LEAST_COVERAGE = 0.02  # of rows with a value, below which a feature says next to nothing
FULL_KNOTS = (0.02, 0.2, 0.4, 0.6, 0.8, 0.98)
FEW_KNOTS = (0.05, 0.5, 0.95)  # where leavers are few
HEAVY = 0.2  # share of rows on one value that deserves knots apart from it


@dataclass(frozen=True)
class Feature:
    name: str
    place: int  # in the stack's columns
    xs: Floats
    usual: float

    def curve(self, table: Floats) -> Curve:
        return Curve(self.name, "linear", self.xs, table, self.usual)

    @property
    def width(self) -> int:
        return len(self.xs) + 1


def knots(values: Floats, shares: tuple[float, ...]) -> Floats:
    """Quantiles of known values without repeats; beside a value on which many rows sit, quantiles of the others."""
    found, counts = np.unique(values, return_counts=True)
    if len(found) <= len(shares):
        return found
    xs = np.quantile(values, shares)
    mode = found[np.argmax(counts)]
    if counts.max() > HEAVY * len(values):
        xs = np.append(np.quantile(values[values != mode], shares[: max(len(shares) - 1, 2)]), mode)
    xs = np.unique(xs)
    width = (xs[-1] - xs[0]) * 1e-6
    return np.asarray(xs[np.append(True, np.diff(xs) > width)])


Looked = dict[str, "Feature | str"]  # what was found of a feature, or why it was dropped


@dataclass
class Shared:
    """What candidates of the same rows find once: where features have their knots, and what timing alone says."""

    looked: Looked = field(default_factory=dict)
    timing: dict[tuple[int, bool], tuple[Floats, Floats]] = field(default_factory=dict)
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)


def chosen(
    stack: Stack, rows: Bools, *, few: bool, skip: tuple[str, ...], looked: Looked | None = None
) -> tuple[list[Feature], dict[str, str]]:
    """The features that can be learned from, and why the others cannot.

    `looked` keeps what was found for the next fit of the same rows, whatever features that one takes.
    """
    kept: list[Feature] = []
    dropped: dict[str, str] = {}
    looked = {} if looked is None else looked
    for place, name in enumerate(stack.names):
        if name in skip:
            dropped[name] = "told by the contract's timing"
            continue
        if name not in looked:
            looked[name] = _look(name, place, stack.x[rows, place].astype(np.float64), few=few)
        found = looked[name]
        if isinstance(found, Feature):
            kept.append(found)
        else:
            dropped[name] = found
    return kept, dropped


def _look(name: str, place: int, column: Floats, *, few: bool) -> Feature | str:
    values = column[np.isfinite(column)]
    share = len(values) / max(len(column), 1)
    if share < LEAST_COVERAGE:
        return "hardly ever known"
    if values.min() == values.max() and share > 1 - LEAST_COVERAGE:
        return "always the same"
    usual = float(np.median(values)) if share >= 0.5 else float("nan")
    return Feature(name, place, knots(values, FEW_KNOTS if few else FULL_KNOTS), usual)


def matrix(stack: Stack, features: list[Feature]) -> Small:
    """n x sum of widths: at most two hats and one "no value" of each feature are not zero."""
    out = np.zeros((len(stack), sum(feature.width for feature in features)), dtype=np.float32)
    rows, start = np.arange(len(stack)), 0
    for feature in features:
        low, high, share = locate(
            feature.curve(np.zeros(feature.width)), stack.x[:, feature.place].astype(np.float64)
        )
        out[rows, start + high] += share
        out[rows, start + low] += 1.0 - share
        start += feature.width
    return out


def cost(features: list[Feature], *, bend: float) -> Floats:
    """What a unit of penalty multiplies: squared heights, and `bend` times squared second differences."""
    size = sum(feature.width for feature in features)
    out, start = np.eye(size), 0
    for feature in features:
        count = len(feature.xs)
        if count > 2:
            second = np.diff(np.eye(count), n=2, axis=0)
            out[start : start + count, start : start + count] += bend * second.T @ second
        start += feature.width
    return out


def tables(features: list[Feature], beta: Floats) -> list[Floats]:
    """One feature's piece of the coefficients (or of their spread) after the other."""
    return np.split(beta, np.cumsum([feature.width for feature in features])[:-1]) if features else []
