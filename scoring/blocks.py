"""A block of one computation as columns for COPY: one entry an account, whole columns at a time.

Made account by account this was two thirds of a scoring run; here each column is one pass over an array (ADR 0013).
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.bands import BANDS, UNKNOWN
from scoring.breakdown import LAYOUT, LAYOUTS, NO_EVIDENCE, NO_SCORE, words
from scoring.catalogue import BY_KEY, Dimension
from scoring.scored import Scored

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
KEYS = LAYOUTS[LAYOUT]
OPTIONAL: Bools = np.array([BY_KEY[key].optional for key in KEYS])  # having no value is no gap
LOW_SCORE = 50 * 100  # hundredths: an indicator below it is "low"
LEAST_LOSS = 100  # hundredths: a reason costs at least one point of health
USUAL_SCORE = 65 * 100  # hundredths: what the usual value of an indicator scores; at or above it is no reason
MOST_REASONS = 5
MOVED = 2 * 100  # hundredths of health that are worth an event
NOT_KNOWN = -1  # health of an account that has none


class Block:
    """Rows `first` to `last` of a computation. Hundredths, as in Scored."""

    def __init__(self, scored: Scored, first: int, last: int) -> None:
        rows = slice(first, last)
        self.scored, self.size = scored, last - first
        self.at = range(first, last)
        self.ids: list[int] = scored.features.ids[rows].tolist()
        self.health: Ints = scored.health.health[rows]
        self.bands = [UNKNOWN if band < 0 else BANDS[band] for band in scored.health.band[rows].tolist()]
        every = np.array(
            [scored.weights_of(number) for number in range(len(scored.policies))], dtype=np.int64
        )
        self.weights: Ints = every[scored.policy_of[rows]]
        self.scores, self.points, self.lost, self.values, self.why, self.ages = scored.figures(rows)
        counted = (self.weights > 0) & (self.scores != NO_SCORE)
        self.counted: Bools = counted
        self.is_low: Bools = counted & (self.scores < LOW_SCORE)
        ages = np.unique(self.ages[self.ages != NO_EVIDENCE]).tolist()
        self.about = [scored.about(at) for at in self.at]
        self._days = {ago: f'"{scored.day - timedelta(days=ago)}"' for ago in ages} | {NO_EVIDENCE: "null"}

    def arrays(self) -> list[list[str]]:
        """Weights, scores, points, lost, values, why and ages as array literals."""
        figures = (self.weights, self.scores, self.points, self.lost, self.values, self.why, self.ages)
        return [[f"{{{str(row)[1:-1]}}}" for row in each.tolist()] for each in figures]

    def abouts(self) -> list[str | None]:
        """JSON by account, or None: what the sentences need beyond the values."""
        return [json.dumps(each) if each else None for each in self.about]

    def dimensions(self) -> list[str]:
        """JSON by account: what Breakdown.dimensions says of one account."""
        parts: list[list[str]] = [[] for _ in range(self.size)]
        for dimension in Dimension:
            columns = [at for at, key in enumerate(KEYS) if key.startswith(f"{dimension.value}.")]
            for part, text in zip(parts, self._subtotals(dimension.value, columns), strict=True):
                if text:
                    part.append(text)
        return [f"{{{','.join(part)}}}" for part in parts]

    def _subtotals(self, name: str, columns: list[int]) -> list[str]:
        weights, known = self.weights[:, columns], self.counted[:, columns]
        weight, present = weights.sum(axis=1), np.where(known, weights, 0).sum(axis=1)
        weighted = np.where(known, weights * self.scores[:, columns], 0).sum(axis=1)
        score = np.where(present > 0, _half_up(weighted, np.maximum(present, 1)), NOT_KNOWN)
        wanted = np.where(known | ~OPTIONAL[columns], weights, 0).sum(axis=1)
        coverage = _half_up(10_000 * present, np.maximum(wanted, 1))
        dated = known & (self.ages[:, columns] != NO_EVIDENCE)
        never = np.iinfo(np.int64).max
        newest = np.where(dated, self.ages[:, columns], never).min(axis=1)
        ages = np.where(newest == never, NO_EVIDENCE, newest)
        points, lost = self.points[:, columns].sum(axis=1), self.lost[:, columns].sum(axis=1)
        return [
            f'"{name}":{{"score":{"null" if s < 0 else s / 100},"weight":{w / 100},"points":{p / 100},'
            f'"lost":{x / 100},"coverage":{c / 100},"latest":{self._days[age]}}}'
            if w
            else ""
            for s, w, p, x, c, age in zip(
                *(each.tolist() for each in (score, weight, points, lost, coverage, ages)), strict=True
            )
        ]

    def reasons(self) -> list[str]:
        """JSON by account: what is worse than usual and costs the most points, worst first; under a point is none."""
        costly = self.counted & (self.scores < USUAL_SCORE) & (self.lost >= LEAST_LOSS)
        found: list[list[str]] = [[] for _ in range(self.size)]
        for row, column in self._sorted(costly, -self.lost):
            if len(found[row]) < MOST_REASONS:
                lost = int(self.lost[row, column]) / 100
                found[row].append(f'{self._about(row, column)},"points_lost":{lost}}}')
        return [f"[{','.join(each)}]" for each in found]

    def low(self, rows: Bools) -> dict[int, str]:
        """JSON by place in the block: indicators that score under 50, worst first; what play triggers look at."""
        found: dict[int, list[str]] = {int(row): [] for row in np.nonzero(rows)[0]}
        for row, column in self._sorted(self.is_low & rows[:, None], self.scores):
            score = int(self.scores[row, column]) / 100
            found[row].append(f'{self._about(row, column)},"score":{score}}}')
        return {row: f"[{','.join(each)}]" for row, each in found.items()}

    def _sorted(self, mask: Bools, by: Ints) -> list[tuple[int, int]]:
        """The places of the mask, row by row, each row's by rising `by`; the layout's order decides ties."""
        rows, columns = np.nonzero(mask)
        order = np.lexsort((columns, by[rows, columns], rows))
        return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))

    def _about(self, row: int, column: int) -> str:
        """The beginning of a JSON object that all lists share."""
        key = KEYS[column]
        text = json.dumps(words(key, float(self.values[row, column]), self.about[row]))
        day = self._days[int(self.ages[row, column])]
        return f'{{"key":"{key}","dimension":"{key.partition(".")[0]}","text":{text},"day":{day}'

    def events(self, before: "Before", run_id: int) -> list[str | None]:
        """JSON by account of what to tell, or None when nothing that matters has moved."""
        moved = before.moved(self)
        low = self.low(moved)
        return [
            self._event(at, before, low[at], run_id) if tell else None
            for at, tell in enumerate(moved.tolist())
        ]

    def _event(self, at: int, before: "Before", low: str, run_id: int) -> str:
        health, priority = points(int(self.health[at])), self.scored.priority_of(self.at[at])
        after = (
            f'{{"health":{"null" if health is None else float(health)},"band":"{self.bands[at]}",'
            f'"as_of":"{self.scored.day}","run_id":{run_id},"priority":{priority},"low":{low}}}'
        )
        return f'{{"before":{before.told(at)},"after":{after}}}'


class Before:
    """Where the accounts of a block stood: health (hundredths), band, which indicators were low."""

    def __init__(self, block: Block, rows: Sequence[tuple[Any, ...]]) -> None:
        place = {account: at for at, account in enumerate(block.ids)}
        self.is_new = np.ones(block.size, dtype=bool)
        self.health = np.full(block.size, NOT_KNOWN, dtype=np.int64)
        self.bands = [""] * block.size
        # the level of risk that is routed by, the one that waits for a second scoring, and the day of both
        self.levels, self.pending = [""] * block.size, [""] * block.size
        self.days: list[date | None] = [None] * block.size
        # an earlier layout counts as the same: a new release alone is no news of a customer
        self.is_low = block.is_low.copy()
        for account, health, band, layout, weights, scores, level, pending, day in rows:
            at = place[account]
            self.is_new[at] = False
            self.health[at] = NOT_KNOWN if health is None else health
            self.bands[at] = band
            self.levels[at], self.pending[at], self.days[at] = level, pending, day
            if layout == LAYOUT and len(scores) == len(KEYS):
                marks = np.array(scores)
                self.is_low[at] = (np.array(weights) > 0) & (marks != NO_SCORE) & (marks < LOW_SCORE)

    def moved(self, block: Block) -> Bools:
        """Whose first score it is, or whose band, low indicators, or health by two points have changed."""
        both = (self.health != NOT_KNOWN) & (block.health != NOT_KNOWN)
        moved: Bools = (
            self.is_new
            | np.array([old != new for old, new in zip(self.bands, block.bands, strict=True)], dtype=bool)
            | (both & (np.abs(self.health - block.health) >= MOVED))
            | (self.is_low != block.is_low).any(axis=1)
        )
        return moved

    def told(self, at: int) -> str:
        if self.is_new[at]:
            return "null"
        health = points(int(self.health[at]))
        return f'{{"health":{"null" if health is None else float(health)},"band":"{self.bands[at]}"}}'


def points(hundredths: int) -> Decimal | None:
    """Hundredths as points; None for an unknown health."""
    return None if hundredths < 0 else Decimal(hundredths).scaleb(-2)


def _half_up(top: Ints, bottom: Ints) -> Ints:
    return (2 * top + bottom) // (2 * bottom)
