"""Asking for a concession, with the real approvals: what is asked, what is rechecked, what each answer leads to."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from approvals.digests import digest_of
from approvals.exceptions import RequestVoided
from approvals.models import ApprovalRequest
from approvals.services import decide, withdraw
from playbooks import services
from playbooks.exceptions import BadInput, Missing, Refused, StaleRow
from playbooks.models import Play, PlayStep, Task
from tests.playbooks.makers import (
    answer,
    ask,
    concession_step,
    health_row,
    last_event,
    request_of,
    running_play,
    steps,
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
def step(here, account):
    return concession_step(here, running_play(here, account))


class TestAsk:
    def test_the_request_holds_exactly_what_will_be_written(self, here, account, step):
        asked = ask(here, step, discount_pct="12.50", months="6")
        request = request_of(here, asked)
        assert asked.state == State.PENDING_APPROVAL
        assert request.payload == asked.proposal == {
            "kind": "concession",
            "account": {"external_id": account.external_id, "name": account.name},
            "play_id": step.play_id,
            "step_id": step.pk,
            "playbook": "usage_recovery",
            "discount_pct": "12.5",
            "months": 6,
            "cost": "7500.00",
            "currency": "USD",
            "text": "Against a plan to use the seats again",
        }  # fmt: skip
        assert request.digest == digest_of(asked.proposal)
        assert request.title == "12.5% discount for 6 months, Halden Logistics"

    def test_the_facts_are_the_accounts(self, here, account, step):
        facts = request_of(here, ask(here, step)).facts
        assert (facts["account_id"], facts["owner_id"], facts["team_id"]) == (
            account.pk, here.csm.user.pk, account.team_id,
        )  # fmt: skip
        assert (facts["band"], facts["renewal_date"], facts["currency"]) == ("critical", "2027-02-14", "USD")
        assert Decimal(facts["cost"]) == 6000
        assert Decimal(facts["arr"]) == 120_000

    def test_sent_twice_it_is_one_request(self, here, account, step):
        assert ask(here, step).approval_ref == ask(here, step, version=1).approval_ref
        assert verbs(here, account).count("approvals.requested") == 1
        assert verbs(here, account).count("playbooks.concession_asked") == 1

    def test_another_offer_while_one_waits_is_stale(self, here, step):
        ask(here, step)
        with pytest.raises(StaleRow):
            ask(here, step, version=1, discount_pct="20")

    def test_unknown_revenue_goes_to_the_widest_line(self, here, account, step):
        health_row(here, account, arr=None)
        request = request_of(here, ask(here, step))
        assert request.payload["cost"] is None
        assert request.approver_roles == ["manager", "finance"]

    def test_money_of_another_kind_is_judged_in_the_tenants(self, here, account, step):
        health_row(here, account, arr="120000", currency="EUR", arr_reporting=Decimal("130000"))
        request = request_of(here, ask(here, step, discount_pct="5", months=1))
        assert request.payload["currency"] == "EUR"
        assert Decimal(request.facts["cost_base"]) == Decimal("541.67")
        assert request.approver_roles == ["manager"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"discount_pct": "0"}, "discount_pct"),
            ({"discount_pct": "100.01"}, "discount_pct"),
            ({"discount_pct": "10.005"}, "discount_pct"),
            ({"discount_pct": "NaN"}, "discount_pct"),
            ({"discount_pct": ""}, "discount_pct"),
            ({"months": 0}, "months"),
            ({"months": 61}, "months"),
            ({"months": "1.5"}, "months"),
            ({"text": "x" * 1001}, "text"),
            ({"why": " "}, "why"),
        ],
    )
    def test_bad_input_names_its_field(self, here, step, change, field):
        with pytest.raises(BadInput) as caught:
            ask(here, step, **change)
        assert caught.value.field == field
        step.refresh_from_db()
        assert (step.state, step.version) == (State.OPEN, 1)

    def test_a_plain_step_asks_for_nothing(self, here, step):
        with pytest.raises(Refused, match="asks for nothing"):
            ask(here, steps(here, step.play)[0])

    def test_without_a_policy_line_the_reason_is_told(self, here, step):
        from approvals.models import ApprovalPolicy

        ApprovalPolicy.objects.all().update(is_active=False)
        with pytest.raises(Refused, match="No line of the approval policy"):
            ask(here, step)

    @pytest.mark.parametrize(("role", "error"), [("csm2", Missing), ("finance", PermissionDenied)])
    def test_not_by_everybody(self, here, step, role, error):
        with pytest.raises(error):
            ask(here, step, role=role)


class TestAnswer:
    def test_a_no_is_final_and_says_why(self, here, account, step):
        asked = answer(here, ask(here, step), "rejected", comment="Not before the renewal talk.")
        assert (asked.state, asked.remark, asked.intent_id) == (
            State.REJECTED,
            "Not before the renewal talk.",
            None,
        )
        assert verbs(here, account)[-2:] == ["approvals.decided", "playbooks.concession_answered"]
        with pytest.raises(Refused, match="rejected"):
            ask(here, asked)

    def test_changes_are_asked_for_and_made(self, here, step):
        asked = answer(here, ask(here, step, discount_pct="20"), "changes_requested", comment="10% at most")
        assert (asked.state, asked.remark) == (State.CHANGES_REQUESTED, "10% at most")
        first = asked.approval_ref
        with pytest.raises(BadInput, match="change the offer"):
            ask(here, asked, discount_pct="20")
        again = ask(here, asked, discount_pct="10")
        assert again.state == State.PENDING_APPROVAL
        assert again.approval_ref != first

    def test_withdrawn_it_is_open_again(self, here, step):
        asked = ask(here, step)
        withdraw(here.tenant, ref=asked.approval_ref, by=here.actor("csm"), reason="They signed anyway")
        asked.refresh_from_db()
        assert (asked.state, asked.remark) == (State.OPEN, "They signed anyway")
        assert ask(here, asked).state == State.PENDING_APPROVAL

    def test_a_late_answer_to_an_old_request_moves_nothing(self, here, step):
        asked = ask(here, step)
        old = request_of(here, asked)
        withdraw(here.tenant, ref=old.ref, by=here.actor("csm"))
        asked.refresh_from_db()
        again = ask(here, asked)
        old.state = "approved"
        services.concessions.on_verdict(here.tenant, old, here.actor("manager"))
        again.refresh_from_db()
        assert (again.state, again.intent_id) == (State.PENDING_APPROVAL, None)


class TestRecheck:
    @pytest.fixture
    def asked(self, here, step):
        return ask(here, step)

    def refused(self, world, asked):
        with pytest.raises(RequestVoided) as caught:
            answer(world, asked, "approved")
        asked.refresh_from_db()
        assert asked.state == State.OPEN
        return str(caught.value)

    def test_the_owner_changed(self, here, account, asked):
        account.owner = here.csm2.user
        account.save()
        assert "another owner" in self.refused(here, asked)

    def test_the_revenue_changed(self, here, account, asked):
        health_row(here, account, arr="240000")
        assert "ARR changed" in self.refused(here, asked)

    def test_the_offer_changed_behind_its_back(self, here, asked):
        PlayStep.objects.filter(pk=asked.pk).update(proposal=asked.proposal | {"discount_pct": "50"})
        assert "offer was changed" in self.refused(here, asked)

    def test_the_play_is_over(self, here, asked):
        Play.objects.filter(pk=asked.play_id).update(state="cancelled", closed_at="2026-11-20T10:00Z")
        assert "no longer running" in self.refused(here, asked)
        assert last_event(here, "playbooks.concession_answered").diff["after"]["request"] == "voided"

    def test_the_play_is_gone(self, here, asked):
        """Rows can go when a person's or an account's are erased: the answer says so instead of failing."""
        ref, play_id, digest = asked.approval_ref, asked.play_id, request_of(here, asked).digest
        Task.objects.filter(step__play_id=play_id).delete()
        PlayStep.objects.filter(play_id=play_id).delete()
        with pytest.raises(RequestVoided, match="no longer exists"):
            decide(here.tenant, ref=ref, verdict="approved", digest=digest, by=here.actor("manager"))
        assert ApprovalRequest.objects.get(ref=ref).state == "voided"
