"""Every declared indicator as the reference page shows it: what it is, what it weighs, of how many it is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scoring.catalogue import BY_KEY, DIMENSION_LABELS, INDICATORS, SOURCES, Dimension, Indicator
from scoring.catalogue.factors import FACTORS
from scoring.models import HealthPolicy, PolicyIndicator, ScoreRun

UNIT_WORDS = {
    "share": "Share", "ratio": "Ratio", "days": "Days", "hours": "Hours", "months": "Months", "count": "Count",
    "score": "Score", "change": "Change", "yes_no": "Yes or no", "points": "Points", "tone": "Tone",
}  # fmt: skip
ON, WEIGHTLESS, OFF = "on", "weightless", "off"


@dataclass(frozen=True)
class PolicyLine:
    """What one policy in force makes of an indicator."""

    segment: str  # empty: every segment without its own policy
    weight: Decimal
    window_days: int  # 0: no window
    state: str  # ON, WEIGHTLESS (measured and kept, but not part of health), OFF (switched off in the policy)


@dataclass(frozen=True)
class IndicatorLine:
    """One indicator. `known` is the share of customers with a value in the newest run, in per cent; None: not run."""

    indicator: Indicator
    unit: str
    sources: str
    policies: list[PolicyLine]
    known: float | None

    @property
    def window_days(self) -> int:
        """In force for the whole workspace: that of the policy for all segments."""
        return next(
            (each.window_days for each in self.policies if not each.segment), self.indicator.window_days
        )

    @property
    def is_on(self) -> bool:
        return any(policy.state == ON for policy in self.policies)


@dataclass(frozen=True)
class DimensionGroup:
    key: str
    label: str
    weight: Decimal | None  # in the policy for all segments; None: there is none
    lines: list[IndicatorLine]


def groups(policies: Sequence[HealthPolicy], run: ScoreRun | None) -> list[DimensionGroup]:
    """The catalogue by dimension, as the policies in force use it. Policies come with `.rows`; no query."""
    known = run.summary.get("coverage", {}) if run else {}
    rows = [(policy, {row.indicator: row for row in policy.rows}) for policy in policies]
    return [_group(dimension, rows, known) for dimension in Dimension]


def _group(
    dimension: Dimension,
    rows: Sequence[tuple[HealthPolicy, dict[str, PolicyIndicator]]],
    known: dict[str, float],
) -> DimensionGroup:
    lines = [_line(each, rows, known) for each in INDICATORS if each.dimension == dimension]
    general = [policy for line in lines for policy in line.policies if not policy.segment]
    weight = sum((policy.weight for policy in general if policy.state == ON), Decimal(0)) if general else None
    return DimensionGroup(dimension.value, DIMENSION_LABELS[dimension], weight, lines)


def _line(
    indicator: Indicator,
    rows: Sequence[tuple[HealthPolicy, dict[str, PolicyIndicator]]],
    known: dict[str, float],
) -> IndicatorLine:
    return IndicatorLine(
        indicator=indicator,
        unit=UNIT_WORDS.get(indicator.unit, indicator.unit),
        sources=" or ".join(SOURCES[source].label for source in indicator.sources),
        policies=[_in_policy(indicator, policy, found.get(indicator.key)) for policy, found in rows],
        known=known.get(indicator.key),
    )


def _in_policy(indicator: Indicator, policy: HealthPolicy, row: PolicyIndicator | None) -> PolicyLine:
    """An indicator that came after the policy was made has no row in it: it weighs nothing."""
    if row is None:
        return PolicyLine(policy.segment, Decimal(0), indicator.window_days, WEIGHTLESS)
    state = OFF if not row.enabled else ON if row.weight else WEIGHTLESS
    weight = row.weight if row.enabled else Decimal(0)
    return PolicyLine(policy.segment, weight, row.window_days or indicator.window_days, state)


def factors() -> list[tuple[str, list[Indicator]]]:
    """Each factor with the indicators that measure it."""
    return [(name, [BY_KEY[key] for key in keys]) for name, keys in FACTORS.items()]
