"""Who may answer what, once, and what follows from it."""

import pytest

from approvals.exceptions import (
    MayNotDecide,
)
from tests.approvals.conftest import answer, ask, events


def test_a_manager_approves_and_the_caller_goes_on_in_the_same_transaction(acme, caller):
    request = ask(acme, acme.add_account(), pct="15")
    assert request.ref == "A-1001"
    assert request.approver_roles == ["manager"]
    request = answer(acme, request)
    assert (request.state, request.next_role) == ("approved", "")
    assert caller.told == [(request.ref, "approved")]
    assert events(acme, request.ref) == ["approvals.requested", "approvals.decided"]


def test_large_concessions_need_a_manager_and_then_finance(acme, caller):
    request = ask(acme, acme.add_account(), pct="25", cost="61800")
    assert request.approver_roles == ["manager", "finance"]
    with pytest.raises(MayNotDecide, match="waits for a manager"):
        answer(acme, request, role="finance")
    request = answer(acme, request)
    assert (request.state, request.next_role) == ("pending", "finance")
    assert caller.told == []
    request = answer(acme, request, role="finance")
    assert request.state == "approved"
    assert caller.told == [(request.ref, "approved")]
