"""Bands and policy names as they are stored and shown."""

from decimal import Decimal

from scoring.models import HealthPolicy

BANDS = ("critical", "at_risk", "watch", "healthy")
UNKNOWN = "unknown"
LABELS = {"critical": "Critical", "at_risk": "At risk", "watch": "Watch", "healthy": "Healthy"}
SMALLEST = Decimal("0.01")


def band_of(health: Decimal | None, policy: HealthPolicy) -> str:
    """The band under half-open cuts: a health of exactly 40.00 is already `at_risk`."""
    if health is None:
        return UNKNOWN
    cuts = (policy.at_risk_from, policy.watch_from, policy.healthy_from)
    return BANDS[sum(health >= cut for cut in cuts)]


def band_label(band: str) -> str:
    """The band as it is shown."""
    return LABELS.get(band, "No data")


def nearest_in(band: str, health: Decimal | None, policy: HealthPolicy) -> Decimal:
    """The number of this band nearest to `health`; the band's middle where nothing is known."""
    cuts = [
        Decimal(0),
        *(Decimal(each) for each in (policy.at_risk_from, policy.watch_from, policy.healthy_from)),
    ]
    at = BANDS.index(band)
    low, high = cuts[at], cuts[at + 1] - SMALLEST if at + 1 < len(cuts) else Decimal(100)
    if health is None:
        return ((low + high) / 2).quantize(SMALLEST)
    return min(max(health, low), high)


def policy_label(policy: HealthPolicy) -> str:
    """`all v1`, `smb v3`: what snapshots and exports name a policy version by."""
    return f"{policy.segment or 'all'} v{policy.version}"
