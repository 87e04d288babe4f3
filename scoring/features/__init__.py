"""Raw figures by account as of a day: set-based SQL over evidence, only facts known before that day (ADR 0007).

`load.load` is the only door. It answers with numpy arrays aligned by account, which the engine turns into values.
"""

from scoring.features.newest import day_after, default_day, newest_evidence

__all__ = ["day_after", "default_day", "newest_evidence"]  # not load: numpy stays out of the pages' processes
