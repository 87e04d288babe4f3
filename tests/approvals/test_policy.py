"""Which line applies: the first whose every limit holds, and none where nothing is known."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from approvals import queries, registry, services
from approvals.exceptions import NoPolicyLine, UnknownKind
from approvals.models import ApprovalPolicy
from tests.approvals.conftest import KIND, ask
from tests.worlds import MAKER


@pytest.mark.parametrize(
    ("pct", "cost", "line", "roles"),
    [
        ("10", "5000", 1, ["manager"]),
        ("10.01", "5000", 2, ["manager"]),
        ("10", "5000.01", 2, ["manager"]),
        ("20", "50000", 2, ["manager"]),
        ("20.01", "100", 3, ["manager", "finance"]),
        ("1", "50000.01", 3, ["manager", "finance"]),
    ],
)
def test_the_default_lines(acme, pct, cost, line, roles):
    request = ask(acme, acme.add_account(), pct=pct, cost=cost)
    assert request.policy_version == f"line {line}, version 1"
    assert request.approver_roles == roles


def test_the_sentences_of_the_default_lines(acme):
    account = acme.add_account()
    found = [
        ask(acme, account, pct=pct, cost=cost, subject=pct).policy_line
        for pct, cost in [("5", "100"), ("15", "4800"), ("25", "61800")]
    ]
    assert found == [
        "A discount up to 10% with a cost up to $5k needs a manager.",
        "A discount above 10% or a cost above $5k, up to 20% and $50k, needs a manager.",
        "A discount above 20% or a cost above $50k needs a manager, then finance.",
    ]


def test_each_limit_looked_at_is_kept(acme):
    request = ask(acme, acme.add_account(), pct="15", cost="61800")
    assert [(check["passed"], check["text"]) for check in request.policy_checks] == [
        (False, "Discount of 15% is above 10%"),
        (True, "Discount of 15% is within 20%"),
        (False, "Cost of $61,800 is above $50,000"),
        (False, "A manager must say yes"),
        (False, "Finance must say yes, after the manager"),
    ]


@pytest.mark.parametrize(
    "unknown", [{"discount_pct": None}, {"cost": None}, {"currency": "EUR"}, {"discount_pct": "a lot"}]
)
def test_what_is_not_known_is_over_every_limit(acme, unknown):
    account = acme.add_account()
    assert ask(acme, account, pct="1", cost="10").approver_roles == ["manager"]
    assert ask(acme, account, pct="1", subject="2", **{"cost": "10", **unknown}).approver_roles == [
        "manager",
        "finance",
    ]


def test_a_cost_in_another_currency_counts_in_the_tenants(acme):
    account = acme.add_account()
    dear = ask(acme, account, pct="5", cost="4000", subject="1", currency="GBP", cost_base=Decimal("5200"))
    cheap = ask(acme, account, pct="5", cost="70000", subject="2", currency="SEK", cost_base=Decimal("4900"))
    assert (dear.policy_version, cheap.policy_version) == ("line 2, version 1", "line 1, version 1")


def test_nothing_is_asked_where_no_line_matches(acme):
    with acme.here():
        ApprovalPolicy.objects.for_tenant(acme.tenant).filter(position=3).update(is_active=False)
    with pytest.raises(NoPolicyLine, match="Ask an operations admin to add a line"):
        ask(acme, acme.add_account(), pct="25")


def test_an_unknown_kind_is_refused(acme):
    with pytest.raises(UnknownKind):
        ask(acme, acme.add_account(), kind="free_lunch")


def test_the_default_lines_come_once_and_only_for_the_tenant(acme, globex, caller):
    registry.register_kind(
        "test_later",
        label="Later",
        recheck=caller.recheck,
        on_verdict=caller.on_verdict,
        visible=caller.visible,
    )
    try:
        for _ in range(2):
            with acme.here():
                services.install_default_policies(acme.tenant, by=MAKER)
        with acme.here():
            assert len(queries.policy_lines(acme.tenant, kind="test_later")) == 3
            assert len(queries.policy_lines(acme.tenant, kind=KIND)) == 3
        with globex.here():
            assert queries.policy_lines(globex.tenant, kind="test_later") == []
    finally:
        del registry.kinds["test_later"]


def test_lines_that_were_taken_out_do_not_come_back(acme):
    with acme.here():
        ApprovalPolicy.objects.for_tenant(acme.tenant).filter(kind=KIND).update(is_active=False)
        services.install_default_policies(acme.tenant)
        assert queries.policy_lines(acme.tenant, kind=KIND) == []


def test_the_database_refuses_a_line_that_needs_nobody(acme):
    with acme.here():
        line = ApprovalPolicy.objects.for_tenant(acme.tenant).filter(kind=KIND).first()
        line.approver_roles = []
        with pytest.raises(IntegrityError, match="approval_policy_names_a_person"), transaction.atomic():
            line.save()
