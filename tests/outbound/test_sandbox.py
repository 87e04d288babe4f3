"""From a sandbox nothing leaves except to endpoints marked as sandbox; and production writes do not end in one."""

import pytest

from integrations import tasks
from integrations.exceptions import NotPossible
from integrations.models import Connection
from integrations.services import endpoints
from tests.worlds import make_world


@pytest.fixture
def sandbox(db):
    world = make_world("acme-sandbox", environment="sandbox")
    with world.here():
        yield world


def test_a_sandbox_sends_nothing_to_an_ordinary_endpoint(sandbox, receiver, sender):
    sender.endpoint(sandbox, receiver, is_sandbox=False)
    intent = sender.plan(sandbox)
    assert intent.state == "blocked"
    assert "sandbox" in intent.last_error
    sender.run_jobs(sandbox)
    assert receiver.calls == []


def test_a_sandbox_sends_to_an_endpoint_that_is_marked(sandbox, receiver, sender):
    sender.endpoint(sandbox, receiver, is_sandbox=False, name="Production")
    intent = sender.plan(sandbox)
    sender.endpoint(sandbox, receiver, is_sandbox=True, name="Sandbox")
    sender.run_jobs(sandbox)
    assert receiver.effects == [intent.idempotency_key]


def test_the_mark_is_checked_again_when_sending(sandbox, receiver, sender):
    endpoint = sender.endpoint(sandbox, receiver, is_sandbox=True)
    intent = sender.plan(sandbox)
    Connection.objects.filter(pk=endpoint.pk).update(is_sandbox=False)
    tasks.dispatch(sandbox.tenant, lambda done: None, connection_id=endpoint.pk)
    intent.refresh_from_db()
    assert receiver.calls == []
    assert intent.state == "blocked"


def test_not_even_a_test_event_leaves_a_sandbox(sandbox, receiver, sender):
    endpoint = sender.endpoint(sandbox, receiver, is_sandbox=False)
    with pytest.raises(NotPossible, match="sandbox"):
        endpoints.send_test(sandbox.tenant, connection_id=endpoint.pk, by=sandbox.actor("ops_admin"))
    sender.run_jobs(sandbox)
    assert receiver.calls == []


def test_a_production_write_is_not_swallowed_by_a_sandbox_endpoint(acme, receiver, sender):
    with acme.here():
        sender.endpoint(acme, receiver, is_sandbox=True, name="Trial")
        intent = sender.plan(acme)
        assert intent.state == "blocked"
        real = sender.endpoint(acme, receiver, is_sandbox=False, name="CRM")
        intent.refresh_from_db()
        assert intent.connection == real


def test_a_workspace_that_became_a_sandbox_sends_nothing_it_had_planned(acme, receiver, sender):
    from tenants.models import Tenant

    with acme.here():
        endpoint = sender.endpoint(acme, receiver, is_sandbox=False)
        intent = sender.plan(acme)
        assert intent.state == "ready"
        Tenant.objects.filter(pk=acme.tenant.pk).update(environment="sandbox")
        tasks.dispatch(Tenant.objects.get(pk=acme.tenant.pk), lambda done: None, connection_id=endpoint.pk)
        intent.refresh_from_db()
    assert receiver.calls == []
    assert (intent.state, "sandbox" in intent.last_error) == ("blocked", True)
