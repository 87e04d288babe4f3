"""Intervals: Wilson, beta and Poisson for counts, and the bootstrap of whole accounts for everything else.

Sources: E. B. Wilson 1927 (score interval); Garwood 1936 (exact Poisson); Jeffreys' beta interval as in Brown, Cai and
DasGupta 2001; cluster bootstrap as in Field and Welsh 2007: whole accounts are drawn, for the observations of one
account are alike. All intervals are two-sided 95 % unless said otherwise.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rows import Floats, Ints

LEVEL = 0.95
Z95 = 1.959963984540054
BLOCK = 64  # draws at a time: weights are kept as small whole numbers and widened block by block
LEAST_SHARE = 0.9  # of draws in which a figure must exist, or it has no interval


def number(value: float | np.floating[Any] | None) -> float | None:
    """A float for JSON; None where there is none."""
    return None if value is None or not math.isfinite(value) else float(value)


def quotient(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, NaN where bottom is not above zero."""
    made: Floats = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
    return made


def wilson(hits: float, n: float, *, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a rate; (0, 1) without observations."""
    if n <= 0:
        return 0.0, 1.0
    rate, reach = hits / n, z * z / n
    centre = (rate + reach / 2) / (1 + reach)
    half = z * math.sqrt(rate * (1 - rate) / n + reach / (4 * n)) / (1 + reach)
    return max(0.0, centre - half), min(1.0, centre + half)


def beta(
    hits: float, n: float, *, a: float = 0.5, b: float = 0.5, level: float = LEVEL
) -> tuple[float, float]:
    """Equal-tailed interval of Beta(a + hits, b + n - hits); a = b = .5 is Jeffreys'."""
    from scipy.special import betaincinv  # type: ignore[import-untyped]

    tail = (1 - level) / 2
    at = (a + hits, b + n - hits)
    return float(betaincinv(*at, tail)), float(betaincinv(*at, 1 - tail))


def poisson(count: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Garwood's exact interval of the mean behind one count."""
    from scipy.special import gammaincinv  # type: ignore[import-untyped]

    tail = (1 - level) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return low, float(gammaincinv(count + 1, 1 - tail))


@dataclass(frozen=True)
class Draws:
    """Resampled accounts. Row 0 of `weights` is the sample as it is, the others are draws."""

    weights: NDArray[np.uint16]  # (1 + draws) x accounts: how often each account was drawn
    place: Ints  # n: the account of each row, as a column of `weights`

    def sums(self, columns: Floats) -> Floats:
        """Weighted column sums (1 + draws) x k of `columns` (n x k): exact, for sums add up inside accounts first."""
        whole = np.empty((self.weights.shape[1], columns.shape[1]))
        for at in range(columns.shape[1]):
            whole[:, at] = np.bincount(self.place, columns[:, at], minlength=len(whole))
        return np.concatenate([block @ whole for block in self._blocks()])

    def histogram(self, bins: Ints, values: Floats, size: int) -> Floats:
        """Weighted sums of `values` (n) by bin: (1 + draws) x size."""
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

        cells = csr_matrix((values, (bins, self.place)), shape=(size, self.weights.shape[1]))
        return np.concatenate([(cells @ block.T).T for block in self._blocks()])

    def of(self, rows: NDArray[Any]) -> "Draws":
        """The same draws for some of the rows (a mask or places)."""
        return Draws(self.weights, self.place[rows])

    def _blocks(self) -> list[Floats]:
        starts = range(0, len(self.weights), BLOCK)
        return [self.weights[at : at + BLOCK].astype(np.float64) for at in starts]


def draw(account: Ints, *, draws: int, seed: int) -> Draws:
    """`draws` resamples of the accounts with replacement: multinomial counts, the same for the same seed."""
    groups, place = np.unique(account, return_inverse=True)
    rng = np.random.default_rng(seed)
    weights = np.ones((draws + 1, groups.size), dtype=np.uint16)
    for at in range(1, draws + 1 if groups.size else 1):
        weights[at] = np.bincount(rng.integers(groups.size, size=groups.size), minlength=groups.size)
    return Draws(weights, place.astype(np.int64))


def spread(
    values: Floats, *, level: float = LEVEL, centred: bool = False
) -> tuple[float | None, float | None]:
    """Percentile interval of values[1:]; values[0] is the figure itself. None when too few draws have the figure.

    `centred` moves the draws onto the figure: right for figures that noise can only raise, such as ECE.
    """
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or drawn.size < max(LEAST_SHARE * (values.size - 1), 2):
        return None, None
    if centred:
        drawn = np.maximum(drawn - drawn.mean() + values[0], 0.0)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def figure(values: Floats, *, n: float, events: float, centred: bool = False) -> dict[str, Any]:
    """One figure for JSON with its interval, the rows it rests on and the events among them."""
    low, high = spread(values, centred=centred)
    return {
        "value": number(values[0]),
        "low": low,
        "high": high,
        "n": round(float(n), 2),
        "events": round(float(events), 2),
    }


def rate_figure(values: Floats, *, hits: float, n: float, accounts: float) -> dict[str, Any]:
    """A rate. Where all or none are hits no draw can differ, so Wilson's interval on the accounts is given."""
    made = figure(values, n=n, events=hits)
    if n > 0 and values[0] in (0.0, 1.0):
        made["low"], made["high"] = wilson(values[0] * accounts, accounts)
    return made
