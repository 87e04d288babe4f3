"""Putting a write into the outbox: once, in the caller's transaction, in its place."""

import base64

import pytest
from django.db import transaction

from audit.models import AuditEvent
from integrations import services
from integrations.exceptions import EndpointRefused, IdempotencyConflict, NotAsApproved, PayloadTooLarge
from integrations.models import Connection, WriteIntent
from jobs.models import Job


def verbs(world):
    return list(AuditEvent.objects.filter(tenant=world.tenant).order_by("id").values_list("verb", flat=True))


def test_a_write_is_planned_ready_with_its_event_and_one_job(acme, receiver, sender):
    with acme.here():
        endpoint = sender.endpoint(acme, receiver)
        account = acme.add_account()
        intent = sender.plan(acme, account_id=account.pk)
        assert (intent.state, intent.connection, intent.seq) == ("ready", endpoint, 1)
        event = AuditEvent.objects.get(tenant=acme.tenant, verb="integrations.write_planned")
        assert (event.account_id, event.object_type) == (account.pk, "integrations.writeintent")
        assert event.diff["after"] == {"kind": "concession", "target": intent.target}
        jobs = Job.objects.filter(kind="integrations.dispatch", args={"connection_id": endpoint.pk})
        assert jobs.count() == 1


def test_the_same_business_event_gives_the_same_row(acme, receiver, sender):
    with acme.here():
        sender.endpoint(acme, receiver)
        first = sender.plan(acme)
        assert sender.plan(acme).pk == first.pk
        assert WriteIntent.objects.count() == 1
        assert verbs(acme).count("integrations.write_planned") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"fields": {"discount_pct": "15", "months": 12}},
        {"digest": "f" * 64},
        {"line": "ACC-2", "target": {"type": "account", "external_id": "ACC-1"}},
        {"approval_ref": "A-99"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_business_event_with_other_content_is_refused_loudly(acme, receiver, sender, change):
    with acme.here():
        sender.endpoint(acme, receiver)
        first = sender.plan(acme)
        with pytest.raises(IdempotencyConflict, match=str(first.pk)):
            sender.plan(acme, **change)
        assert WriteIntent.objects.get().fields == first.fields


def test_two_tenants_never_share_a_key(acme, globex, receiver, sender):
    keys = set()
    for world in (acme, globex):
        with world.here():
            sender.endpoint(world, receiver)
            keys.add(sender.plan(world).idempotency_key)
    assert len(keys) == 2


def test_what_is_planned_for_an_approval_must_be_what_was_approved(acme, receiver, sender):
    with acme.here():
        sender.endpoint(acme, receiver)
        with pytest.raises(NotAsApproved):
            sender.plan(acme, approval_ref="A-1", digest="0" * 64)
        assert not WriteIntent.objects.exists()


def test_a_write_that_is_too_large_for_a_webhook_is_refused_when_planned(acme, receiver, sender):
    with acme.here():
        sender.endpoint(acme, receiver)
        with pytest.raises(PayloadTooLarge, match="20,000"):
            sender.plan(acme, fields={"text": "x" * 20_000})


def test_places_in_a_line_are_given_in_order_and_each_account_has_its_own(acme, receiver, sender):
    with acme.here():
        sender.endpoint(acme, receiver)
        seqs = [sender.plan(acme, key=str(n), line="ACC-1").seq for n in range(3)]
        assert seqs == [1, 2, 3]
        assert sender.plan(acme, key="other", line="ACC-2").seq == 1


def test_a_rolled_back_change_leaves_neither_write_nor_job(acme, receiver, sender):
    class Undone(Exception):
        pass

    with acme.here():
        sender.endpoint(acme, receiver)
        before = Job.objects.count()

        def change():
            with transaction.atomic():
                sender.plan(acme)
                raise Undone

        with pytest.raises(Undone):
            change()
        assert not WriteIntent.objects.exists()
        assert Job.objects.count() == before


def test_a_plan_without_its_audit_event_is_no_plan(acme, receiver, sender, monkeypatch):
    def broken(*arguments, **named):
        raise RuntimeError("no log")

    with acme.here():
        sender.endpoint(acme, receiver)
        monkeypatch.setattr("audit.services.record", broken)
        with pytest.raises(RuntimeError, match="no log"), transaction.atomic():
            sender.plan(acme)
        assert not WriteIntent.objects.exists()


def test_without_an_endpoint_it_waits_and_leaves_when_one_is_set_up(acme, receiver, sender):
    with acme.here():
        first, second = sender.plan(acme, key="1"), sender.plan(acme, key="2")
        assert (first.state, first.connection) == ("blocked", None)
        assert "No endpoint" in first.last_error
        assert "integrations.write_blocked" in verbs(acme)
        endpoint = sender.endpoint(acme, receiver)
        for intent in (first, second):
            intent.refresh_from_db()
            assert (intent.state, intent.connection, intent.last_error) == ("ready", endpoint, "")
        sender.run_jobs(acme)
        assert receiver.effects == [first.idempotency_key, second.idempotency_key]


def test_the_default_endpoint_is_the_oldest_active_one(acme, receiver, sender):
    with acme.here():
        older, newer = sender.endpoint(acme, receiver, name="A"), sender.endpoint(acme, receiver, name="B")
        assert sender.plan(acme, key="1").connection == older
        Connection.objects.filter(pk=older.pk).update(state="paused")
        assert sender.plan(acme, key="2").connection == newer


def test_new_secrets_are_of_the_standard_and_differ():
    first, second = services.new_secret(), services.new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": "  "}),
        ("url", {"url": "https://10.0.0.1/hook"}),
        ("url", {"url": "hook"}),
        ("secret", {"secret": "whsec_short"}),
        ("secret", {"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
    ],
)
def test_an_endpoint_that_cannot_work_is_refused_by_field(acme, field, values):
    good = {"name": "CRM", "url": "https://crm.example/hook", "secret": services.new_secret()}
    with acme.here():
        with pytest.raises(EndpointRefused) as refused:
            services.create_endpoint(
                acme.tenant, **(good | values), is_sandbox=False, by=acme.actor("revops")
            )
        assert refused.value.field == field
        assert not Connection.objects.exists()


def test_secrets_are_stored_sealed_and_kept_out_of_the_log(acme, receiver, sender):
    with acme.here():
        endpoint = sender.endpoint(acme, receiver)
        assert receiver.secret not in endpoint.secret_sealed
        event = AuditEvent.objects.get(tenant=acme.tenant, verb="integrations.endpoint_created")
        assert receiver.secret not in str(event.diff)
        assert event.diff["after"]["url"] == receiver.url
