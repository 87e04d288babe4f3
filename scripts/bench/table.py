"""The rows of the table, and how seconds are taken."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """What was measured against what. `target`: what the ratio should be, in words; `ratio` has its unit."""

    what: str
    took: str
    baseline: str
    against: str
    ratio: str
    target: str

    def __str__(self) -> str:
        return (
            f"| {self.what} | {self.took} | {self.baseline} | {self.against} | {self.ratio} | {self.target} |"
        )


HEAD = "| what | took | baseline | took | ratio | target |\n| --- | --- | --- | --- | --- | --- |"


def times(what: str, took: float, baseline: str, against: float, target: str, *, unit: str = "s") -> Line:
    """A line of two durations, in seconds; shown in `unit` (s or ms)."""
    by, digits = (1000, 1) if unit == "ms" else (1, 2)
    return Line(
        what,
        f"{took * by:.{digits}f} {unit}",
        baseline,
        f"{against * by:.{digits}f} {unit}",
        f"{took / against:.2f} x",
        target,
    )


def timed(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def percentile(seconds: list[float], share: float) -> float:
    """The smallest measured value that at least `share` of them do not exceed (nearest rank)."""
    return sorted(seconds)[max(math.ceil(share * len(seconds)) - 1, 0)]
