"""Bands and policy names as they are stored and shown."""

from decimal import Decimal

from scoring.models import HealthPolicy

BANDS = ("critical", "at_risk", "watch", "healthy")
UNKNOWN = "unknown"


def band_of(health: Decimal | None, policy: HealthPolicy) -> str:
    """The band under half-open cuts: a health of exactly 40.00 is already `at_risk`."""
    if health is None:
        return UNKNOWN
    cuts = (policy.at_risk_from, policy.watch_from, policy.healthy_from)
    return BANDS[sum(health >= cut for cut in cuts)]


def policy_label(policy: HealthPolicy) -> str:
    """`all v1`, `smb v3`: what snapshots and exports name a policy version by."""
    return f"{policy.segment or 'all'} v{policy.version}"
