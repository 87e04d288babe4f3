"""The outcome of one computation, still in arrays, and how one account's part of it reads."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.bands import BANDS, UNKNOWN, policy_label
from scoring.breakdown import LAYOUT, NO_EVIDENCE, Breakdown
from scoring.catalogue import INDICATORS, SOURCES, Source
from scoring.features.load import Features
from scoring.models import HealthPolicy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class _Nothing:
    """A text figure of which nobody has any."""

    def __getitem__(self, at: int) -> str:
        return ""


_NONE = _Nothing()


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
        """Weights in hundredths in the layout's order, of the policy of this account."""
        return self.weights_of(int(self.policy_of[at]))

    def weights_of(self, number: int) -> list[int]:
        """The same, of the policy with this place in `policies`."""
        if number not in self._weights:
            rows = {row.indicator: row for row in self.policies[number].rows if row.enabled}
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
            "sources": self.sources(),
            "missing_rates": sorted(self.features.money.missing_rates),
        }

    def sources(self) -> dict[str, dict[str, Any]]:
        """What is known of each source of evidence as a whole, by its key."""
        return {source.key: self._source(source) for source in SOURCES.values()}

    def _source(self, source: Source) -> dict[str, Any]:
        """How many customers and rows the source has, its newest day, and whether it fell silent for everybody.

        `fresh`: customers with a row within the source's limit for silence, of one without a limit with any row.
        """
        has_any = np.nan_to_num(self.features.raw[f"{source.key}.rows"]) > 0
        is_fresh = has_any
        if source.fresh_days:
            is_fresh = has_any & (self.features.raw[f"{source.key}.last_ago"] <= source.fresh_days)
        ago = self.features.raw[f"{source.key}.source_last_ago"][0]
        rows = self.features.raw[f"{source.key}.source_rows"][0]
        return {
            "accounts": int(np.count_nonzero(has_any)),
            "fresh": int(np.count_nonzero(is_fresh)),
            "rows": 0 if np.isnan(rows) else int(rows),
            "latest": None if np.isnan(ago) else str(self.day - timedelta(days=int(ago))),
            "late": bool(source.fresh_days and ago > source.fresh_days),
        }

    def figures(self, rows: slice) -> tuple[Ints, Ints, Ints, Floats, Ints, Ints]:
        """Scores, points, lost points, values, why one is missing and age of the evidence, as snapshots keep them."""
        ages = np.where(np.isnan(self.newest[rows]), NO_EVIDENCE, self.newest[rows]).astype(np.int64)
        values = np.where(self.health.scores[rows] < 0, np.nan, np.round(self.values[rows], 6))
        return (
            self.health.scores[rows], self.health.points[rows], self.health.lost[rows], values, self.states[rows],
            ages,
        )  # fmt: skip

    def about(self, at: int) -> dict[str, dict[str, Any]] | None:
        """What the sentences of this account need beyond values; None for most accounts. See Breakdown.about."""
        names = {
            each.key: self.features.names[each.names][at]
            for each in INDICATORS
            if each.names and self.features.names.get(each.names, _NONE)[at]
        }
        parts = (("names", names), ("days", self.features.windows))
        return {key: part for key, part in parts if part} or None

    def breakdown(self, at: int) -> Breakdown:
        """One account's figures, as its snapshot will keep them."""
        figures = [each[0].tolist() for each in self.figures(slice(at, at + 1))]
        return replace(Breakdown(self.day, LAYOUT, self.weights(at), *figures), about=self.about(at))

    def indicators(self, at: int) -> list[dict[str, Any]]:
        return self.breakdown(at).indicators()
