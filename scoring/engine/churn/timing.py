"""What the contract says about when: a few columns for every account and period.

The account's terms end at `renewal_in`, then every `term_days` (365 where unknown). Most of a yearly contract's chance
sits in the period with its end, or shortly after where leaving is recorded late.
"""

import numpy as np

from .data import PERIODS, STARTS, Floats

UNKNOWN_TERM = 365.0
SHORTEST_TERM = 28.0
LATE = 30.0  # days in which an end that has passed still counts as recent
NOTICE = ((0.0, 60.0), (60.0, 150.0))  # days from the period's end to the term's end

PERIOD_COLUMNS = tuple(f"period.{end}" for end in PERIODS)
TERM_COLUMNS = (
    "term.none",
    "term.ends",
    "term.ends_where",  # -.5: at the period's start, .5: at its end
    "term.ends_first_period",
    "term.ends_far",  # in a period from 90 days on
    "term.ends_again",  # an end after the next one
    "term.ends_short",  # how far the term is shorter than a year, by doublings
    "term.ends_auto",  # it renews by itself
    "term.just_ended",
    "term.overdue",
    *(f"term.notice_{int(high)}" for _, high in NOTICE),
)
COLUMNS = PERIOD_COLUMNS + TERM_COLUMNS


def next_end(renewal_in: Floats, term_days: Floats, start: float) -> tuple[Floats, Floats]:
    """Days to the first term end from `start` on, and how many ends lie before it (from the next on)."""
    term = np.maximum(np.where(np.isnan(term_days), UNKNOWN_TERM, term_days), SHORTEST_TERM)
    gone = np.maximum(np.ceil((start - renewal_in) / term), 0.0)
    return renewal_in + gone * term, gone


def _period(at: int, renewal_in: Floats, term_days: Floats, auto: Floats) -> list[Floats]:
    """The term columns of one period."""
    start, end = float(STARTS[at]), float(PERIODS[at])
    to_end, gone = next_end(renewal_in, term_days, start)
    none = np.isnan(renewal_in)
    far = np.where(none, np.inf, to_end)
    ends = (far < end).astype(np.float64)
    where = np.where(none, 0.0, (np.where(none, start, to_end) - start) / (end - start) - 0.5)
    short = np.log2(
        UNKNOWN_TERM / np.clip(np.nan_to_num(term_days, nan=UNKNOWN_TERM), SHORTEST_TERM, 4 * UNKNOWN_TERM)
    )
    recent, _ = next_end(renewal_in, term_days, start - LATE)
    notice = [((far - end >= low) & (far - end < high)).astype(np.float64) for low, high in NOTICE]
    return [
        none.astype(np.float64),
        ends,
        ends * where,
        ends * float(at == 0),
        ends * float(start >= 90),
        ends * (gone > (renewal_in < 0)),
        ends * short,
        ends * auto,
        (~none & (recent < start)).astype(np.float64),
        (~none & (renewal_in < 0)).astype(np.float64) * float(at == 0),
        *notice,
    ]


def design(renewal_in: Floats, term_days: Floats, auto: Floats) -> Floats:
    """n x periods x columns. `auto`: n, 1 renews by itself, 0 does not, .5 unknown."""
    out = np.zeros((len(renewal_in), len(PERIODS), len(COLUMNS)))
    auto = np.where(np.isnan(auto), 0.5, np.clip(auto, 0.0, 1.0))
    with np.errstate(invalid="ignore"):
        for at in range(len(PERIODS)):
            out[:, at, at] = 1.0
            for column, values in enumerate(_period(at, renewal_in, term_days, auto)):
                out[:, at, len(PERIODS) + column] = values
    return out
