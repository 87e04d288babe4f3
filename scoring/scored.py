"""The outcome of one computation, still in arrays, and how one account's part of it reads as rows and JSON."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.bands import BANDS, UNKNOWN, policy_label
from scoring.catalogue import INDICATORS, SOURCES, Dimension, Missing, Source
from scoring.features import Features
from scoring.models import HealthPolicy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LOW_SCORE = 50 * 100  # hundredths: an indicator below it is "low"
LEAST_LOSS = 100  # hundredths: a reason costs at least one point of health
USUAL_SCORE = 65 * 100  # hundredths: what the usual value of an indicator scores; at or above it is no reason
MOST_REASONS = 5
# why a value is missing, as the engine numbers it; 0: it is there
MISSING = ("", Missing.NOT_TRACKED.value, Missing.NOT_YET.value, Missing.LATE.value)


@dataclass(frozen=True)
class Scored:
    """Every customer of one day with values, health and what they came from. Row n is features.ids[n]."""

    features: Features
    policies: list[HealthPolicy]
    policy_of: Ints
    values: Floats
    states: Ints
    newest: Floats
    health: Any  # engine.Health; this module stays free of the maths
    fingerprint: str = ""
    _weights: dict[int, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.features)

    @property
    def day(self) -> date:
        return self.features.day

    def policy(self, at: int) -> HealthPolicy:
        return self.policies[int(self.policy_of[at])]

    def weights(self, at: int) -> list[int]:
        """Weights in hundredths in the catalogue's order, of the policy of this account."""
        number = int(self.policy_of[at])
        if number not in self._weights:
            rows = {row.indicator: row for row in self.policies[number].rows if row.enabled}  # type: ignore[attr-defined]
            self._weights[number] = [
                int(rows[each.key].weight * 100) if each.key in rows else 0 for each in INDICATORS
            ]
        return self._weights[number]

    def health_of(self, at: int) -> Decimal | None:
        value = int(self.health.health[at])
        return None if value < 0 else Decimal(value).scaleb(-2)

    def band_of(self, at: int) -> str:
        number = int(self.health.band[at])
        return UNKNOWN if number < 0 else BANDS[number]

    def priority_of(self, at: int) -> float:
        """ARR in the tenant's currency x (100 - health) / 100; -1 where either is unknown, so that it sorts last."""
        arr, health = self.features.money.arr_reporting[at], self.health_of(at)
        if arr is None or health is None:
            return -1.0
        return float((arr * (100 - health) / 100).quantize(Decimal("0.0001")))

    def policy_label_of(self, at: int) -> str:
        return policy_label(self.policy(at))

    def summary(self) -> dict[str, Any]:
        """What holds for the run as a whole: bands, coverage by indicator, sources, currencies without a rate."""
        bands = [self.band_of(at) for at in range(len(self))]
        known = np.count_nonzero(self.health.scores >= 0, axis=0)
        return {
            "bands": {band: bands.count(band) for band in (*BANDS, UNKNOWN)},
            "coverage": {
                each.key: round(100 * int(count) / len(self), 1)
                for each, count in zip(INDICATORS, known, strict=True)
            },
            "sources": {source.key: self._source(source) for source in SOURCES.values()},
            "missing_rates": sorted(self.features.money.missing_rates),
        }

    def _source(self, source: Source) -> dict[str, Any]:
        """How many customers the source speaks of, its newest day, and whether it has fallen silent for everybody."""
        accounts = int(np.count_nonzero(np.nan_to_num(self.features.raw[f"{source.key}.rows"]) > 0))
        ago = self.features.raw[f"{source.key}.source_last_ago"][0]
        return {
            "accounts": accounts,
            "latest": None if np.isnan(ago) else str(self.day - timedelta(days=int(ago))),
            "late": bool(source.fresh_days and ago > source.fresh_days),
        }

    def indicators(self, at: int) -> list[dict[str, Any]]:
        """Each indicator of the policy: value, score, weight, points, what is missing, newest evidence, words."""
        return [
            self._indicator(at, column, weight) for column, weight in enumerate(self.weights(at)) if weight
        ]

    def _indicator(self, at: int, column: int, weight: int) -> dict[str, Any]:
        indicator = INDICATORS[column]
        found: dict[str, Any] = {
            "key": indicator.key,
            "dimension": indicator.dimension.value,
            "weight": weight / 100,
            "points": int(self.health.points[at, column]) / 100,
            "latest": self._day(at, column),
        }
        score = int(self.health.scores[at, column])
        if score < 0:
            return found | {
                "value": None,
                "score": None,
                "missing": MISSING[int(self.states[at, column])],
                "text": "",
            }
        value = float(self.values[at, column])
        return found | {
            "value": round(value, 6),
            "score": score / 100,
            "missing": "",
            "text": indicator.say(value),
            "lost": int(self.health.lost[at, column]) / 100,
        }

    def _day(self, at: int, column: int) -> str | None:
        ago = self.newest[at, column]
        return None if np.isnan(ago) else str(self.day - timedelta(days=int(ago)))

    @staticmethod
    def reasons(indicators: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What is worse than usual and costs the most points, worst first; less than a point is no reason."""
        costly = [
            each
            for each in indicators
            if each["score"] is not None
            and each["score"] * 100 < USUAL_SCORE
            and each["lost"] * 100 >= LEAST_LOSS
        ]
        costly.sort(key=lambda each: -each["lost"])  # stable: the catalogue's order decides ties
        return [
            {
                "key": each["key"],
                "dimension": each["dimension"],
                "text": each["text"],
                "points_lost": each["lost"],
                "day": each["latest"],
            }
            for each in costly[:MOST_REASONS]
        ]

    @staticmethod
    def low(indicators: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Indicators that score under 50, worst first: what play triggers look at."""
        low = [each for each in indicators if each["score"] is not None and each["score"] * 100 < LOW_SCORE]
        low.sort(key=lambda each: each["score"])
        return [
            {"key": each["key"], "dimension": each["dimension"], "score": each["score"], "text": each["text"],
             "day": each["latest"]}
            for each in low
        ]  # fmt: skip

    def dimensions(self, at: int, indicators: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Subtotals: points and lost points add up to health and to 100 - health."""
        return {
            dimension.value: _subtotal([each for each in indicators if each["dimension"] == dimension.value])
            for dimension in Dimension
            if any(each["dimension"] == dimension.value for each in indicators)
        }


def _subtotal(parts: list[dict[str, Any]]) -> dict[str, Any]:
    weight = sum(round(each["weight"] * 100) for each in parts)
    known = [each for each in parts if each["score"] is not None]
    present = sum(round(each["weight"] * 100) for each in known)
    weighted = sum(round(each["weight"] * 100) * round(each["score"] * 100) for each in known)
    days = [each["latest"] for each in known if each["latest"]]
    return {
        "score": round(weighted / present / 100, 2) if present else None,
        "weight": weight / 100,
        "points": sum(round(each["points"] * 100) for each in parts) / 100,
        "lost": sum(round(each.get("lost", 0) * 100) for each in parts) / 100,
        "coverage": round(100 * present / weight, 2),
        "latest": max(days) if days else None,
    }
