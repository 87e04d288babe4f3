"""Asking, answering, taking back: each is one business event in one transaction with its audit event."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from approvals import people, policy, queries
from approvals.digests import digest_of, plain
from approvals.exceptions import (
    AlreadyDecided,
    ApprovalError,
    CommentNeeded,
    MayNotDecide,
    NoPolicyLine,
    NoSuchRequest,
    OpenRequestExists,
    RequestClosed,
    RequestExpired,
    RequestVoided,
    StaleRequest,
    UnknownKind,
    UnknownVerdict,
)
from approvals.models import ApprovalDecision, ApprovalRequest
from approvals.policy_setup import install_default_policies as install_default_policies
from approvals.registry import Kind, kinds
from audit import services as audit
from tenants.access import SYSTEM, Actor, Right, can
from tenants.models import Membership, Tenant

State = ApprovalRequest.State
Verdict = ApprovalDecision.Verdict

FIRST_REF = 1001
# an unanswered request lapses: what it was based on is three days old (INTEGRATIONS 5)
EXPIRES_AFTER = timedelta(hours=72)
EXPIRE_AT_ONCE = 200  # one job's share, so that its transaction stays short


@transaction.atomic
def request_approval(
    tenant: Tenant,
    *,
    kind: str,
    title: str,
    why: str,
    subject_type: str,
    subject_id: str,
    payload: dict[str, Any],
    facts: dict[str, Any],
    by: Actor,
) -> ApprovalRequest:
    """Ask the people whom the policy names. The same question again returns the open request.

    Raises UnknownKind, NoPolicyLine, OpenRequestExists (another content for the same subject still waits).
    """
    known = _kind(kind)
    facts = plain(_exact(facts))
    digest = digest_of(payload)
    queries.lock_refs(tenant)
    waiting = _waiting(tenant, subject_type=subject_type, subject_id=str(subject_id), digest=digest)
    if waiting is not None:
        return waiting
    found = _match(tenant, kind=kind, facts=facts)
    if found is None:
        raise NoPolicyLine(known.label)
    request = ApprovalRequest.objects.create(
        tenant=tenant, ref=_next_ref(tenant), kind=kind, title=title, why=why, subject_type=subject_type,
        subject_id=str(subject_id), payload=plain(payload), digest=digest, requested_by=by.user,
        requested_by_label=by.label, **_of_facts(facts), **_of_policy(found),
    )  # fmt: skip
    after = {"title": title, "digest": digest, "policy": found.sentence, "policy_version": found.version}
    _record(tenant, request, verb="approvals.requested", by=by, after=after)
    return request


def _waiting(tenant: Tenant, *, subject_type: str, subject_id: str, digest: str) -> ApprovalRequest | None:
    """The open request about this subject; raises OpenRequestExists where it asks for something else."""
    waiting = queries.open_request(tenant, subject_type=subject_type, subject_id=subject_id)
    if waiting is not None and waiting.digest != digest:
        raise OpenRequestExists(waiting)
    return waiting


def _of_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts, and those of them that a list is narrowed by."""
    return {
        "facts": facts,
        "account_id": facts.get("account_id"),
        "account_owner_id": facts.get("owner_id"),
        "account_team_id": facts.get("team_id"),
    }


def _of_policy(found: Any) -> dict[str, Any]:
    """What the policy's line asks for, as it reads now: a later policy changes nothing of a request that waits."""
    now = timezone.now()
    due_at = now + timedelta(hours=found.line.answer_within_hours)
    return {
        "policy_line": found.sentence,
        "policy_version": found.version,
        "policy_checks": found.checks,
        "approver_roles": found.line.approver_roles,
        "next_role": found.line.approver_roles[0],
        "answer_within_hours": found.line.answer_within_hours,
        "due_at": due_at,
        "expires_at": max(due_at, now + EXPIRES_AFTER),
        "created_at": now,
    }


@dataclass(frozen=True)
class _Outcome:
    """What a locked step came to. A refusal travels outside the block, so that a closing before it is kept."""

    request: ApprovalRequest
    refusal: ApprovalError | None = None


def decide(
    tenant: Tenant, *, ref: str, verdict: str, comment: str = "", digest: str, by: Actor
) -> ApprovalRequest:
    """Record one person's answer to what they saw; the first verdict wins. The same answer again changes nothing.

    Raises CommentNeeded, UnknownVerdict, NoSuchRequest, MayNotDecide, AlreadyDecided, StaleRequest; RequestVoided and
    RequestExpired close the request, which stays so unless the caller rolls its own transaction back.
    """
    if verdict not in Verdict.values:
        raise UnknownVerdict
    comment = comment.strip()
    if verdict != Verdict.APPROVED and not comment:
        raise CommentNeeded
    outcome = _decide(tenant, ref=ref, verdict=verdict, comment=comment, digest=digest, by=by)
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome.request


@transaction.atomic
def _decide(tenant: Tenant, *, ref: str, verdict: str, comment: str, digest: str, by: Actor) -> _Outcome:
    request = _locked(tenant, ref)
    person = _person(tenant, by)
    given = queries.decision_of(tenant, request=request, person_id=person.user_id)
    if given is not None:
        if given.verdict == verdict and given.digest == digest:
            return _Outcome(request)
        raise AlreadyDecided(request, f"You {people.DID[given.verdict]} already.")
    if request.state != State.PENDING:
        raise AlreadyDecided(request, _who_answered(tenant, request))
    if reason := queries.why_not(tenant, person, request=request):
        raise MayNotDecide(reason)
    if refusal := _lapsed(tenant, request, by=by):
        return _Outcome(request, refusal)
    if digest != request.digest:
        raise StaleRequest(request)
    _answer(tenant, request, verdict=verdict, comment=comment, person=person, by=by)
    return _Outcome(request)


def _lapsed(tenant: Tenant, request: ApprovalRequest, *, by: Actor) -> RequestClosed | None:
    """Closes a request that no longer holds: too old, content or policy changed, or the caller says so."""
    if request.expires_at <= timezone.now():
        _close(tenant, request, state=State.EXPIRED, reason="Nobody answered in time.", by=SYSTEM)
        return RequestExpired(request)
    if reason := _why_void(tenant, request):
        _close(tenant, request, state=State.VOIDED, reason=reason, by=by)
        return RequestVoided(request)
    return None


def _why_void(tenant: Tenant, request: ApprovalRequest) -> str:
    if digest_of(request.payload) != request.digest:
        return "Its content is not what was asked for any more."
    found = _match(tenant, kind=request.kind, facts=request.facts)
    if found is None or found.line.approver_roles != request.approver_roles:
        now = found.sentence if found else "No line covers this any more."
        return f"The approval policy changed since this was asked. {now}"
    return _kind(request.kind).recheck(tenant, request) or ""


def _answer(
    tenant: Tenant, request: ApprovalRequest, *, verdict: str, comment: str, person: Membership, by: Actor
) -> None:
    as_role = request.next_role
    ApprovalDecision.objects.create(
        tenant=tenant,
        request=request,
        person=person.user,
        person_label=by.label,
        as_role=as_role,
        verdict=verdict,
        comment=comment,
        digest=request.digest,
        facts=request.facts,
        requested_by_id=request.requested_by_id,
        account_owner_id=request.account_owner_id,
    )
    still = request.approver_roles[request.approver_roles.index(as_role) + 1 :]
    onward = verdict == Verdict.APPROVED and bool(still)
    after = {
        "verdict": verdict,
        "as_role": as_role,
        "comment": comment,
        "digest": request.digest,
        "state": State.PENDING if onward else verdict,
    }
    _record(tenant, request, verb="approvals.decided", by=by, after=after)
    if onward:
        _pass_on(request, role=still[0])
    else:
        _close(tenant, request, state=verdict, reason=comment, by=by)


def _pass_on(request: ApprovalRequest, *, role: str) -> None:
    """Two-person rule: the next role's clock starts now, but the request lives no longer for it."""
    request.next_role = role
    request.due_at = min(timezone.now() + timedelta(hours=request.answer_within_hours), request.expires_at)
    request.version += 1
    request.save(update_fields=["next_role", "due_at", "version"])


@transaction.atomic
def withdraw(tenant: Tenant, *, ref: str, by: Actor, reason: str = "") -> ApprovalRequest:
    """Take the question back: the requester, whoever works on the account, or the system. Harmless to repeat."""
    request = _locked(tenant, ref)
    if request.state == State.WITHDRAWN:
        return request
    if request.state != State.PENDING:
        raise AlreadyDecided(request)
    if by.membership is not None and not _may_withdraw(tenant, request, by.membership):
        raise MayNotDecide("Only the person who asked, or who works on the account, can withdraw this.")
    _close(tenant, request, state=State.WITHDRAWN, reason=reason, by=by)
    return request


@transaction.atomic
def void(tenant: Tenant, *, ref: str, reason: str, by: Actor = SYSTEM) -> ApprovalRequest:
    """Close an open request because what it asks for changed; a closed one stays as it is."""
    request = _locked(tenant, ref)
    if request.state == State.PENDING:
        _close(tenant, request, state=State.VOIDED, reason=reason, by=by)
    return request


@transaction.atomic
def expire(tenant: Tenant, *, now: datetime | None = None) -> int:
    """Close what nobody answered in time; how many. A request that is being answered right now is left alone."""
    now = now or timezone.now()
    closed = 0
    for ref in queries.overdue_refs(tenant, now=now, limit=EXPIRE_AT_ONCE):
        request = _locked(tenant, ref)
        if request.state == State.PENDING:
            _close(tenant, request, state=State.EXPIRED, reason="Nobody answered in time.", by=SYSTEM)
            closed += 1
    return closed


def _close(tenant: Tenant, request: ApprovalRequest, *, state: str, reason: str, by: Actor) -> None:
    """The last step of every request; what follows from it joins this transaction, or nothing happened."""
    request.state = state
    request.closed_at = timezone.now()
    request.closed_reason = reason[:500]
    request.next_role = ""
    request.version += 1
    request.save(update_fields=["state", "closed_at", "closed_reason", "next_role", "version"])
    if state in (State.WITHDRAWN, State.EXPIRED, State.VOIDED):
        _record(tenant, request, verb=f"approvals.{state}", by=by, after={"reason": reason})
    _kind(request.kind).on_verdict(tenant, request, by)


def _locked(tenant: Tenant, ref: str) -> ApprovalRequest:
    """The request's row, locked; its subject's row before it, if the kind asks for that."""
    request = queries.request_by_ref(tenant, ref=ref)
    if request is None:
        raise NoSuchRequest(ref)
    if lock := _kind(request.kind).lock:
        lock(tenant, request)
    return queries.request_for_update(tenant, ref=ref)


def _may_withdraw(tenant: Tenant, request: ApprovalRequest, viewer: Membership) -> bool:
    if request.requested_by_id == viewer.user_id:
        return True
    return can(viewer, Right.WORK_QUEUE) and queries.sees_account(tenant, viewer, request=request)


def _match(tenant: Tenant, *, kind: str, facts: dict[str, Any]) -> policy.Match | None:
    measures = policy.measures_of(facts, currency=tenant.currency)
    return policy.match(queries.policy_lines(tenant, kind=kind), measures, currency=tenant.currency)


def _kind(name: str) -> Kind:
    try:
        return kinds[name]
    except KeyError:
        raise UnknownKind(name) from None


def _person(tenant: Tenant, by: Actor) -> Membership:
    """Only people answer; a service or a command has no judgement to record."""
    if by.membership is None:
        raise MayNotDecide("Only a person can answer this.")
    if by.membership.tenant_id != tenant.pk:
        raise MayNotDecide("You belong to another workspace.")
    return by.membership


def _who_answered(tenant: Tenant, request: ApprovalRequest) -> str:
    last = queries.decisions(tenant, request)[-1:]
    if not last or last[0].verdict != request.state:
        return ""
    return f"{last[0].person_label} {people.DID[last[0].verdict]} already."


def _next_ref(tenant: Tenant) -> str:
    last = queries.last_ref(tenant)
    return f"A-{int(last.removeprefix('A-')) + 1 if last else FIRST_REF}"


def _exact(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts are shown and kept, not digested: a float among them becomes text as it reads."""
    return {name: repr(value) if isinstance(value, float) else value for name, value in facts.items()}


def _record(tenant: Tenant, request: ApprovalRequest, *, verb: str, by: Actor, after: dict[str, Any]) -> None:
    audit.record(
        tenant,
        verb=verb,
        by=by,
        subject=request,
        account_id=request.account_id,
        decision_ref=request.ref,
        after=after,
    )
