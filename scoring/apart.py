"""Which runs keep what is noticed of persons apart from their figures, and what of the others nobody is shown.

Until it was kept apart, the vulnerability of the champion was stored with it, and health and chances with that. A run
that keeps it apart says so in its summary; days from before are mended by being scored again, which their fingerprint
asks for (`pipeline.ENGINE_VERSION`). Until then neither the indicator's value nor parts of points that it is among
are shown: whoever knows the others knows it.
"""

from collections.abc import Mapping
from typing import Any

INDICATOR = "stakeholders.champion_vulnerability"
MARK = "noticed_apart"  # in a run's summary


def is_apart(summary: Mapping[str, Any]) -> bool:
    """Whether the figures of the run with this summary know nothing of observations."""
    return summary.get(MARK) is True


def without(rows: list[dict[str, Any]], summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Reasons or indicators of a snapshot, those left out that its run may have from observations."""
    return rows if is_apart(summary) else [row for row in rows if row.get("key") != INDICATOR]
