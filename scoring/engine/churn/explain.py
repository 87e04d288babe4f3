"""Why a chance is what it is, and why it moved: parts of logit(p90) that add up to it.

Parts follow the straight path from the reference to the account (Aumann and Shapley 1974; Sun and Sundararajan 2011):
a feature's part is its step in the hazards' logits times the mean derivative along the path. What numerical
integration and rounding p leave over is shared in proportion to the parts, so that they add up to the shown figure.
"""

from dataclasses import dataclass

import numpy as np

from .chances import cumulative, logit, p90_weights, rounded
from .data import SHOWN, Floats, Stack, columns, take
from .model import BLOCK, Fitted, Pieces, pieces, reference

NODES = 12  # of Gauss-Legendre; the integrand is smooth
TIMING = "contract.timing"  # the name of the contract's part


@dataclass(frozen=True)
class Parts:
    """base + parts.sum(1) == logit(p90) as shown. names: the model's features, then the contract's timing."""

    names: tuple[str, ...]
    base: Floats  # n; the account that is usual in everything
    parts: Floats  # n x names


@dataclass(frozen=True)
class Change:
    """before + values + missing + timing + model == after, for logit(p90) as shown; signed log-odds.

    `values`: both days have a value; `missing`: one day has, the other not. names: features of both models.
    """

    names: tuple[str, ...]
    before: Floats  # n
    after: Floats  # n
    values: Floats  # n x names
    missing: Floats  # n x names
    timing: Floats  # n
    model: Floats  # n; another model, on the same rows


def shown(logits: Floats) -> Floats:
    """logit of p90 as it is shown: rounded."""
    return logit(rounded(cumulative(logits)[:, SHOWN - 1]))


def path_weights(first: Floats, last: Floats) -> Floats:
    """n x 3: mean derivative of logit(p90) by the periods' logits along the straight path."""
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    total = np.zeros((len(last), SHOWN))
    step = last[:, :SHOWN] - first[:, :SHOWN]
    for node, share in zip(nodes, shares, strict=True):
        total += share / 2 * p90_weights(first[:, :SHOWN] + (node + 1) / 2 * step)
    return total


def shared(parts: Floats, rest: Floats) -> Floats:
    """The parts with what is left over added in proportion to their sizes; zero stays zero."""
    for _ in range(2):  # the second time takes what adding up lost
        size = np.abs(parts)
        whole = size.sum(axis=1, keepdims=True)
        left = (rest - parts.sum(axis=1))[:, None]
        parts = parts + np.where(whole > 0, left * size / np.where(whole > 0, whole, 1.0), 0.0)
    return parts


def _steps(first: Pieces, last: Pieces) -> Floats:
    """n x (features, timing): the parts of the way from first to last."""
    start, end = first.logits(), last.logits()
    rows = (len(end), start.shape[1])
    weights = path_weights(np.broadcast_to(start, rows), end)
    lasting = weights @ last.fade[:SHOWN]
    features = (last.main - first.main) * lasting[:, None] + (last.early - first.early) * weights[:, :1]
    timing = ((last.timing - first.timing)[:, :SHOWN] * weights).sum(axis=1)
    return shared(np.column_stack([features, timing]), shown(end) - shown(np.broadcast_to(start, rows)))


def explain(fitted: Fitted, stack: Stack) -> Parts:
    """Parts of every row against the reference. Columns without effect are zero."""
    usual = reference(fitted)
    base = np.repeat(shown(usual.logits()), len(stack))
    parts = np.zeros((len(stack), len(fitted.curves) + 1))
    for start in range(0, len(stack), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(stack)))
        parts[rows] = _steps(usual, pieces(fitted, take(stack, rows)))
    return Parts((*fitted.names, TIMING), base, parts)


def explain_change(fitted_a: Fitted, a: Stack, fitted_b: Fitted, b: Stack) -> Change:
    """From row i of a under model a to row i of b under model b.

    The rows' way is walked under both models and the models' difference taken on both rows; halves of each.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} rows cannot be compared with {len(b)}")
    names = tuple(dict.fromkeys((*fitted_a.names, *fitted_b.names)))
    vanished = np.isnan(columns(a, names)) != np.isnan(columns(b, names))
    values, missing = np.zeros((len(a), len(names))), np.zeros((len(a), len(names)))
    timing, model = np.zeros(len(a)), np.zeros(len(a))
    for fitted in (fitted_a, fitted_b):
        steps = _steps(pieces(fitted, a), pieces(fitted, b))
        timing += steps[:, -1] / 2
        for at, name in enumerate(fitted.names):
            place = names.index(name)
            gone = vanished[:, place]
            missing[:, place] += np.where(gone, steps[:, at], 0.0) / 2
            values[:, place] += np.where(gone, 0.0, steps[:, at]) / 2
    before, after = shown(pieces(fitted_a, a).logits()), shown(pieces(fitted_b, b).logits())
    model += (shown(pieces(fitted_b, a).logits()) - before + after - shown(pieces(fitted_a, b).logits())) / 2
    return Change(names, before, after, values, missing, timing, model)
