"""One day's customers as the churn engine takes them: the same code for every landmark and for today's scores.

Features are the indicator values of the catalogue, as `pipeline` computes them for that day, and the extras below.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.catalogue import INDICATORS
from scoring.engine.churn.data import PER_ROW, Stack
from scoring.features.load import Features
from scoring.learning.labels import account_numbers, day_number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEGMENTS = ("enterprise", "mid_market", "smb")
# the length of the main term, and whether it renews by itself; when it ends is in `renewal_in`, which the engine takes
# by period. Notice is an indicator. Fields without a history (owner, plan) would speak of today, not of the day, and
# are left out, with two exceptions that are taken as they stand (docs/import.md, "Time travel"): the segment, for
# policies and every figure by segment go by it, and the number of employees behind `business.room_to_grow`. Where such
# a field was changed after customers had left, it knows of that.
EXTRAS = ("account.tenure_days", "account.log_arr", "contract.term_days", "contract.auto_renew")
NAMES = (*(each.key for each in INDICATORS), *EXTRAS, *(f"segment.{each}" for each in SEGMENTS))


def observe(features: Features, values: Floats) -> Stack:
    """The customers of one day, in the order of `features`; nobody's outcome is known (see `labels.label`).

    `values` is accounts x indicators in the order of the catalogue, NaN where there is none.
    """
    segment = np.array(
        [SEGMENTS.index(each) if each in SEGMENTS else -1 for each in features.segments], dtype=np.int64
    )
    arr = np.array(
        [np.nan if each is None else float(each) for each in features.money.arr_reporting], dtype=np.float64
    )
    size = len(features)
    return Stack(
        x=np.column_stack([values, _extras(features, arr), _dummies(segment)]),
        names=NAMES,
        account=account_numbers(features.external_ids),
        day=np.full(size, day_number(features.day), dtype=np.int64),
        segment=segment,
        segments=SEGMENTS,
        arr=arr,
        renewal_in=_term(features, "renewal_in"),
        term_days=_term(features, "term_days"),
        leaves_in=np.full(size, np.inf),
        seen_for=np.zeros(size),
    )


def joined(parts: list[Stack]) -> Stack:
    """Many days as one stack, by day and account number, whatever order the database gave them in."""
    account = np.concatenate([part.account for part in parts])
    day = np.concatenate([part.day for part in parts])
    order = np.lexsort((account, day))
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])[order] for name in PER_ROW
    }
    return replace(parts[0], **columns)


def _extras(features: Features, arr: Floats) -> Floats:
    columns = {
        "account.tenure_days": features.raw["tenure_days"],
        "account.log_arr": np.log1p(np.maximum(arr, 0)),
        "contract.term_days": _term(features, "term_days"),
        "contract.auto_renew": _term(features, "auto_renew"),
    }
    return np.column_stack([columns[name] for name in EXTRAS])


def _dummies(segment: Ints) -> Floats:
    return np.column_stack([(segment == at).astype(np.float64) for at in range(len(SEGMENTS))])


def _term(features: Features, name: str) -> Floats:
    """A figure of the main term; all NaN for a tenant without any."""
    values = features.raw.get(f"term.{name}")
    return np.full(len(features), np.nan) if values is None else values
