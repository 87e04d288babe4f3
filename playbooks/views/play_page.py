"""What the page of one play shows: its steps, the concessions among them, its log, and the forms that fit its state."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.forms import Form
from django.utils import timezone
from django.utils.dateparse import parse_date

from approvals import people
from approvals import queries as approvals
from playbooks import story
from playbooks.forms import CloseForm, ConcessionForm, SkipForm, StopForm
from playbooks.models import Play, PlayStep, Task
from playbooks.progress import Progress
from playbooks.queries import plays as queries
from playbooks.queries.hints import Hint, Hints
from playbooks.queries.story import story_of
from playbooks.services.concessions import ASKABLE
from playbooks.services.guards import local_day
from playbooks.services.plays import CONCESSION
from tenants.access import TenantRequest
from tenants.roles import Right

State = PlayStep.State
Forms = dict[Any, Form]
KEYS = [("J K", "step"), ("D", "mark done, or open again"), ("U", "undo")]
# how a step's state is marked: tone, icon
MARKS = {
    State.OPEN: ("", ""),
    State.PENDING_APPROVAL: ("t-watch", "clock"),
    State.APPROVED: ("t-info", "out"),
    State.DONE: ("t-good", "good"),
    State.REJECTED: ("t-crit", "cross"),
    State.CHANGES_REQUESTED: ("t-high", "pen"),
    State.SKIPPED: ("", "cross"),
    State.FAILED: ("t-crit", "crit"),
}


@dataclass(frozen=True)
class StepLine:
    """One step as the page shows it; a form is there only when the viewer may send it now."""

    step: PlayStep
    task: Task | None
    css: str
    icon: str
    is_current: bool = False
    is_late: bool = False
    ask: Form | None = None
    skip: Form | None = None
    hint: Hint | None = None
    request: Any = None  # the approval request that is awaited
    waits_for: str = ""

    @property
    def is_concession(self) -> bool:
        return self.step.kind == CONCESSION

    @property
    def is_asking(self) -> bool:
        """Whether its form stands open: its turn has come, or something about it has to be mended."""
        wants_mending = self.step.state == State.CHANGES_REQUESTED or (
            self.ask is not None and self.ask.is_bound
        )
        return self.is_current or wants_mending

    @property
    def is_skipping(self) -> bool:
        """The form to leave it out came back with faults, so it stays open."""
        return self.skip is not None and self.skip.is_bound


def play_context(
    request: TenantRequest,
    play: Play,
    *,
    forms: Forms | None = None,
    progress: Progress | None = None,
    hints_follow: bool = False,
) -> dict[str, Any]:
    """The page's context; `forms` are those that were refused and come back with their faults.

    `progress` where it was read already; `hints_follow`: what an offer costs is asked for by the browser afterwards.
    """
    forms = forms or {}
    progress = progress or queries.steps_of_plays(request.tenant, [play])[play.pk]
    today = local_day(request.tenant, timezone.now())
    hints = None if hints_follow else Hints(request.membership, account_id=play.account_id)
    lines = _Lines(request, play, progress, forms, today, hints).all()
    refs = [line.step.approval_ref for line in lines if line.step.approval_ref]
    return {
        "play": play,
        "account": play.account,
        "progress": progress,
        "lines": lines,
        "causes": _causes(play),
        "concessions": [line for line in lines if line.is_concession],
        "log": story.tell(story_of(request.tenant, request.membership, play, refs=refs)),
        "works": _works(request, play),
        "close_form": forms.get("close") or CloseForm(initial={"version": play.version}),
        "stop_form": forms.get("stop") or StopForm(initial={"version": play.version}),
        "today": today,
        "place": "play",
        "keys_help": KEYS,
        "hints_follow": hints_follow,
    }


def _causes(play: Play) -> list[tuple[str, date | None]]:
    """What spoke for the play: the words, and the last day that they speak of."""
    found = play.recommendation.cause if play.recommendation else []
    return [(str(low.get("text", "")), parse_date(str(low.get("day") or ""))) for low in found]


def _works(request: TenantRequest, play: Play) -> bool:
    """Whether the viewer may change a play that runs."""
    return Right.WORK_QUEUE in request.membership.rights and play.state == Play.State.IN_PROGRESS


class _Lines:
    """The steps of one page, with what they need read once."""

    def __init__(
        self,
        request: TenantRequest,
        play: Play,
        progress: Progress,
        forms: Forms,
        today: date,
        hints: Hints | None,
    ) -> None:
        self.play, self.progress, self.forms, self.today, self.hints = play, progress, forms, today, hints
        self.works = _works(request, play)
        self.tasks = queries.tasks_of_play(request.tenant, play_id=play.pk) if progress.steps else {}
        self.requests = self._awaited(request)

    def all(self) -> list[StepLine]:
        return [self._line(step) for step in self.progress.steps]

    def _awaited(self, request: TenantRequest) -> dict[str, Any]:
        """The requests that wait, by ref, as far as the viewer may read them."""
        refs = [s.approval_ref for s in self.progress.steps if s.state == State.PENDING_APPROVAL]
        if not refs:
            return {}
        rows = approvals.readable_requests(request.tenant, request.membership).filter(ref__in=refs)
        return {row.ref: row for row in rows}

    def _line(self, step: PlayStep) -> StepLine:
        css, icon = MARKS[State(step.state)]
        task = self.tasks.get(step.pk)
        if self.play.state != Play.State.IN_PROGRESS:
            return StepLine(step, task, css, icon)
        asked = self.requests.get(step.approval_ref) if step.state == State.PENDING_APPROVAL else None
        return StepLine(
            step=step,
            task=task,
            css=css,
            icon=icon,
            is_current=step == self.progress.current,
            is_late=step.state in PlayStep.UNFINISHED and step.due_date < self.today,
            request=asked,
            waits_for=people.waits_for(asked.next_role) if asked else "",
            **self._forms_of(step),
        )

    def _forms_of(self, step: PlayStep) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.works and step.state in PlayStep.UNFINISHED:
            found["skip"] = self.forms.get(("skip", step.pk)) or SkipForm(step)
        if self.works and step.kind == CONCESSION and step.state in ASKABLE:
            form = self.forms.get(("ask", step.pk)) or ConcessionForm(step)
            typed = {name: form[name].value() for name in ("discount_pct", "months")}
            found |= {"ask": form, "hint": self.hints.hint(typed) if self.hints else None}
        return found
