"""Traces of a person in plays, overrides and approval requests; requests that still wait are closed."""

from accounts.erasure import Eraser, Place, Subject, register
from approvals import services as approvals
from approvals.queries import pending_refs
from tenants.access import SYSTEM

_OF_PLAY = (
    "t.play_id IN (SELECT id FROM playbooks_play p WHERE p.tenant_id = %(tenant)s "
    "AND p.account_id = ANY(%(accounts)s))"
)
_OF_REQUEST = (
    "t.request_id IN (SELECT id FROM approvals_approvalrequest r WHERE r.tenant_id = %(tenant)s "
    "AND r.account_id = ANY(%(accounts)s))"
)
WHY = "Somebody named in it was erased on request. Ask again without them."
REQUESTS = Place(
    "Approval requests", "approvals_approvalrequest", ("title", "why"), ("payload", "facts"), frozen=True
)
PLACES = (
    REQUESTS,
    Place("Approval requests", "approvals_approvalrequest", ("closed_reason",)),
    Place(
        "Approval requests",
        "approvals_approvaldecision",
        ("comment",),
        ("facts",),
        where=_OF_REQUEST,
        frozen=True,
    ),
    Place("Suggestions", "playbooks_recommendation", ("comment",), ("cause",)),
    Place("Plays", "playbooks_playstep", ("title", "details", "remark"), ("proposal",), where=_OF_PLAY),
    Place("Tasks", "playbooks_task", ("title",)),
    Place("Overrides", "scoring_override", ("note",)),
    Place("Post-mortems", "scoring_postmortem", ("reason",)),
)


def _waiting(subject: Subject) -> list[str]:
    ids = [row_id for row_id, _ in REQUESTS.changes(subject)]
    return pending_refs(subject.tenant, request_ids=ids)


def _void(subject: Subject) -> int:
    """The digest binds the answer to the exact content, which is about to change."""
    refs = _waiting(subject)
    for ref in refs:
        approvals.void(subject.tenant, ref=ref, reason=WHY, by=SYSTEM)
    return len(refs)


def register_places() -> None:
    """Called once at start-up."""
    register(Eraser("Open requests", lambda subject: len(_waiting(subject)), _void), first=True)
    register(*PLACES)
