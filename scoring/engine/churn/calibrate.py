"""One sigmoid map of the hazards' logits, fitted on later landmarks, as small as a closed test allows.

Vergouwe et al. 2017 (closed testing for updating), with Wald tests whose variance is clustered by account in place of
likelihood ratios: stacked landmarks are not independent. Only periods that end within 90 days are looked at.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from .chances import hazards
from .data import PERIODS, SHOWN, Bools, Floats, Ints, Stack, in_order, outcomes, take
from .model import Calibration, Fitted, Timing, pieces, raw_logits, timing_design

LEAST_LEAVERS = 20
SLOPES = (0.3, 1.5)
CHI2_95 = {1: 3.841458820694124, 2: 5.991464547107979}
Z95_ONE_SIDED = 1.6448536269514722
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Sample:
    """Person-periods of the later rows: n x 3, and the rows' accounts (sorted)."""

    counts: Bools
    leaves: Bools
    weight: Floats
    account: Ints

    def summed(self, each: Floats) -> Floats:
        """Rows' sums over accounts."""
        _, starts = np.unique(self.account, return_index=True)
        return np.asarray(np.add.reduceat(each, starts, axis=0))


@dataclass(frozen=True)
class Estimate:
    beta: Floats
    covariance: Floats

    def deviation(self, at: int) -> float:
        return float(np.sqrt(max(self.covariance[at, at], 0.0)))


def logistic(sample: Sample, x: Floats, offset: Floats) -> Estimate:
    """Logistic regression of leaving on x (n x 3 x c), with account-clustered covariance. Tiny ridge for stability.

    Newton steps are halved until the loss falls: logits that are far too sure would throw whole steps off.
    """
    used, beta = sample.counts * sample.weight[:, None], np.zeros(x.shape[2])

    def loss(tried: Floats) -> float:
        eta = offset + x @ tried
        return float((used * (np.logaddexp(0.0, eta) - sample.leaves * eta)).sum())

    now = loss(beta)
    for _ in range(60):
        slope, hessian, _ = _curved(sample, x, offset + x @ beta, used)
        move, size = np.linalg.solve(hessian, slope), 1.0
        while size > 1e-6 and loss(beta - size * move) > now:
            size /= 2
        beta, before, now = beta - size * move, now, loss(beta - size * move)
        if before - now < 1e-10 * max(abs(now), 1.0):
            break
    _, hessian, rest = _curved(sample, x, offset + x @ beta, used)
    scores = sample.summed(np.einsum("nk,nkc->nc", rest, x))
    bread, groups = np.linalg.inv(hessian), len(scores)
    return Estimate(beta, bread @ (scores.T @ scores) @ bread * groups / max(groups - 1, 1))


def _curved(sample: Sample, x: Floats, eta: Floats, used: Floats) -> tuple[Floats, Floats, Floats]:
    """Gradient, Hessian and residuals of the loss."""
    p = hazards(eta)
    rest = (p - sample.leaves) * used
    hessian = np.einsum("nk,nkc,nkd->cd", p * (1 - p) * used, x, x) + 1e-9 * np.eye(x.shape[2])
    return np.einsum("nk,nkc->c", rest, x), hessian, rest


def _level(sample: Sample, offset: Floats) -> Estimate:
    return logistic(sample, np.ones((*offset.shape, 1)), offset)


def _feature_slope(sample: Sample, fitted: Fitted, later: Stack) -> tuple[float, float]:
    """Slope of the features' part beside the timing's, and its deviation; (0, 0) where features say nothing."""
    found = pieces(replace(fitted, calibration=Calibration()), later)
    timing = found.timing[:, :SHOWN]
    features = found.logits()[:, :SHOWN] - timing
    if float(np.ptp(features)) < 1e-12:
        return 0.0, 0.0
    both = logistic(sample, np.stack([np.ones_like(timing), timing, features], axis=2), 0 * timing)
    return float(both.beta[2]), both.deviation(2)


def _closed_test(sample: Sample, eta: Floats) -> tuple[Calibration, dict[str, Any]]:
    """Nothing, the intercept, or both: the smallest that the data do not speak against."""
    both = logistic(sample, np.stack([np.ones_like(eta), eta], axis=2), 0 * eta)
    off = both.beta - np.array([0.0, 1.0])
    whole = float(off @ np.linalg.solve(both.covariance + 1e-12 * np.eye(2), off))
    level = _level(sample, eta)
    slope_only = (off[1] / max(both.deviation(1), 1e-12)) ** 2
    facts = {
        "intercept": float(both.beta[0]),
        "slope": float(both.beta[1]),
        "slope_deviation": both.deviation(1),
        "level": float(level.beta[0]),
        "level_deviation": level.deviation(0),
        "chi2_both": whole,
        "chi2_slope": float(slope_only),
    }
    if whole <= CHI2_95[2]:
        return Calibration("none"), facts
    if slope_only <= CHI2_95[1]:
        return Calibration("intercept", float(level.beta[0])), facts
    slope = float(np.clip(both.beta[1], *SLOPES))
    return Calibration("both", float(_level(sample, slope * eta).beta[0]), slope), facts


def _sampled(later: Stack) -> tuple[Stack, Sample]:
    """The rows whose first period was seen, in order, and what became of them within 90 days."""
    later = in_order(later)
    later = take(later, outcomes(later).counts[:, 0])
    seen = outcomes(later)
    return later, Sample(seen.counts[:, :SHOWN], seen.leaves[:, :SHOWN], later.weights, later.account)


def carried_over(judged: Calibration, made: Fitted, later: Stack) -> Fitted:
    """The map that later rows chose for a fit without them, on one of the same kind that has learnt them as well.

    Its level is found anew, for those rows have moved the fit's own; a slope that steepens is left out, for it answers
    to fewer leavers than have taught this one.
    """
    if judged.method not in ("intercept", "both"):
        return replace(made, calibration=judged)
    later, sample = _sampled(later)
    slope = min(judged.slope, 1.0)
    level = _level(sample, slope * raw_logits(made, later)[:, :SHOWN])
    method: Literal["intercept", "both"] = "both" if slope < 1 else "intercept"
    return replace(made, calibration=Calibration(method, float(level.beta[0]), slope, judged.facts))


def calibrate(fitted: Fitted, later: Stack) -> Fitted:
    """The model with the map that later rows support; what was decided, and by which figures, in its calibration.

    Below 20 leavers nothing is changed. Where the features' slope cannot be told from zero (one-sided, 5 %), everybody
    gets the base rate of the contract's timing.
    """
    later, sample = _sampled(later)
    left = len(np.unique(later.account[sample.leaves.any(axis=1)]))
    facts: dict[str, Any] = {"rows": len(later), "accounts": len(np.unique(later.account)), "leavers": left}
    if left < LEAST_LEAVERS or not (sample.counts & ~sample.leaves).any():
        return replace(
            fitted, calibration=Calibration("none", facts=facts | {"why": "fewer than 20 leavers"})
        )
    slope, deviation = _feature_slope(sample, fitted, later)
    facts |= {"feature_slope": slope, "feature_slope_deviation": deviation}
    if slope <= Z95_ONE_SIDED * deviation:
        return _base_rate(fitted, sample, later, facts)
    eta = raw_logits(fitted, later)[:, :SHOWN]
    decided, tested = _closed_test(sample, eta)
    return replace(fitted, calibration=replace(decided, facts=facts | tested))


def _base_rate(fitted: Fitted, sample: Sample, later: Stack, facts: dict[str, Any]) -> Fitted:
    """Contract timing alone, its level moved where later rows speak against it.

    Timing, too, has to be borne out by later rows: where its slope on them cannot be told from zero, every account
    gets the base rate of the period, whatever its contract says.
    """
    facts = facts | {"why": "the features' slope on later rows cannot be told from zero"}
    slope, deviation = _timing_slope(sample, fitted, later)
    facts |= {"timing_slope": slope, "timing_slope_deviation": deviation}
    if slope <= Z95_ONE_SIDED * deviation:
        fitted = replace(fitted, timing=_flat(fitted, later))
    plain = _plain_timing(fitted, later)
    level = _level(sample, plain)
    moved = abs(level.beta[0]) > NORMAL_95 * level.deviation(0)
    facts |= {"level": float(level.beta[0]), "level_deviation": level.deviation(0)}
    done = Calibration("base_rate", float(level.beta[0]) if moved else 0.0, 0.0, facts)
    return replace(fitted, calibration=done)


def _plain_timing(fitted: Fitted, later: Stack) -> Floats:
    """n x 3: what contract timing alone says."""
    return pieces(replace(fitted, calibration=Calibration("base_rate")), later).timing[:, :SHOWN]


def _timing_slope(sample: Sample, fitted: Fitted, later: Stack) -> tuple[float, float]:
    """Slope of timing's part beside the periods' own levels, and its deviation; (0, 0) where it is the same for all."""
    part = _plain_timing(fitted, later) - fitted.timing.base_usual[:SHOWN]
    if float(np.ptp(part, axis=0).max()) < 1e-12:
        return 0.0, 0.0
    levels = np.broadcast_to(np.eye(SHOWN), (len(part), SHOWN, SHOWN))
    offset = np.broadcast_to(fitted.timing.base_usual[:SHOWN], part.shape)
    found = logistic(sample, np.concatenate([levels, part[:, :, None]], axis=2), offset)
    return float(found.beta[SHOWN]), found.deviation(SHOWN)


def _flat(fitted: Fitted, later: Stack) -> Timing:
    """For everybody the mean rate of the period that contract timing gives the later rows."""
    timing, design = fitted.timing, timing_design(fitted, later)
    weight = later.weights / later.weights.sum()
    rates = weight @ hazards(design @ timing.base)
    mean = np.log(rates) - np.log1p(-rates)
    base = np.zeros_like(timing.base)
    base[: len(PERIODS)] = mean
    spread = None
    if timing.base_spread is not None:
        spread = np.zeros_like(timing.base_spread)
        spread[: len(PERIODS)] = np.einsum("n,nkc->kc", weight, design) @ timing.base_spread
    return replace(timing, base=base, base_usual=mean, base_spread=spread)
