"""What health policies register at start-up: the preview job and the lines on the thresholds page."""

from decimal import Decimal

from jobs import registry
from scoring import queries
from scoring.whatif.services import WHAT_IF
from tenants import nav, thresholds
from tenants.models import Tenant
from tenants.roles import Right


def register() -> None:
    """Called from ScoringConfig.ready."""
    registry.register(
        "scoring.preview_policy",
        _preview,
        mode="stepwise",
        label="Previewing a policy",
        max_attempts=2,
        seconds=1800,
    )
    registry.register(
        WHAT_IF, _what_if, mode="stepwise", label="Replaying the last 12 months", max_attempts=2, seconds=1800
    )
    here = "scoring:policies"
    nav.register(nav.Destination("Health policies", here, 70, Right.CONFIGURE, place="menu"))
    thresholds.register(
        "Health bands", here, value=_bands, help="At risk, Watch and Healthy begin at these numbers"
    )
    thresholds.register(
        "Indicator weights", here, value=_weights, help="How much each dimension weighs; 100 in all"
    )
    thresholds.register(
        "Missing data", here, value=_missing, help="What happens where an indicator has no value"
    )


def _preview(*args: object, **options: object) -> object:
    from scoring.previews import preview_policy  # the maths is loaded by the worker alone

    return preview_policy(*args, **options)  # type: ignore[arg-type]


def _what_if(*args: object, **options: object) -> object:
    from scoring.whatif.chances import what_if

    return what_if(*args, **options)  # type: ignore[arg-type]


def _bands(tenant: Tenant) -> str:
    return "; ".join(
        f"{policy}: {policy.at_risk_from:f} / {policy.watch_from:f} / {policy.healthy_from:f}"
        for policy in queries.published_policies(tenant)
    )


def _weights(tenant: Tenant) -> str:
    from scoring.catalogue import BY_KEY

    lines = []
    for policy in queries.published_policies(tenant):
        weights: dict[str, Decimal] = {}
        for row in policy.rows:  # type: ignore[attr-defined]
            if row.enabled and row.indicator in BY_KEY:
                dimension = BY_KEY[row.indicator].dimension.value
                weights[dimension] = weights.get(dimension, Decimal(0)) + row.weight
        lines.append(f"{policy}: " + ", ".join(f"{name} {weight:f}" for name, weight in weights.items()))
    return "; ".join(lines)


def _missing(tenant: Tenant) -> str:
    return "; ".join(
        f"{policy}: {policy.get_missing_rule_display()}, under {policy.min_coverage_pct}% no health"
        for policy in queries.published_policies(tenant)
    )
