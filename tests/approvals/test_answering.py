"""Who may answer what, once, and what follows from it."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from approvals import queries, services
from approvals.exceptions import (
    AlreadyDecided,
    CommentNeeded,
    MayNotDecide,
    NoSuchRequest,
    OpenRequestExists,
    RequestExpired,
    RequestVoided,
    StaleRequest,
    UnknownVerdict,
)
from approvals.models import ApprovalDecision, ApprovalPolicy, ApprovalRequest
from tenants import services as tenants
from tenants.access import SYSTEM
from tests.approvals.conftest import KIND, answer, ask, events
from tests.worlds import MAKER


def state_of(world, request):
    with world.here():
        request.refresh_from_db()
    return request.state


def decisions(world, request):
    with world.here():
        return queries.decisions(world.tenant, request)


def another(world, role, name, **where):
    with world.here():
        member, _ = tenants.ensure_member(
            world.tenant, email=f"{name}@{world.tenant.slug}.example", role=role, by=MAKER, name=name, **where
        )
    world.people[name] = member
    return member


# --- asking ---


def test_refs_count_up_in_each_tenant(acme, globex):
    refs = [ask(acme, acme.add_account(f"Firm {n}"), subject=str(n)).ref for n in range(3)]
    assert refs == ["A-1001", "A-1002", "A-1003"]
    assert ask(globex, globex.add_account()).ref == "A-1001"


def test_the_same_question_twice_is_one_request(acme):
    account = acme.add_account()
    assert ask(acme, account).pk == ask(acme, account).pk
    assert events(acme, "A-1001") == ["approvals.requested"]


def test_another_content_for_the_same_subject_has_to_wait_for_the_first(acme):
    account = acme.add_account()
    first = ask(acme, account, pct="15")
    with pytest.raises(OpenRequestExists, match="A-1001"):
        ask(acme, account, pct="16")
    answer(acme, first, verdict="changes_requested", comment="Less.")
    assert ask(acme, account, pct="10").ref == "A-1002"


# --- one answer ---


def test_a_manager_approves_and_the_caller_goes_on_in_the_same_transaction(acme, caller):
    request = answer(acme, ask(acme, acme.add_account(), pct="15"))
    assert (request.state, request.next_role) == ("approved", "")
    assert caller.told == [(request.ref, "approved")]
    assert events(acme, request.ref) == ["approvals.requested", "approvals.decided"]


def test_when_the_caller_cannot_go_on_nothing_was_decided(acme, caller):
    request = ask(acme, acme.add_account())
    caller.fails = True
    with pytest.raises(RuntimeError), transaction.atomic():
        answer(acme, request)
    assert state_of(acme, request) == "pending"
    assert decisions(acme, request) == []
    assert events(acme, request.ref) == ["approvals.requested"]


@pytest.mark.parametrize(
    ("verdict", "comment"), [("rejected", "Not now."), ("changes_requested", "Try 10%.")]
)
def test_a_no_needs_words_and_ends_the_request(acme, caller, verdict, comment):
    request = ask(acme, acme.add_account(), pct="25")
    with pytest.raises(CommentNeeded):
        answer(acme, request, verdict=verdict, comment="  ")
    request = answer(acme, request, verdict=verdict, comment=comment)
    assert (request.state, request.closed_reason) == (verdict, comment)
    assert caller.told == [(request.ref, verdict)]


def test_an_unknown_verdict_is_refused(acme):
    with pytest.raises(UnknownVerdict):
        answer(acme, ask(acme, acme.add_account()), verdict="perhaps")


def test_a_decision_keeps_what_it_was_judged_on(acme):
    request = ask(acme, acme.add_account())
    answer(acme, request, comment="Fine.")
    (decision,) = decisions(acme, request)
    assert decision.digest == request.digest
    assert decision.facts == request.facts
    assert (decision.as_role, decision.comment) == ("manager", "Fine.")
    assert decision.person_label == "manager acme (Manager)"


# --- who ---


def test_large_concessions_need_a_manager_and_then_finance(acme, caller):
    request = ask(acme, acme.add_account(), pct="25", cost="61800")
    with pytest.raises(MayNotDecide, match="waits for a manager"):
        answer(acme, request, role="finance")
    request = answer(acme, request)
    assert (request.state, request.next_role) == ("pending", "finance")
    assert caller.told == []
    request = answer(acme, request, role="finance")
    assert request.state == "approved"
    assert caller.told == [(request.ref, "approved")]
    assert [each.as_role for each in decisions(acme, request)] == ["manager", "finance"]


def test_one_person_cannot_give_both_answers(acme, caller):
    """Not even after moving from manager to finance in between."""
    request = answer(acme, ask(acme, acme.add_account(), pct="25"))
    another(acme, "finance", "manager")
    with pytest.raises(AlreadyDecided):
        answer(acme, request, verdict="rejected", comment="Changed my mind.")
    assert state_of(acme, request) == "pending"
    with acme.here():
        assert not queries.waiting_for(acme.tenant, acme.manager).exists()


def test_the_first_no_ends_it_without_the_second_person(acme, caller):
    request = answer(acme, ask(acme, acme.add_account(), pct="25"), verdict="rejected", comment="No.")
    with pytest.raises(AlreadyDecided, match="manager acme"):
        answer(acme, request, role="finance")


@pytest.mark.parametrize(
    "role",
    ["csm", "csm2", "account_executive", "executive", "finance", "revops", "ops_admin", "auditor", "support"],
)
def test_only_a_manager_gives_the_managers_answer(acme, role):
    request = ask(acme, acme.add_account(owner="csm2"), role="csm")
    with pytest.raises(PermissionDenied):
        answer(acme, request, role=role)
    assert state_of(acme, request) == "pending"


def test_nobody_answers_their_own_request(acme):
    request = ask(acme, acme.add_account(owner="csm"), role="manager")
    with pytest.raises(MayNotDecide, match="asked for this yourself"):
        answer(acme, request)


def test_nobody_answers_on_an_account_that_they_own(acme):
    request = ask(acme, acme.add_account(owner="manager"), role="csm")
    with pytest.raises(MayNotDecide, match="own this account"):
        answer(acme, request)


def test_a_manager_of_another_team_cannot_answer_even_when_the_account_is_shared(acme):
    from accounts.services import share_account

    account = acme.add_account()
    request = ask(acme, account)
    stranger = another(acme, "manager", "stranger", team="Elsewhere")
    with pytest.raises(MayNotDecide, match="outside your team"):
        answer(acme, request, role="stranger")
    with acme.here():
        share_account(
            acme.tenant,
            account_id=account.pk,
            member_id=stranger.pk,
            reason="Helps.",
            by=acme.actor("manager"),
        )
        seen = queries.readable_requests(acme.tenant, stranger).get()
    assert not seen.answerable
    with pytest.raises(MayNotDecide, match="outside your team"):
        answer(acme, request, role="stranger")


def test_a_manager_above_the_team_can_answer(acme):
    from tenants.models import Team

    another(acme, "manager", "boss", team="All of CS")
    with acme.here():
        above = Team.objects.for_tenant(acme.tenant).get(name="All of CS")
        tenants.change_team(
            acme.tenant, team_id=Team.objects.for_tenant(acme.tenant).get(is_default=True).pk,
            name="Customer Success", parent=above, is_default=True, by=MAKER,
        )  # fmt: skip
    request = ask(acme, acme.add_account())
    assert answer(acme, request, role="boss").state == "approved"


def test_a_manager_whose_scope_leaves_the_account_out_cannot_answer(acme):
    account = acme.add_account(region="emea")
    request = ask(acme, account)
    another(acme, "manager", "apac", scope={"regions": ["apac"]})
    with pytest.raises(MayNotDecide):
        answer(acme, request, role="apac")


def test_finance_with_a_scope_sees_and_answers_only_there(acme):
    request = answer(acme, ask(acme, acme.add_account(region="emea"), pct="25"))
    another(acme, "finance", "apac", scope={"regions": ["apac"]})
    with pytest.raises(MayNotDecide):
        answer(acme, request, role="apac")
    assert answer(acme, request, role="finance").state == "approved"


def test_a_command_has_no_judgement(acme):
    request = ask(acme, acme.add_account())
    with acme.here(), pytest.raises(MayNotDecide, match="Only a person"):
        services.decide(acme.tenant, ref=request.ref, verdict="approved", digest=request.digest, by=SYSTEM)


def test_another_tenants_request_does_not_exist(acme, globex):
    request = ask(acme, acme.add_account())
    with globex.here(), pytest.raises(NoSuchRequest):
        services.decide(
            globex.tenant,
            ref=request.ref,
            verdict="approved",
            digest=request.digest,
            by=globex.actor("manager"),
        )


def test_a_foreign_actor_cannot_answer_here(acme, globex):
    request = ask(acme, acme.add_account())
    with acme.here(), pytest.raises(MayNotDecide, match="another workspace"):
        services.decide(
            acme.tenant,
            ref=request.ref,
            verdict="approved",
            digest=request.digest,
            by=globex.actor("manager"),
        )
    assert state_of(acme, request) == "pending"


# --- once ---


def test_the_same_answer_again_changes_nothing(acme, caller):
    request = ask(acme, acme.add_account())
    first = answer(acme, request)
    again = answer(acme, request)
    assert (again.pk, again.version) == (first.pk, first.version)
    assert len(decisions(acme, request)) == 1
    assert caller.told == [(request.ref, "approved")]
    assert events(acme, request.ref) == ["approvals.requested", "approvals.decided"]


def test_another_answer_of_the_same_person_is_too_late(acme):
    request = ask(acme, acme.add_account())
    answer(acme, request)
    with pytest.raises(AlreadyDecided, match="You approved already"):
        answer(acme, request, verdict="rejected", comment="No.")


def test_a_second_manager_is_told_who_was_first(acme):
    request = ask(acme, acme.add_account())
    another(acme, "manager", "second")
    answer(acme, request, verdict="rejected", comment="No.")
    with pytest.raises(AlreadyDecided, match=r"manager acme \(Manager\) rejected already"):
        answer(acme, request, role="second")


# --- what was seen is what is answered ---


def test_an_answer_to_another_content_is_refused_and_the_request_stays(acme):
    request = ask(acme, acme.add_account())
    with pytest.raises(StaleRequest):
        answer(acme, request, digest="0" * 64)
    assert state_of(acme, request) == "pending"
    assert decisions(acme, request) == []


def test_a_request_that_no_longer_holds_is_void_and_stays_void(acme, caller):
    request = ask(acme, acme.add_account())
    caller.stale = "The offer was changed after it was asked."
    with pytest.raises(RequestVoided, match="The offer was changed"):
        answer(acme, request)
    assert state_of(acme, request) == "voided"
    assert caller.told == [(request.ref, "voided")]
    assert events(acme, request.ref) == ["approvals.requested", "approvals.voided"]
    caller.stale = None
    with pytest.raises(AlreadyDecided, match="It is void"):
        answer(acme, request)


def test_a_policy_that_became_stricter_asks_again(acme, caller):
    request = ask(acme, acme.add_account(), pct="15")
    with acme.here():
        lines = ApprovalPolicy.objects.for_tenant(acme.tenant).filter(kind=KIND, position=2)
        lines.update(max_discount_pct=12, version=2)
    with pytest.raises(RequestVoided, match="policy changed"):
        answer(acme, request)


def test_a_policy_change_that_asks_the_same_people_voids_nothing(acme):
    request = ask(acme, acme.add_account(), pct="15")
    with acme.here():
        ApprovalPolicy.objects.for_tenant(acme.tenant).filter(kind=KIND).update(
            answer_within_hours=4, version=2
        )
    assert answer(acme, request).state == "approved"


def test_the_second_answer_is_checked_again_too(acme, caller):
    request = answer(acme, ask(acme, acme.add_account(), pct="25"))
    caller.stale = "The account has another owner now."
    with pytest.raises(RequestVoided):
        answer(acme, request, role="finance")
    assert state_of(acme, request) == "voided"


# --- time ---


def move(world, request, **times):
    with world.here():
        ApprovalRequest.objects.for_tenant(world.tenant).filter(pk=request.pk).update(**times)


def test_an_answer_is_due_as_the_line_says_and_lapses_after_three_days(acme):
    with acme.here():
        ApprovalPolicy.objects.for_tenant(acme.tenant).filter(kind=KIND).update(answer_within_hours=4)
    request = ask(acme, acme.add_account())
    assert request.due_at - request.created_at == timedelta(hours=4)
    assert request.expires_at - request.created_at == timedelta(hours=72)


def test_the_second_persons_clock_starts_with_the_first_answer_and_never_outlives_the_request(acme):
    request = ask(acme, acme.add_account(), pct="25")
    now = timezone.now()
    move(acme, request, due_at=now - timedelta(hours=1))
    request = answer(acme, request)
    assert request.due_at > now + timedelta(hours=23)
    other = ask(acme, acme.add_account("Other"), pct="25", subject="2")
    move(acme, other, expires_at=now + timedelta(hours=2))
    assert answer(acme, other).due_at == now + timedelta(hours=2)


def test_an_answer_after_the_end_is_refused_even_before_the_job_ran(acme, caller):
    request = ask(acme, acme.add_account())
    move(acme, request, expires_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(RequestExpired):
        answer(acme, request)
    assert state_of(acme, request) == "expired"
    assert caller.told == [(request.ref, "expired")]


def test_the_job_lapses_what_is_over_and_nothing_else(acme, globex, caller):
    from jobs.runner import run_now
    from jobs.services import enqueue

    old, new = (ask(acme, acme.add_account(f"Firm {n}"), subject=str(n)) for n in range(2))
    foreign = ask(globex, globex.add_account())
    for world, request in ((acme, old), (globex, foreign)):
        move(world, request, expires_at=timezone.now() - timedelta(minutes=1))
    with acme.here():
        job = enqueue(acme.tenant, kind="approvals.expire")
    run_now(job.pk, tenant=acme.tenant)
    assert [state_of(acme, each) for each in (old, new)] == ["expired", "pending"]
    assert state_of(globex, foreign) == "pending"
    assert caller.told == [(old.ref, "expired")]
    assert events(acme, old.ref) == ["approvals.requested", "approvals.expired"]
    with acme.here():
        assert services.expire(acme.tenant) == 0


# --- taking back ---


@pytest.mark.parametrize("role", ["csm", "manager"])
def test_the_requester_and_those_who_work_on_the_account_can_withdraw(acme, caller, role):
    request = ask(acme, acme.add_account())
    with acme.here():
        for _ in range(2):
            request = services.withdraw(acme.tenant, ref=request.ref, by=acme.actor(role))
    assert request.state == "withdrawn"
    assert caller.told == [(request.ref, "withdrawn")]
    assert events(acme, request.ref) == ["approvals.requested", "approvals.withdrawn"]


@pytest.mark.parametrize("role", ["csm2", "finance", "executive", "auditor", "ops_admin"])
def test_others_cannot_withdraw(acme, role):
    request = ask(acme, acme.add_account())
    with acme.here(), pytest.raises(MayNotDecide):
        services.withdraw(acme.tenant, ref=request.ref, by=acme.actor(role))
    assert state_of(acme, request) == "pending"


def test_what_was_answered_cannot_be_withdrawn(acme):
    request = answer(acme, ask(acme, acme.add_account()))
    with acme.here(), pytest.raises(AlreadyDecided):
        services.withdraw(acme.tenant, ref=request.ref, by=acme.actor("csm"))


# --- the database's own promises ---


def raw_decision(world, request, role, **values):
    with world.here(), transaction.atomic():
        ApprovalDecision.objects.create(
            tenant=world.tenant,
            request=request,
            person=world.people[role].user,
            person_label=role,
            as_role="manager",
            verdict="approved",
            **{
                "digest": request.digest,
                "facts": {},
                "requested_by_id": request.requested_by_id,
                "account_owner_id": request.account_owner_id,
                **values,
            },
        )


@pytest.mark.parametrize(
    ("role", "values", "promise"),
    [
        ("csm", {}, "decision_never_on_own_request"),
        ("csm2", {}, "decision_never_on_own_account"),
        ("csm", {"requested_by_id": None}, "does not fit its request"),
        ("csm2", {"account_owner_id": None}, "does not fit its request"),
        ("manager", {"digest": "0" * 64}, "does not fit its request"),
    ],
)
def test_the_database_refuses_a_decision_that_should_not_be(acme, role, values, promise):
    request = ask(acme, acme.add_account(owner="csm2"), role="csm")
    with pytest.raises(IntegrityError, match=promise):
        raw_decision(acme, request, role, **values)


def test_the_database_takes_one_decision_a_person(acme):
    request = ask(acme, acme.add_account())
    raw_decision(acme, request, "manager")
    with pytest.raises(IntegrityError, match="decision_once_a_person"):
        raw_decision(acme, request, "manager")


@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"discount_pct": "50"}},
        {"digest": "0" * 64},
        {"facts": {}},
        {"approver_roles": ["finance"]},
        {"account_owner_id": 1},
        {"policy_line": "Anything goes."},
    ],
)
def test_the_database_keeps_what_was_asked(acme, change):
    request = ask(acme, acme.add_account())
    with pytest.raises(IntegrityError, match="is frozen"), transaction.atomic():
        move(acme, request, **change)


def test_the_database_never_opens_a_closed_request_again(acme):
    request = answer(acme, ask(acme, acme.add_account()), verdict="rejected", comment="No.")
    with pytest.raises(IntegrityError, match="is closed"), transaction.atomic():
        move(acme, request, state="approved")


def test_a_request_cannot_be_handed_to_another_requester(acme):
    request = ask(acme, acme.add_account())
    with pytest.raises(IntegrityError, match="is frozen"), transaction.atomic():
        move(acme, request, requested_by=acme.csm2.user)


def test_closed_and_waiting_fields_agree(acme):
    request = ask(acme, acme.add_account())
    for change, promise in [
        ({"state": "approved"}, "approval_closed_fields_agree|approval_waits_for_a_role"),
        ({"next_role": ""}, "approval_waits_for_a_role"),
        ({"closed_at": timezone.now()}, "approval_closed_fields_agree"),
    ]:
        with pytest.raises(IntegrityError, match=promise), transaction.atomic():
            move(acme, request, **change)
