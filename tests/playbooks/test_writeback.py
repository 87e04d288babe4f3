"""From the yes to the outbox to the step: with the real approvals, outbox and log."""

import pytest

from approvals.digests import digest_of
from audit import consumers
from audit.services import record
from integrations.models import WriteIntent
from playbooks.models import PlayStep
from tenants.access import SYSTEM
from tests.playbooks.makers import (
    answer,
    ask,
    concession_step,
    health_row,
    last_event,
    running_play,
    verbs,
)

pytestmark = pytest.mark.django_db
State = PlayStep.State


@pytest.fixture
def here(acme):
    with acme.here():
        yield acme


@pytest.fixture
def account(here):
    account = here.add_account()
    health_row(here, account, arr="120000")
    return account


@pytest.fixture
def approved(here, account):
    """A concession step with its yes."""
    return answer(here, ask(here, concession_step(here, running_play(here, account))), "approved")


def written(world, step, outcome, reason=""):
    """What the outbox tells of the step's write, read by playbooks."""
    intent = WriteIntent.objects.get(pk=step.intent_id)
    after = {"kind": intent.kind, "target": intent.target} | ({"reason": reason} if reason else {})
    record(
        world.tenant, verb=f"integrations.write_{outcome}", by=SYSTEM, subject=intent,
        account_id=intent.account_id, decision_ref=intent.approval_ref, after=after,
    )  # fmt: skip
    consumers.consume_now(world.tenant, "playbooks.writeback")
    step.refresh_from_db()
    return step


def test_the_yes_puts_exactly_the_approved_content_into_the_outbox(here, account, approved):
    intent = WriteIntent.objects.get()
    assert (approved.state, approved.intent_id) == (State.APPROVED, intent.pk)
    assert intent.fields == approved.proposal
    assert intent.plan_hash == digest_of(approved.proposal)
    assert (intent.approval_ref, intent.account_id) == (approved.approval_ref, account.pk)
    assert intent.target["external_id"] == account.external_id


def test_a_failed_plan_leaves_no_yes(here, account, monkeypatch):
    from approvals.models import ApprovalDecision

    step = ask(here, concession_step(here, running_play(here, account)))

    def fail(*args, **kwargs):
        raise RuntimeError("the outbox is full")

    monkeypatch.setattr("playbooks.services.concessions.plan_write", fail)
    with pytest.raises(RuntimeError):
        answer(here, step, "approved")
    step.refresh_from_db()
    assert step.state == State.PENDING_APPROVAL
    assert not ApprovalDecision.objects.exists()
    assert not WriteIntent.objects.exists()


def test_without_an_endpoint_the_step_waits_and_says_why(here, approved):
    consumers.consume_now(here.tenant, "playbooks.writeback")
    approved.refresh_from_db()
    assert approved.state == State.APPROVED
    assert "No endpoint" in approved.remark
    assert last_event(here, "playbooks.step_blocked").decision_ref == approved.approval_ref


def test_done(here, account, approved):
    done = written(here, approved, "done")
    assert (done.state, done.done_by_label, done.remark) == (State.DONE, "Written back", "")
    assert done.done_at is not None
    assert verbs(here, account)[-1] == "playbooks.step_done"


def test_refused_then_sent_again(here, approved):
    failed = written(here, approved, "dead", "The receiver answered 422: field is locked")
    assert (failed.state, failed.remark) == (State.FAILED, "The receiver answered 422: field is locked")
    assert (written(here, failed, "replayed").state, failed.remark) == (State.APPROVED, "")
    assert written(here, failed, "done").state == State.DONE


def test_cancelled_is_a_failure_that_says_so(here, approved):
    assert written(here, approved, "cancelled").remark == "The write was cancelled."


def test_an_event_that_comes_twice_moves_nothing_twice(here, account, approved):
    done = written(here, approved, "done")
    version = done.version
    assert written(here, done, "done").version == version
    assert written(here, done, "dead").state == State.DONE, "what is written stays written"
    assert verbs(here, account).count("playbooks.step_done") == 1


def test_other_writes_and_other_tenants_are_passed_over(here, approved, globex):
    intent = WriteIntent.objects.get(pk=approved.intent_id)
    with globex.here():
        record(globex.tenant, verb="integrations.write_done", by=SYSTEM, subject=intent, after={})
        consumers.consume_now(globex.tenant, "playbooks.writeback")
    record(
        here.tenant, verb="integrations.write_dead", by=SYSTEM,
        object_type="integrations.writeintent", object_id=str(intent.pk + 1), after={},
    )  # fmt: skip
    consumers.consume_now(here.tenant, "playbooks.writeback")
    approved.refresh_from_db()
    assert approved.state == State.APPROVED
