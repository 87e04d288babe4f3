"""A person's word on a source that is away: what it has now is all there will be, so nothing waits for more."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from audit import services as audit
from scoring import locks, queries
from scoring.automation import levels
from scoring.automation.services import MOST_WORDS
from scoring.catalogue import SOURCES
from scoring.learning.registry import ModelRefused
from scoring.models import ScoreRun
from scoring.tasks import score_newest_again
from tenants.access import Actor
from tenants.models import Tenant


@dataclass(frozen=True)
class Away:
    """A source that was away at the newest scoring."""

    source: str
    run_id: int
    had: int
    has: int
    since: date

    @property
    def label(self) -> str:
        return SOURCES[self.source].label


def away(run: ScoreRun | None, source: str) -> Away | None:
    """As that run found it; None where it is not away, or late: then nobody can say what it will have."""
    state = _state(run, source)
    if run is None or not _may_be_accepted(state):
        return None
    found = state["away"]
    return Away(source, run.pk, found["fresh"], state["fresh"], date.fromisoformat(found["since"]))


@transaction.atomic
def accept(tenant: Tenant, *, source: str, run_id: int, why: str, by: Actor) -> None:
    """From the newest scoring on the level of the source is what is usual: it holds nothing more, and is missed again
    when it falls from there. Raises ModelRefused; the same again is refused and changes nothing.

    Not while a scoring is under way: it has read the last word on each source, and would write that over this one.
    """
    if not why.strip():
        raise ModelRefused("Say why: the reason stands in the audit trail.")
    if not locks.keeps_scoring_out(tenant):
        raise ModelRefused("Scores are being computed. Say it again when that run has ended.")
    run = queries.newest_run_for_update(tenant)
    if run is None or run.pk != run_id:
        raise ModelRefused("It was scored again meanwhile. Look at it again.")
    state = _state(run, source)
    if not _may_be_accepted(state):
        raise ModelRefused("This source is not away.")
    run.summary["sources"][source] = levels.accepted(state, day=run.as_of)
    run.summary["held"] = [each for each in run.summary.get("held", []) if each["source"] != source]
    run.save(update_fields=["summary"])
    audit.record(
        tenant, verb="scoring.source_accepted", by=by, object_type="scoring.scorerun", object_id=str(run.pk),
        object_label=SOURCES[source].label, before=state["away"],
        after={"fresh": state["fresh"], "from": str(run.as_of), "why": why.strip()[:MOST_WORDS]},
    )  # fmt: skip
    score_newest_again(tenant, by=by)


def _may_be_accepted(state: dict[str, Any]) -> bool:
    return "away" in state and not state["late"]


def _state(run: ScoreRun | None, source: str) -> dict[str, Any]:
    found: dict[str, Any] = run.summary.get("sources", {}).get(source, {}) if run is not None else {}
    return found if source in SOURCES else {}
