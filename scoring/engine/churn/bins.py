"""Values as numbers of bins, for trees: scikit-learn 1.9 finds bins of weighted rows slowly.

It sorts a column anew for each of its 255 cuts (`_BinMapper`, `_weighted_percentile`), which was nine tenths of a fit.
Here each column is sorted once. Trees see whole numbers from 0 on, so few of them that each is a bin of theirs; a cut
between the numbers j and j + 1 is `edges[j]` in the column's own values.
"""

from dataclasses import dataclass

import numpy as np

from .data import Floats

MOST = 255  # bins with a value; scikit-learn keeps one more for "no value"


@dataclass(frozen=True)
class Bins:
    """Ascending edges of each column; a value equal to an edge still belongs to the left of it."""

    edges: tuple[Floats, ...]

    def numbers(self, x: Floats) -> Floats:
        """n x f: how many edges lie below each value, NaN where there is no value."""
        out = np.empty(x.shape)
        for at, edges in enumerate(self.edges):
            found = np.searchsorted(edges, x[:, at], side="left").astype(np.float64)
            out[:, at] = np.where(np.isnan(x[:, at]), np.nan, found)
        return out

    def values(self, column: int, cuts: Floats) -> Floats:
        """What cuts between whole numbers are in the column's own values."""
        return self.edges[column][np.floor(cuts).astype(np.int64)]


def binned(x: Floats, weight: Floats) -> Bins:
    """Bins of n x f values that hold equal shares of the weight, or one for each value where they are few."""
    return Bins(tuple(_edges(column, weight) for column in x.T))


def _edges(column: Floats, weight: Floats) -> Floats:
    known = np.isfinite(column)
    values, weights = column[known], weight[known]
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    ends = np.flatnonzero(values[1:] != values[:-1])  # the last row of each value but the greatest
    if len(ends) >= MOST:
        so_far = np.cumsum(weights)
        shares = so_far[-1] * np.arange(1, MOST) / MOST
        ends = np.unique(ends[np.minimum(np.searchsorted(so_far[ends], shares), len(ends) - 1)])
    return (values[ends] + values[ends + 1]) / 2
