"""Several people at the same moment, with real commits: the first verdict wins, refs never double."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from approvals import queries, services
from approvals.exceptions import AlreadyDecided
from approvals.models import ApprovalRequest
from tenants import services as tenants
from tenants.scoping import tenant_context, tenant_transaction
from tests.approvals.conftest import KIND, ask
from tests.worlds import MAKER, make_world


@pytest.fixture
def world(caller, committed_db, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_world("acme")
        with tenant_context(made.tenant.pk):
            made.people["second"], _ = tenants.ensure_member(
                made.tenant, email="second@acme.example", role="manager", by=MAKER, name="second acme"
            )
    with django_db_blocker.unblock():
        yield made


def at_once(*calls):
    """Run the calls in threads that start together; their results or exceptions, in order."""
    gate, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number, call):
        try:
            gate.wait(timeout=20)
            found[number] = call()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return found


def deciding(world, request, role, verdict):
    def call():
        with tenant_transaction(world.tenant.pk):
            return services.decide(
                world.tenant,
                ref=request.ref,
                verdict=verdict,
                comment="Said at the same moment.",
                digest=request.digest,
                by=world.actor(role),
            )

    return call


def committed_request(world, pct="15"):
    with transaction.atomic():
        return ask(world, world.add_account(), pct=pct)


def test_of_two_managers_the_first_wins(world, caller):
    request = committed_request(world)
    found = at_once(
        deciding(world, request, "manager", "approved"), deciding(world, request, "second", "rejected")
    )
    won = [each for each in found if isinstance(each, ApprovalRequest)]
    lost = [each for each in found if isinstance(each, AlreadyDecided)]
    assert (len(won), len(lost)) == (1, 1), found
    with tenant_transaction(world.tenant.pk):
        kept = queries.decisions(world.tenant, request)
        request.refresh_from_db()
    assert [each.verdict for each in kept] == [won[0].state] == [request.state]
    assert caller.told == [(request.ref, request.state)]


def test_a_double_click_counts_once(world, caller):
    request = committed_request(world)
    found = at_once(*[deciding(world, request, "manager", "approved")] * 4)
    assert [getattr(each, "state", each) for each in found] == ["approved"] * 4
    with tenant_transaction(world.tenant.pk):
        assert len(queries.decisions(world.tenant, request)) == 1
    assert caller.told == [(request.ref, "approved")]


def test_without_the_lock_both_get_as_far_as_the_database(world, caller, monkeypatch):
    """Proof that the race exists and the tests above can fail; the trigger is what then stops the second."""
    meet = threading.Barrier(2)
    real = services._answer

    def both_have_looked(*args, **kwargs):
        meet.wait(timeout=20)
        return real(*args, **kwargs)

    monkeypatch.setattr(
        queries, "request_for_update", lambda tenant, *, ref: queries.request_by_ref(tenant, ref=ref)
    )
    monkeypatch.setattr(services, "_answer", both_have_looked)
    request = committed_request(world)
    found = at_once(
        deciding(world, request, "manager", "approved"), deciding(world, request, "second", "rejected")
    )
    (late,) = [each for each in found if isinstance(each, IntegrityError)]
    assert "is closed" in str(late)


def test_answering_and_withdrawing_at_once_has_one_outcome(world, caller):
    request = committed_request(world)

    def withdrawing():
        with tenant_transaction(world.tenant.pk):
            return services.withdraw(world.tenant, ref=request.ref, by=world.actor("csm"))

    found = at_once(deciding(world, request, "manager", "approved"), withdrawing)
    assert len([each for each in found if isinstance(each, ApprovalRequest)]) == 1, found
    assert len(caller.told) == 1


def test_refs_are_counted_without_doubles_or_gaps(world):
    with transaction.atomic():
        accounts = [world.add_account(f"Firm {number}") for number in range(6)]

    def asking(number):
        def call():
            with transaction.atomic():
                return ask(world, accounts[number], subject=str(number)).ref

        return call

    refs = at_once(*[asking(number) for number in range(6)])
    assert sorted(refs) == [f"A-{1001 + number}" for number in range(6)]


def test_asking_the_same_twice_at_once_gives_one_request(world):
    with transaction.atomic():
        account = world.add_account()

    def asking():
        with transaction.atomic():
            return ask(world, account).ref

    assert at_once(asking, asking) == ["A-1001", "A-1001"]


def test_the_subject_is_locked_before_the_request(world, caller, monkeypatch):
    """Whoever holds the subject and then asks here never waits for somebody who holds the request."""
    from approvals import registry

    order = []
    kind = registry.kinds[KIND]
    registry.register_kind(
        KIND,
        label=kind.label,
        recheck=kind.recheck,
        on_verdict=kind.on_verdict,
        visible=kind.visible,
        lock=lambda tenant, request: order.append("subject"),
    )
    real = queries.request_for_update
    monkeypatch.setattr(
        queries,
        "request_for_update",
        lambda tenant, *, ref: (order.append("request"), real(tenant, ref=ref))[1],
    )
    request = committed_request(world)
    deciding(world, request, "manager", "approved")()
    assert order == ["subject", "request"]
