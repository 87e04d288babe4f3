"""How far a play is, in words. Pure: rows in, a summary out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from playbooks.models import PlayStep

State = PlayStep.State
BEHIND_US = (State.DONE, State.SKIPPED, State.REJECTED)


@dataclass(frozen=True)
class Progress:
    """The steps of one play, in order, and where it stands."""

    steps: tuple[PlayStep, ...]

    @property
    def finished(self) -> int:
        return sum(step.state in BEHIND_US for step in self.steps)

    @property
    def current(self) -> PlayStep | None:
        """The first step that wants somebody's hand; where there is none, the first that waits for others."""
        waiting = [step for step in self.steps if step.state not in BEHIND_US]
        return next((step for step in waiting if step.state in PlayStep.UNFINISHED), None) or next(
            iter(waiting), None
        )

    @property
    def words(self) -> str:
        """`Step 2 of 5`."""
        if not self.steps:
            return "Starting"
        if self.current is None:
            return "All steps finished"
        return f"Step {self.steps.index(self.current) + 1} of {len(self.steps)}"

    @property
    def waiting(self) -> PlayStep | None:
        """The step whose approval is awaited."""
        return next((step for step in self.steps if step.state == State.PENDING_APPROVAL), None)

    @property
    def next_due(self) -> date | None:
        """The earliest day among the steps that somebody has to do."""
        return min((step.due_date for step in self.steps if step.state in PlayStep.UNFINISHED), default=None)


def group_steps(play_ids: Iterable[int], steps: Iterable[PlayStep]) -> dict[int, Progress]:
    """One summary for each play, also for those without steps yet."""
    found: dict[int, list[PlayStep]] = {play_id: [] for play_id in play_ids}
    for step in steps:
        found[step.play_id].append(step)
    return {play_id: Progress(tuple(rows)) for play_id, rows in found.items()}
