"""Raw figures by account as of a day: set-based SQL over evidence, only facts known before that day (ADR 0007).

`load` is the only door. It answers with numpy arrays aligned by account, which the engine turns into values.
"""

from scoring.features.load import Features, load
from scoring.features.newest import day_after, default_day, newest_evidence

__all__ = ["Features", "day_after", "default_day", "load", "newest_evidence"]
