"""A block of one computation's chances as columns for COPY; empty ones where no model speaks."""

import json
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.blocks import Before, Block
from scoring.chance_reasons import reasons
from scoring.chances import LEVELS, NO_LEVEL, Chances, Stood, at_stake, moved

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
MILLIONTHS = 1_000_000
NO_RATE = -1.0  # sorts last


class ChanceBlock:
    """The chances of one block of accounts. `earlier`: p90 in millionths 30 days before, below zero without one."""

    def __init__(self, chances: Chances | None, block: Block, *, earlier: Ints, before: Before) -> None:
        self.chances, self.block, self.earlier, self.before = chances, block, earlier, before
        self.rows = slice(block.at.start, block.at.stop)
        self.stakes: list[Decimal | None] = []
        if chances is not None:
            money = block.scored.features.money.arr_reporting[self.rows]
            p90 = chances.p[self.rows, 2].tolist()
            self.stakes = [at_stake(arr, p) for arr, p in zip(money, p90, strict=True)]

    def priorities(self, by_health: list[float]) -> list[float]:
        """What is at stake in the tenant's currency, or without chances ARR x (100 - health) / 100."""
        if self.chances is None:
            return by_health
        return [NO_RATE if each is None else float(each) for each in self.stakes]

    def columns(self) -> list[list[Any]]:
        """p30 to risk_event, in the order of the stage."""
        if self.chances is None:
            return self._nothing()
        chances, rows, size = self.chances, self.rows, self.block.size
        level, pending = moved(chances, rows, self._stood())
        now = chances.now()[rows]
        return [
            *(_shares(chances.p[rows, at]) for at in range(3)),
            _shares(chances.low[rows]),
            _shares(chances.high[rows]),
            _shares(chances.renew[rows]),
            _arrays(chances.leaves[rows]),
            _names(now),
            [chances.model_id] * size,
            [chances.version] * size,
            chances.base[rows].tolist(),
            _arrays(chances.parts[rows]),
            self.stakes,
            _names(level),
            _names(pending),
            self._changes(),
            reasons(chances, rows, self.block.scored.newest[rows], self.block.scored.day),
            self._events(level),
        ]

    def _nothing(self) -> list[list[Any]]:
        size = self.block.size
        empty: list[Any] = [None] * size
        words = [""] * size
        return [
            *([empty] * 7), words, empty, words, *([empty] * 3), words, words, empty, ["[]"] * size, empty,
        ]  # fmt: skip

    def _stood(self) -> Stood:
        """Where the levels stood in the projection."""
        day = self.block.scored.day
        return Stood(
            level=_places(self.before.levels),
            pending=_places(self.before.pending),
            is_earlier=np.array([each is not None and each < day for each in self.before.days], dtype=bool),
        )

    def _changes(self) -> list[str | None]:
        assert self.chances is not None
        now = np.round(self.chances.p[self.rows, 2] * MILLIONTHS).astype(np.int64)
        return [
            f"{(new - old) / MILLIONTHS:.6f}" if old >= 0 else None
            for new, old in zip(now.tolist(), self.earlier.tolist(), strict=True)
        ]

    def _events(self, level: Ints) -> list[str | None]:
        """JSON by account of a level that has moved, or None. A first level is told from medium on."""
        assert self.chances is not None
        stood = _places(self.before.levels)
        p90 = self.chances.p[self.rows, 2]
        moves = (level != stood) & ((stood != NO_LEVEL) | (level > 0))
        return [
            self._event(at, int(stood[at]), int(level[at]), float(p90[at])) if moves[at] else None
            for at in range(self.block.size)
        ]

    def _event(self, at: int, stood: int, level: int, p90: float) -> str:
        assert self.chances is not None
        stake = self.stakes[at]
        return json.dumps(
            {
                "before": None if stood == NO_LEVEL else {"risk_level": LEVELS[stood]},
                "after": {
                    "risk_level": LEVELS[level],
                    "p90": round(p90, 6),
                    "at_stake": None if stake is None else float(stake),
                    "as_of": str(self.block.scored.day),
                    "model_version": self.chances.version,
                },
            }
        )


def _shares(values: Floats) -> list[str | None]:
    """Six decimals, as they were rounded; NaN is nothing."""
    return [None if each != each else f"{each:.6f}" for each in values.tolist()]


def _arrays(values: Floats) -> list[str]:
    return [f"{{{str(row)[1:-1]}}}" for row in values.tolist()]


def _names(places: Ints) -> list[str]:
    return ["" if at == NO_LEVEL else LEVELS[at] for at in places.tolist()]


def _places(names: list[str]) -> Ints:
    return np.array([LEVELS.index(each) if each else NO_LEVEL for each in names], dtype=np.int64)
