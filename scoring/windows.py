"""Windows that a tenant sets itself: rows of its policy for all segments, one an indicator that has a window.

They hold for the whole tenant, for health and for what models learn, so that a value means the same everywhere.
"""

from collections.abc import Iterable

from scoring.catalogue import BY_KEY
from scoring.models import HealthPolicy, PolicyIndicator

SHORTEST, LONGEST = 7, 730  # days


def windows_of(policies: Iterable[HealthPolicy]) -> dict[str, int]:
    """Days by indicator key where they differ from the declared ones. A policy needs `.rows`."""
    base = next((policy for policy in policies if policy.segment == ""), None)
    rows: Iterable[PolicyIndicator] = base.rows if base is not None else ()
    return {
        row.indicator: row.window_days
        for row in rows
        if row.window_days
        and row.indicator in BY_KEY
        and BY_KEY[row.indicator].has_window
        and row.window_days != BY_KEY[row.indicator].window_days
    }
