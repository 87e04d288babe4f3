"""What a change is made of: health to the hundredth of a point, the chance of leaving to 1e-9 of its log-odds.

Pure: numbers in, parts out, no table and no engine, so that a page may ask it (`change_queries` reads the two days).

Health is walked in four steps, and each step's parts are what they moved the weighted mean by:
1. policy: the old values under the new weights, curves and missing rule (an indicator whose window is another has
   no old value under the new policy: all of its move counts here);
2. indicators: values that both days have, under the new policy;
3. missing data: values that appeared or vanished;
4. override: what people's own numbers stand beside the computed ones.
A step from one weighted mean to another splits exactly: with m the mean of what the step leaves alone, indicator i
moves it by u'(t' - m)/U' - u(t - m)/U. Hundredths are shared by largest remainder, so nothing is left for rounding.

The chance is walked along the parts that both days' snapshots store. With one model a part moves because its value
did, because a value came or went, or with the time to the contract's end. Between two models the part of a value that
did not move, the base, and what only one of them reads is the models' own; the part of a value that did move is not
taken apart further and counts as the indicator's. Points follow the straight path (Aumann and Shapley 1974): each
log-odd is worth (p' - p) / (logit' - logit).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import exp, floor, fsum

Curve = tuple[Sequence[float], Sequence[float]]  # values, points of 100
Counted = tuple[int, int]  # weight and score of one indicator, in hundredths; weight 0: not counted
FULL, NEUTRAL = 10_000, 5_000
TIMING = "contract.timing"
POLICY, VALUES, MISSING, OVERRIDE, COMPUTED = "policy", "values", "missing", "override", "computed"
UNMOVED, MODEL, TIME = "unmoved", "model", "timing"
SAME = 1e-9  # log-odds: no change


@dataclass(frozen=True)
class Reading:
    """One indicator on one day. Weight and score in hundredths; without a score there was no value."""

    weight: int
    score: int | None
    value: float | None
    missing: str = ""  # why there is none, as breakdown.MISSING has it
    latest: str | None = None  # day of its newest evidence
    text: str = ""


NOTHING = Reading(weight=0, score=None, value=None)


@dataclass(frozen=True)
class Policy:
    """What of a policy version a change can come from, beside the weights that each reading has."""

    name: str
    curves: Mapping[str, Curve] = field(default_factory=dict)
    windows: Mapping[str, int | None] = field(default_factory=dict)
    is_neutral: bool = False  # a missing value counts 50 points instead of nothing


@dataclass(frozen=True)
class HealthDay:
    """One account on one day. `health` in hundredths; None where too little was known."""

    health: int | None
    policy: Policy
    readings: Mapping[str, Reading]
    override: int | None = None

    @property
    def shown(self) -> int | None:
        return self.health if self.override is None else self.override


@dataclass(frozen=True)
class Part:
    """How much one thing moved. `key`: an indicator, or empty where the part is of the whole account."""

    kind: str
    key: str
    amount: int  # hundredths of a point of health


@dataclass(frozen=True)
class HealthChange:
    """before + the sum of the parts == after, in hundredths, as they were shown."""

    before: int
    after: int
    parts: tuple[Part, ...]

    def of(self, kind: str) -> int:
        return sum(part.amount for part in self.parts if part.kind == kind)


def health_change(first: HealthDay, last: HealthDay, *, optional: frozenset[str]) -> HealthChange | None:
    """The parts of the way from `first` to `last`; None where a day has no computed number to start or end with.

    `optional`: indicators whose missing value is no gap.
    """
    if first.health is None or last.health is None:
        return None
    steps = _steps(first, last, optional)
    parts: list[Part] = []
    at = _mean(steps[0][1], Fraction(first.health))
    reached = _half_up(at)
    before = reached
    for (_, old), (kind, new) in pairwise(steps):
        at, moved = _step(kind, old, new, at, reached)
        reached += sum(part.amount for part in moved)
        parts += moved
    parts += _rest(COMPUTED, (before - first.health) + (last.health - reached))
    parts += _rest(OVERRIDE, _overridden(last) - _overridden(first))
    return HealthChange(_shown(first), _shown(last), tuple(parts))


def _shown(day: HealthDay) -> int:
    return day.shown if day.shown is not None else 0


def _overridden(day: HealthDay) -> int:
    return _shown(day) - (day.health or 0)


def _rest(kind: str, amount: int) -> list[Part]:
    return [Part(kind, "", amount)] if amount else []


def _steps(
    first: HealthDay, last: HealthDay, optional: frozenset[str]
) -> list[tuple[str, dict[str, Counted]]]:
    """What is counted at the start and after each step, named by the step that led there."""
    keys = list(dict.fromkeys((*first.readings, *last.readings)))
    old = {key: first.readings.get(key, NOTHING) for key in keys}
    new = {key: last.readings.get(key, NOTHING) for key in keys}
    is_same = first.policy == last.policy and all(old[key].weight == new[key].weight for key in keys)
    moved = (
        {key: old[key].score for key in keys}
        if is_same
        else {key: _rescored(key, first, last, old[key], new[key]) for key in keys}
    )
    both = {
        key: new[key].score if moved[key] is not None and new[key].score is not None else moved[key]
        for key in keys
    }
    was, now = first.policy.is_neutral, last.policy.is_neutral

    def counted(
        weights: dict[str, Reading], scores: Mapping[str, int | None], rule: bool
    ) -> dict[str, Counted]:
        return {key: _counted(weights[key].weight, scores[key], rule and key not in optional) for key in keys}

    return [
        ("", counted(old, {key: old[key].score for key in keys}, was)),
        (POLICY, counted(new, moved, now)),
        (VALUES, counted(new, both, now)),
        (MISSING, counted(new, {key: new[key].score for key in keys}, now)),
    ]


def _rescored(key: str, first: HealthDay, last: HealthDay, old: Reading, new: Reading) -> int | None:
    """What the old value scores under the new policy."""
    if old.score is None or old.value is None:
        return old.score
    if first.policy.windows.get(key) != last.policy.windows.get(key) and new.score is not None:
        return new.score
    curve = last.policy.curves.get(key)
    if curve is None or curve == first.policy.curves.get(key):
        return old.score
    return on_curve(old.value, curve)


def on_curve(value: float, curve: Curve) -> int:
    """Hundredths of points from a piecewise linear curve that is flat beyond its ends (as engine.health has it)."""
    xs, ys = curve
    at = sum(x <= value for x in xs)
    if at == 0:
        points = ys[0]
    elif at == len(xs):
        points = ys[-1]
    else:
        slope = (ys[at] - ys[at - 1]) / (xs[at] - xs[at - 1])
        points = slope * (value - xs[at - 1]) + ys[at - 1]
    return floor(points * 100 + 0.5)


def _counted(weight: int, score: int | None, counts_neutral: bool) -> Counted:
    if score is not None:
        return weight, score
    return (weight, NEUTRAL) if counts_neutral else (0, 0)


def _mean(counted: Mapping[str, Counted], otherwise: Fraction) -> Fraction:
    weight = sum(each for each, _ in counted.values())
    if not weight:
        return otherwise
    return Fraction(sum(each * score for each, score in counted.values()), weight)


def _step(
    kind: str, old: dict[str, Counted], new: dict[str, Counted], at: Fraction, reached: int
) -> tuple[Fraction, list[Part]]:
    """Where the mean stands after the step, and its parts. A step that leaves nothing counted moves nothing."""
    whole = sum(weight for weight, _ in new.values())
    if not whole:
        return at, []
    before = sum(weight for weight, _ in old.values())
    changed = [key for key in old if old[key] != new[key] and (old[key][0] or new[key][0])]
    alone = {key: old[key] for key in old if key not in set(changed)}
    middle = _mean(alone, at)
    moved = []
    for key in changed:
        (was, had), (counts, has) = old[key], new[key]
        gone = was * (had - middle) / before if before else Fraction(0)
        moved.append(counts * (has - middle) / whole - gone)
    after = _mean(new, at)
    amounts = shared(moved, _half_up(after) - reached)
    return after, [Part(kind, key, amount) for key, amount in zip(changed, amounts, strict=True) if amount]


def _half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def shared(parts: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers near `parts` that add up to `total`, which may differ from their sum by one at each end.

    By largest remainder; earlier parts win ties. Nothing to share among: only a total of zero is possible.
    """
    whole = [floor(part) for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda at: (whole[at] - parts[at], at))
    lacking = total - sum(whole)
    for number in range(abs(lacking) if by_rest else 0):
        order = by_rest if lacking > 0 else by_rest[::-1]
        whole[order[number % len(order)]] += 1 if lacking > 0 else -1
    return whole


# --- the chance of leaving ----------------------------------------------------------------------


@dataclass(frozen=True)
class ChanceDay:
    """What a snapshot stores of a chance: base + the sum of the parts is the log-odds of p90."""

    model: str
    base: float
    parts: Mapping[str, float]
    # the values behind the parts: None where there was none; a name that is not there: the snapshot does not keep it
    values: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def logit(self) -> float:
        return fsum((self.base, *self.parts.values()))

    @property
    def p(self) -> float:
        return share(self.logit)


@dataclass(frozen=True)
class ChancePart:
    """How much one thing moved the chance: in log-odds, and in points (0.01 of the chance is one point)."""

    kind: str
    name: str
    logit: float
    points: float


@dataclass(frozen=True)
class ChanceChange:
    """Parts add up to the change of the log-odds and of the chance, both to 1e-9."""

    first: ChanceDay
    last: ChanceDay
    parts: tuple[ChancePart, ...]

    @property
    def points(self) -> float:
        return 100 * (self.last.p - self.first.p)

    def of(self, kind: str) -> float:
        return fsum(part.points for part in self.parts if part.kind == kind)


def share(logit: float) -> float:
    """The chance of some log-odds."""
    return 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))


def chance_change(first: ChanceDay, last: ChanceDay) -> ChanceChange:
    """The parts of the way from one day's chance to another's."""
    moved: dict[tuple[str, str], list[float]] = {}
    for name in dict.fromkeys((*first.parts, *last.parts)):
        kind = _kind(name, first, last)
        key = (kind, name if kind in (VALUES, MISSING) else "")
        moved.setdefault(key, []).append(last.parts.get(name, 0.0) - first.parts.get(name, 0.0))
    moved.setdefault((MODEL, ""), []).append(last.base - first.base)
    worth = _worth(first, last)
    sums = {key: fsum(each) for key, each in moved.items()}
    parts = [
        ChancePart(kind, name, amount, 100 * worth * amount)
        for (kind, name), amount in sums.items()
        if amount
    ]
    return ChanceChange(first, last, tuple(parts))


def _kind(name: str, first: ChanceDay, last: ChanceDay) -> str:
    is_same_model = first.model == last.model
    if name not in first.parts or name not in last.parts:
        return MODEL
    if name == TIMING:
        return TIME
    if name not in first.values or name not in last.values:
        return VALUES if is_same_model else MODEL
    old, new = first.values[name], last.values[name]
    if (old is None) != (new is None):
        return MISSING
    if old != new:
        return VALUES
    return UNMOVED if is_same_model else MODEL


def _worth(first: ChanceDay, last: ChanceDay) -> float:
    """Chance a log-odd along the straight path; its limit where both ends meet."""
    step = last.logit - first.logit
    if abs(step) < SAME:
        return first.p * (1 - first.p)
    return (last.p - first.p) / step
