"""PSI, and what it is when nothing has changed.

Sources: PSI by training deciles; its value without drift is about (bins - 1)(1/n + 1/m), and PSI / (1/n + 1/m) follows
nearly a chi-square with bins - 1 degrees of freedom (Yurdakul and Naranjo 2020).
"""

import math

import numpy as np

from .rows import Floats

BINS = 10
EPSILON = 1e-4


def psi(training: Floats, now: Floats, *, bins: int = BINS, epsilon: float = EPSILON) -> tuple[float, int]:
    """(PSI, bins used) of known values, by deciles of training; equal deciles are one. NaN when either is empty."""
    old, new = training[~np.isnan(training)], now[~np.isnan(now)]
    if not old.size or not new.size:
        return math.nan, 0
    cuts = np.unique(np.quantile(old, np.arange(1, bins) / bins))
    size = cuts.size + 1
    counts = np.array([np.bincount(np.searchsorted(cuts, each), minlength=size) for each in (old, new)])
    counts = counts[:, counts.any(axis=0)]
    # half a row in the place of none: an empty bin of a small sample is chance
    a, b = (
        np.maximum(count / count.sum(), max(epsilon, 0.5 / count.sum()))
        for count in counts.astype(np.float64)
    )
    used = int(a.size)
    return float(((b - a) * np.log(b / a)).sum()), used


def without_drift(bins: int, n: float, m: float, *, alpha: float) -> tuple[float, float]:
    """(mean, 1 - alpha quantile) of PSI when nothing has changed."""
    from scipy.stats import chi2  # type: ignore[import-untyped]

    unit = 1 / max(n, 1) + 1 / max(m, 1)
    return (bins - 1) * unit, float(chi2.isf(alpha, max(bins - 1, 1))) * unit
