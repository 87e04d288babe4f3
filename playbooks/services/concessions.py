"""A concession: asked for, answered, written back. What was approved is exactly what is written (its payload's digest).

The step carries the payload as its proposal. The answer comes from approvals inside its own transaction; there the step
moves on and, on a yes, the write joins the outbox, or none of the three happens.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from django.db import transaction
from django.utils import timezone

from accounts.queries import visible_accounts
from approvals import services as approvals
from approvals.digests import digest_of, plain
from approvals.exceptions import ApprovalError
from integrations.services import plan_write
from playbooks.exceptions import BadInput, Missing, Refused
from playbooks.models import Play, PlayStep
from playbooks.offers import Offer, parse
from playbooks.queries import locks
from playbooks.queries.plays import standing_of
from playbooks.services.guards import check_may_work, check_version
from playbooks.services.plays import CONCESSION, check_in_progress
from playbooks.services.trail import naming, record_play
from scoring.models import AccountHealth
from tenants.access import Actor
from tenants.models import Membership, Tenant

State = PlayStep.State

KIND = "concession"
SUBJECT = "playbooks.playstep"
ASKABLE = (State.OPEN, State.CHANGES_REQUESTED)
# how the step stands after its request closed; what is not listed (withdrawn, expired, voided) opens it again
AFTER = {"approved": State.APPROVED, "rejected": State.REJECTED, "changes_requested": State.CHANGES_REQUESTED}


class Request(Protocol):
    """What this module reads of an approval request."""

    ref: str
    subject_id: str
    digest: str
    facts: dict[str, Any]
    state: str
    closed_reason: str


@transaction.atomic
def ask_concession(
    tenant: Tenant,
    *,
    step_id: int,
    version: int,
    proposal: dict[str, Any],
    why: str,
    by: Actor,
    now: datetime | None = None,
) -> PlayStep:
    """Ask the people whom the policy names for this offer (`discount_pct`, `months`, `text`)."""
    now = now or timezone.now()
    play, step = locks.step_for_update(tenant, step_id)
    check_may_work(tenant, by=by, account_id=play.account_id)
    offer, why = parse(proposal), why.strip()
    standing = standing_of(tenant, account_id=play.account_id)
    payload = payload_of(play, step, offer, standing)
    if step.state == State.PENDING_APPROVAL and step.version == version + 1 and step.proposal == payload:
        return step
    _check_askable(play, step, version)
    _check_worth_asking(step, payload, why)
    step.version += 1
    facts = _facts(play, step, offer, standing)
    title = f"{offer.title}, {play.account.name}"
    request = _request(tenant, step, title=title, why=why, payload=payload, facts=facts, by=by)
    step.state, step.proposal, step.approval_ref = State.PENDING_APPROVAL, payload, request.ref
    step.remark = ""
    step.save(update_fields=["state", "proposal", "approval_ref", "remark", "version"])
    after = naming(
        step, state=step.state, offer=offer.title, cost=payload["cost"], currency=payload["currency"]
    )
    record_play(tenant, play, verb="playbooks.concession_asked", by=by, after=after, decision_ref=request.ref)
    return step


def _check_worth_asking(step: PlayStep, payload: dict[str, Any], why: str) -> None:
    if not why:
        raise BadInput("why", "Say why it is needed. The approver reads this first.")
    if step.state == State.CHANGES_REQUESTED and step.proposal == payload:
        raise BadInput("discount_pct", "Changes were asked for: change the offer, then ask again.")


def _request(
    tenant: Tenant,
    step: PlayStep,
    *,
    title: str,
    why: str,
    payload: dict[str, Any],
    facts: dict[str, Any],
    by: Actor,
) -> Request:
    """The question to the policy's people; what stands against it is said at the step."""
    try:
        return approvals.request_approval(
            tenant, kind=KIND, title=title, why=why, subject_type=SUBJECT, subject_id=str(step.pk), payload=payload,
            facts=facts, by=by,
        )  # fmt: skip
    except ApprovalError as error:
        raise Refused(step, str(error)) from error


def payload_of(play: Play, step: PlayStep, offer: Offer, standing: AccountHealth | None) -> dict[str, Any]:
    """What will be written to the other side, word for word: nothing is added after the yes."""
    content: dict[str, Any] = {
        "kind": KIND,
        "account": {"external_id": play.account.external_id, "name": play.account.name},
        "play_id": play.pk,
        "step_id": step.pk,
        "playbook": play.playbook.key,
        "discount_pct": offer.pct,
        "months": offer.months,
        "cost": offer.cost(standing.arr if standing else None),
        "currency": standing.currency if standing else "",
        "text": offer.text,
    }
    exact: dict[str, Any] = plain(content)
    return exact


def recheck(tenant: Tenant, request: Request) -> str | None:
    """Why the question no longer holds: another step, owner, team or revenue than the one it was asked about."""
    try:
        play, step = locks.step_for_update(tenant, int(request.subject_id))
    except Missing:
        return "Its play no longer exists."
    if step.state != State.PENDING_APPROVAL or step.approval_ref != request.ref:
        return "The step no longer waits for this."
    if step.version != request.facts.get("step_version") or digest_of(step.proposal) != request.digest:
        return "The offer was changed after it was asked."
    if play.state != Play.State.IN_PROGRESS:
        return "The play is no longer running."
    return _changed_account(tenant, play, request.facts)


def lock(tenant: Tenant, request: Request) -> None:
    """The play and step before the request, as when asking: the two sides never wait for each other crosswise."""
    try:
        locks.step_for_update(tenant, int(request.subject_id))
    except Missing:
        return


def visible(tenant: Tenant, viewer: Membership) -> Any:
    return visible_accounts(tenant, viewer).values("pk")


def on_verdict(tenant: Tenant, request: Request, by: Actor) -> None:
    """The request closed: move the step on, and on a yes plan the write, all in the deciding transaction."""
    try:
        play, step = locks.step_for_update(tenant, int(request.subject_id))
    except Missing:  # its play is gone, which is why `recheck` closed it: nothing is left to move on
        return
    if step.state != State.PENDING_APPROVAL or step.approval_ref != request.ref:
        return
    step.state = AFTER.get(request.state, State.OPEN)
    step.remark = request.closed_reason
    if step.state == State.APPROVED:
        step.intent_id = _plan(tenant, play, step, request, by)
    step.version += 1
    step.save(update_fields=["state", "remark", "intent_id", "version"])
    after = naming(step, state=step.state, request=request.state, comment=step.remark)
    record_play(
        tenant, play, verb="playbooks.concession_answered", by=by, after=after, decision_ref=request.ref
    )


def _plan(tenant: Tenant, play: Play, step: PlayStep, request: Request, by: Actor) -> int:
    intent = plan_write(
        tenant,
        kind=KIND,
        account_id=play.account_id,
        ordering_key=play.account.external_id,
        target={"type": "account", "external_id": play.account.external_id},
        fields=step.proposal,
        business_key=f"{KIND}:{request.ref}",
        approval_ref=request.ref,
        digest=request.digest,
        correlation_id=f"play:{play.pk}",
        by=by,
    )
    return int(intent.pk)


def _check_askable(play: Play, step: PlayStep, version: int) -> None:
    check_version(step, version)
    check_in_progress(play, step)
    if step.kind != CONCESSION:
        raise Refused(step, "This step asks for nothing.")
    if step.state not in ASKABLE:
        raise Refused(step, f"This step cannot be asked for now: {State(step.state).label.lower()}.")


def _facts(play: Play, step: PlayStep, offer: Offer, standing: AccountHealth | None) -> dict[str, Any]:
    """What the approver judges by, as it is today; `recheck` holds it against what is then."""
    account = play.account
    arr = standing.arr if standing else None
    in_own_money = standing.arr_reporting if standing else None
    return {
        "account_id": account.pk,
        "account_name": account.name,
        "owner_id": account.owner_id,
        "team_id": account.team_id,
        "arr": arr,
        "currency": standing.currency if standing else "",
        "discount_pct": offer.discount_pct,
        "months": offer.months,
        "cost": offer.cost(arr),
        "cost_base": offer.cost(in_own_money),
        "health": standing.health if standing else None,
        "band": standing.band if standing else "unknown",
        "renewal_date": standing.renewal_date if standing else None,
        "play_id": play.pk,
        "playbook": play.playbook.name,
        "step": step.position,
        "step_version": step.version,
    }


def _changed_account(tenant: Tenant, play: Play, facts: dict[str, Any]) -> str | None:
    if play.account.owner_id != facts.get("owner_id"):
        return "The account has another owner now."
    if play.account.team_id != facts.get("team_id"):
        return "The account belongs to another team now."
    standing = standing_of(tenant, account_id=play.account_id)
    was, now = facts.get("arr"), standing.arr if standing else None
    if (was is None) != (now is None) or (was is not None and now is not None and Decimal(str(was)) != now):
        return "The account's ARR changed, and with it the cost."
    return None
