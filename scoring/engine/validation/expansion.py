"""Hit rates of signals and groups, each with its interval and shrunken towards all of them.

Sources: Wilson 1927; Jeffreys' beta interval; empirical Bayes by the beta-binomial marginal likelihood as in Gelman et
al., Bayesian Data Analysis, ch. 5: groups with few cases borrow from the others, groups with many keep their own rate.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .intervals import beta, wilson
from .rows import Floats

STRONGEST = 1_000.0  # of the prior in cases: beyond it the groups are one


def hit_rates(groups: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """{prior, groups} from {name: (hits, cases)}: plain rate with Wilson's and Jeffreys' interval, and the shrunken
    rate with the interval of its posterior. The prior says how many cases it is worth.
    """
    hits, cases = (np.array([each[at] for each in groups.values()], dtype=np.float64) for at in (0, 1))
    if (hits > cases).any() or (hits < 0).any():
        raise ValueError("more hits than cases")
    a, b = shrinkage(hits, cases)
    rows = {name: _group(*each, a, b) for name, each in groups.items()}
    total = float(cases.sum())
    prior = {"a": a, "b": b, "mean": a / (a + b), "worth": a + b, "hits": float(hits.sum()), "cases": total}
    return {"prior": prior, "groups": rows}


def _group(hits: float, cases: float, a: float, b: float) -> dict[str, Any]:
    low, high = wilson(hits, cases)
    jeffreys = beta(hits, cases)
    shrunken = beta(hits, cases, a=a, b=b)
    return {
        "hits": hits, "cases": cases, "rate": hits / cases if cases else None, "low": low, "high": high,
        "beta_low": jeffreys[0], "beta_high": jeffreys[1],
        "shrunken": (a + hits) / (a + b + cases), "shrunken_low": shrunken[0], "shrunken_high": shrunken[1],
    }  # fmt: skip


def shrinkage(hits: Floats, cases: Floats) -> tuple[float, float]:
    """(a, b) of the beta prior that makes the counts most likely, on a grid of mean and worth; Jeffreys without cases.

    A weak penalty (half a case for and against, and worth around ten) keeps both finite when groups are few.
    """
    from scipy.special import betaln  # type: ignore[import-untyped]

    seen = cases > 0
    if not seen.any():
        return 0.5, 0.5
    rate = (hits.sum() + 0.5) / (cases.sum() + 1)
    centre = np.log(rate / (1 - rate))
    mean = 1 / (1 + np.exp(-(centre + np.linspace(-2, 2, 81))))
    worth = np.exp(np.linspace(0, np.log(STRONGEST), 61))
    m, w = (each.ravel() for each in np.meshgrid(mean, worth, indexing="ij"))
    a, b = m * w, (1 - m) * w
    h, n = hits[seen][:, None], cases[seen][:, None]
    likely = (betaln(a + h, b + n - h) - betaln(a, b)).sum(axis=0)
    likely = likely + 0.5 * (np.log(m) + np.log(1 - m)) - (np.log(w) - np.log(10)) ** 2 / (2 * 2.0**2)
    best = int(np.argmax(likely))
    return float(a[best]), float(b[best])
