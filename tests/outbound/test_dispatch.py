"""From the outbox to the receiver and back, one dispatcher at a time; the receiver's ledger says what happened."""

from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from audit.models import AuditEvent
from integrations import tasks
from integrations.exceptions import NotPossible
from integrations.models import Connection, WriteAttempt, WriteIntent
from integrations.services import dispatch, endpoints, outbound
from jobs.models import Job
from tests.outbound.receiver import Answer


@pytest.fixture
def here(acme, receiver, sender):
    """acme with one endpoint, inside its context."""
    with acme.here():
        acme.endpoint = sender.endpoint(acme, receiver)
        yield acme


def fresh(intent):
    return WriteIntent.objects.get(pk=intent.pk)


def attempts(intent):
    return list(WriteAttempt.objects.filter(intent=intent).order_by("attempt"))


def events(world, verb):
    return list(AuditEvent.objects.filter(tenant=world.tenant, verb=f"integrations.{verb}").order_by("id"))


def due_again(intent):
    """Time passes: what waits for its next try is due."""
    WriteIntent.objects.filter(pk=intent.pk).update(next_at=timezone.now())


def send(world, **args):
    return tasks.dispatch(world.tenant, lambda done: None, connection_id=world.endpoint.pk, **args)


def test_an_approved_write_arrives_signed_and_is_done(here, receiver, sender):
    account = here.add_account()
    fields = {"discount_pct": "10.00", "text": "Grüße"}
    intent = sender.plan(here, account_id=account.pk, approval_ref="A-7", fields=fields)
    sender.run_jobs(here)
    call = receiver.calls[0]
    content = Webhook(receiver.secret).verify(call.body, call.headers)
    assert call.id == intent.idempotency_key
    assert content["type"] == "holdfast.play.concession_approved"
    assert content["data"] == {
        "fields": fields,
        "target": intent.target,
        "approval_ref": "A-7",
        "correlation_id": "play:1",
    }
    after = fresh(intent)
    assert (after.state, after.attempts, after.last_error) == ("done", 1, "")
    assert after.done_at is not None
    row = attempts(intent)[0]
    assert (row.outcome, row.status, row.response_excerpt) == ("done", 200, "taken")
    assert row.request_body == call.body.decode()
    event = events(here, "write_done")[0]
    assert (event.account_id, event.decision_ref) == (account.pk, "A-7")
    assert event.diff["after"] == {"kind": "concession", "target": intent.target}


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (Answer(status=500), "retry", 500),
        (Answer(status=429), "retry", 429),
        (Answer(status=503), "retry", 503),
        (Answer(fault="hang"), "unknown", None),
        (Answer(fault="drop"), "unknown", None),
        (Answer(fault="refuse"), "unknown", None),
    ],
    ids=lambda each: getattr(each, "fault", "") or getattr(each, "status", each),
)
def test_a_failure_that_may_pass_is_tried_again_under_the_same_id(
    here, receiver, sender, answer, outcome, status
):
    receiver.answers(answer)
    intent = sender.plan(here)
    send(here, timeout=0.3)
    waiting = fresh(intent)
    assert waiting.state == "retry_wait"
    assert waiting.last_error
    assert waiting.next_at <= timezone.now() + timedelta(seconds=2)
    assert (attempts(intent)[0].outcome, attempts(intent)[0].status) == (outcome, status)
    due_again(intent)
    send(here)
    assert fresh(intent).state == "done"
    assert [call.id for call in receiver.calls] == [intent.idempotency_key] * 2
    assert receiver.calls[0].body == receiver.calls[1].body
    assert receiver.effects == [intent.idempotency_key]


def test_an_answer_cut_off_after_its_status_counts_as_the_status_says(here, receiver, sender):
    receiver.answers(Answer(fault="cut"))
    intent = sender.plan(here)
    send(here)
    assert fresh(intent).state == "done"
    assert "broke off" in attempts(intent)[0].error


def test_nobody_at_home_is_tried_again(here, receiver, sender):
    receiver.__exit__()
    intent = sender.plan(here)
    send(here)
    assert fresh(intent).state == "retry_wait"
    assert "No connection" in fresh(intent).last_error


@pytest.mark.parametrize(("status", "outcome"), [(301, "refused"), (400, "refused"), (403, "forbidden")])
def test_what_needs_a_person_is_blocked_and_not_repeated(here, receiver, sender, status, outcome):
    account = here.add_account()
    receiver.answers(Answer(status=status, headers={"Location": "http://127.0.0.1:9/other"}, body=b"no"))
    intent = sender.plan(here, account_id=account.pk)
    sender.run_jobs(here)
    send(here)
    assert fresh(intent).state == "blocked"
    assert str(status) in fresh(intent).last_error
    assert len(receiver.calls) == 1
    assert attempts(intent)[0].outcome == outcome
    event = events(here, "write_blocked")[0]
    assert event.account_id == account.pk
    assert str(status) in event.diff["after"]["reason"]


def test_410_disables_the_endpoint_and_a_new_one_takes_over(here, receiver, sender):
    receiver.answers(410)
    first, second = sender.plan(here, line="ACC-1", key="1"), sender.plan(here, line="ACC-2", key="2")
    sender.run_jobs(here)
    assert Connection.objects.get(pk=here.endpoint.pk).state == "disabled"
    assert [fresh(each).state for each in (first, second)] == ["blocked", "blocked"]
    assert len(events(here, "endpoint_disabled")) == 1
    assert len(receiver.calls) == 1, "the endpoint said it wants no more"
    sender.endpoint(here, receiver, name="The new one")
    sender.run_jobs(here)
    assert [fresh(each).state for each in (first, second)] == ["done", "done"]


def test_a_disabled_endpoint_that_came_back_sends_what_was_blocked(here, receiver, sender):
    receiver.answers(410)
    intent = sender.plan(here)
    sender.run_jobs(here)
    version = Connection.objects.get(pk=here.endpoint.pk).version
    endpoints.resume_endpoint(
        here.tenant, connection_id=here.endpoint.pk, version=version, by=here.actor("ops_admin")
    )
    sender.run_jobs(here)
    assert fresh(intent).state == "done"


@pytest.mark.parametrize(
    ("header", "least"),
    [({"Retry-After": "7"}, 7), ({"Retry-After": "banana"}, 0), ({"Retry-After": "0"}, 0), ({}, 0)],
    ids=str,
)
def test_retry_after_wins_when_it_is_longer(here, receiver, sender, header, least):
    receiver.answers(Answer(status=429, headers=header))
    intent, other = sender.plan(here, line="ACC-1", key="1"), sender.plan(here, line="ACC-2", key="2")
    before = timezone.now()
    send(here)
    wait = (fresh(intent).next_at - before).total_seconds()
    assert least <= wait <= max(least, 2) + 1
    # what the receiver asked for goes for the other account as well
    assert len(receiver.calls) == (1 if least else 2)
    assert fresh(other).state == ("ready" if least else "done")


def test_retry_after_as_a_date(here, receiver, sender):
    from email.utils import format_datetime

    moment = timezone.now().replace(microsecond=0) + timedelta(minutes=3)
    receiver.answers(Answer(status=503, headers={"Retry-After": format_datetime(moment, usegmt=True)}))
    intent = sender.plan(here)
    send(here)
    assert abs((fresh(intent).next_at - moment).total_seconds()) < 1


def test_the_next_try_is_rung_for_when_it_is_due(here, receiver, sender):
    receiver.answers(Answer(status=429, headers={"Retry-After": "60"}))
    intent = sender.plan(here)
    sender.run_jobs(here)
    waiting = Job.objects.get(kind="integrations.dispatch", state="queued")
    assert 0 <= (waiting.not_before - fresh(intent).next_at).total_seconds() <= 1


def test_a_rest_holds_what_is_planned_a_moment_later(here, receiver, sender):
    """Of another line, and however it comes: planned now, it waits; at another address nobody asked for a rest."""
    receiver.answers(Answer(status=429, headers={"Retry-After": "60"}))
    first = sender.plan(here)
    sender.run_jobs(here)
    later = sender.plan(here, key="later", line="ACC-other")
    sender.run_jobs(here)
    assert len(receiver.calls) == 1
    assert fresh(later).state == "ready"
    assert fresh(later).next_at >= fresh(first).next_at
    endpoint = Connection.objects.get(pk=here.endpoint.pk)
    endpoints.edit_endpoint(
        here.tenant, connection_id=endpoint.pk, version=endpoint.version, name=endpoint.name,
        url=f"{endpoint.url}?moved=1", is_sandbox=endpoint.is_sandbox, by=here.actor("ops_admin"),
    )  # fmt: skip
    assert Connection.objects.get(pk=endpoint.pk).rests_until is None


def test_delays_grow_to_a_limit_and_are_spread(monkeypatch):
    most = []
    monkeypatch.setattr("random.uniform", lambda low, high: most.append((low, high)) or high)
    delays = [dispatch.delay_after(number) for number in range(1, 13)]
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert {low for low, _ in most} == {0.0}


def test_eight_failures_and_it_is_dead_with_its_whole_history(here, receiver, sender):
    receiver.answers(*[500] * 20)
    intent = sender.plan(here)
    for _ in range(12):
        due_again(intent)
        send(here)
    after = fresh(intent)
    assert (after.state, after.attempts) == ("dead", 8)
    assert len(receiver.calls) == 8
    assert [row.attempt for row in attempts(intent)] == list(range(1, 9))
    assert len(events(here, "write_dead")) == 1


def test_a_day_of_failures_and_it_is_dead(here, receiver, sender):
    receiver.answers(500, 500)
    intent = sender.plan(here)
    with pytest.MonkeyPatch.context() as patch:
        a_day_ago = timezone.now() - timedelta(hours=24)
        patch.setattr("django.utils.timezone.now", lambda: a_day_ago)
        WriteIntent.objects.filter(pk=intent.pk).update(next_at=a_day_ago)
        send(here)
    assert fresh(intent).state == "retry_wait"
    send(here)
    assert (fresh(intent).state, fresh(intent).attempts) == ("dead", 2)


def test_replay_sends_once_more_under_the_same_id(here, receiver, sender):
    receiver.answers(*[500] * 8)
    intent = sender.plan(here)
    for _ in range(8):
        due_again(intent)
        send(here)
    outbound.replay(here.tenant, intent_id=intent.pk, by=here.actor("revops"))
    sender.run_jobs(here)
    assert (fresh(intent).state, fresh(intent).attempts) == ("done", 1)
    assert len(attempts(intent)) == 9
    assert receiver.effects == [intent.idempotency_key]
    event = events(here, "write_replayed")[0]
    assert event.actor_label.startswith("revops")
    assert event.diff["before"] == {"state": "dead", "attempts": 8}
    with pytest.raises(NotPossible, match="already"):
        outbound.replay(here.tenant, intent_id=intent.pk, by=here.actor("revops"))
    sender.run_jobs(here)
    assert len(receiver.calls) == 9


@pytest.mark.parametrize("state", ["ready", "leased", "retry_wait", "cancelled", "expired", "superseded"])
def test_only_dead_and_blocked_writes_are_replayed(here, sender, state):
    intent = sender.plan(here)
    WriteIntent.objects.filter(pk=intent.pk).update(state=state)
    with pytest.raises(NotPossible, match="Only a failed or blocked"):
        outbound.replay(here.tenant, intent_id=intent.pk, by=here.actor("revops"))


def test_order_of_a_line_is_kept_and_one_line_does_not_hold_up_another(here, receiver, sender):
    receiver.answers(500)
    first = sender.plan(here, line="ACC-1", key="1")
    second = sender.plan(here, line="ACC-1", key="2")
    other = sender.plan(here, line="ACC-2", key="3")
    send(here)
    assert receiver.effects == [other.idempotency_key], (
        "the second overtook the first, or the other line waited"
    )
    due_again(first)
    send(here)
    keys = [first.idempotency_key, second.idempotency_key]
    assert [key for key in receiver.effects if key in keys] == keys


def test_a_blocked_write_holds_its_line_until_somebody_decides(here, receiver, sender):
    receiver.answers(400)
    first, second = sender.plan(here, key="1"), sender.plan(here, key="2")
    send(here)
    assert (fresh(first).state, fresh(second).state) == ("blocked", "ready")
    outbound.cancel(here.tenant, intent_id=first.pk, by=here.actor("ops_admin"))
    sender.run_jobs(here)
    assert (fresh(first).state, fresh(second).state) == ("cancelled", "done")
    assert len(events(here, "write_cancelled")) == 1


def test_a_dead_write_lets_the_next_one_go(here, receiver, sender):
    receiver.answers(*[500] * 8)
    first, second = sender.plan(here, key="1"), sender.plan(here, key="2")
    for _ in range(8):
        due_again(first)
        send(here)
    send(here)
    assert (fresh(first).state, fresh(second).state) == ("dead", "done")


def test_what_was_sent_cannot_be_cancelled(here, receiver, sender):
    intent = sender.plan(here)
    send(here)
    with pytest.raises(NotPossible):
        outbound.cancel(here.tenant, intent_id=intent.pk, by=here.actor("ops_admin"))


def test_a_paused_endpoint_sends_nothing_until_it_is_resumed(here, receiver, sender):
    intent = sender.plan(here)
    by = here.actor("ops_admin")
    endpoints.pause_endpoint(here.tenant, connection_id=here.endpoint.pk, version=1, by=by)
    sender.run_jobs(here)
    assert receiver.calls == []
    assert fresh(intent).state == "ready"
    assert not Job.objects.filter(kind="integrations.dispatch", state="queued").exists()
    later = sender.plan(here, key="later")
    assert (later.state, later.connection) == ("blocked", None)
    endpoints.resume_endpoint(here.tenant, connection_id=here.endpoint.pk, version=2, by=by)
    sender.run_jobs(here)
    assert receiver.effects == [intent.idempotency_key, later.idempotency_key]


def test_an_endpoint_in_trouble_gets_a_rest_and_does_not_hold_a_worker(here, receiver, sender):
    receiver.answers(*[503] * 9)
    for number in range(9):
        sender.plan(here, key=str(number), line=f"ACC-{number}")
    Job.objects.all().delete()
    send(here)
    assert len(receiver.calls) == tasks.MISSES
    job = Job.objects.get(kind="integrations.dispatch")
    assert job.not_before > timezone.now() + timedelta(seconds=20)


def test_a_refusal_of_the_content_is_no_trouble_of_the_endpoint(here, receiver, sender):
    receiver.answers(*[400] * 5)
    intents = [sender.plan(here, key=str(number), line=f"ACC-{number}") for number in range(6)]
    send(here)
    assert [fresh(each).state for each in intents] == ["blocked"] * 5 + ["done"]


def test_a_write_that_was_changed_after_the_yes_does_not_leave(here, receiver, sender):
    intent = sender.plan(here, approval_ref="A-1")
    WriteIntent.objects.filter(pk=intent.pk).update(fields={"discount_pct": "90", "months": 12})
    send(here)
    assert receiver.calls == []
    assert fresh(intent).state == "blocked"
    assert "approved" in fresh(intent).last_error


def test_a_secret_that_cannot_be_read_blocks_until_it_is_rotated(here, receiver, sender):
    intent = sender.plan(here)
    Connection.objects.filter(pk=here.endpoint.pk).update(secret_sealed="from another installation")
    send(here)
    assert receiver.calls == []
    assert "Rotate" in fresh(intent).last_error
    endpoints.rotate_secret(
        here.tenant,
        connection_id=here.endpoint.pk,
        version=1,
        secret=receiver.secret,
        by=here.actor("ops_admin"),
    )
    sender.run_jobs(here)
    assert fresh(intent).state == "done"


def test_during_a_rotation_both_secrets_verify_and_afterwards_only_the_new_one(here, receiver, sender):
    old, new = receiver.secret, endpoints.new_secret()
    endpoints.rotate_secret(
        here.tenant, connection_id=here.endpoint.pk, version=1, secret=new, by=here.actor("ops_admin")
    )
    sender.plan(here, key="during")
    send(here)
    for secret in (old, new):
        Webhook(secret).verify(receiver.calls[0].body, receiver.calls[0].headers)
    Connection.objects.filter(pk=here.endpoint.pk).update(previous_secret_until=timezone.now())
    sender.plan(here, key="afterwards")
    send(here)
    assert len(receiver.calls[1].headers["webhook-signature"].split()) == 1
    Webhook(new).verify(receiver.calls[1].body, receiver.calls[1].headers)
    event = events(here, "endpoint_secret_rotated")[0]
    assert new not in str(event.diff)


def test_a_private_address_is_caught_when_sending_too(here, receiver, sender, settings):
    intent = sender.plan(here)
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    send(here)
    assert receiver.calls == []
    assert fresh(intent).state == "blocked"
    assert "private network" in fresh(intent).last_error
    assert attempts(intent)[0].outcome == "forbidden"


def test_a_corrected_address_sends_what_the_wrong_one_refused(here, receiver, sender):
    receiver.answers(404)
    intent = sender.plan(here)
    send(here)
    endpoints.edit_endpoint(
        here.tenant,
        connection_id=here.endpoint.pk,
        version=1,
        name="Receiver",
        url=f"{receiver.url}/right",
        is_sandbox=False,
        by=here.actor("ops_admin"),
    )
    sender.run_jobs(here)
    assert fresh(intent).state == "done"
    assert receiver.calls[1].path == "/hook/right"


def test_a_lease_that_ran_out_is_written_down_and_sent_again(here, receiver, sender):
    intent = sender.plan(here)
    parcel = dispatch.take_next(here.tenant, connection_id=here.endpoint.pk)
    assert fresh(intent).state == "leased"
    assert dispatch.take_next(here.tenant, connection_id=here.endpoint.pk) is None
    dispatch.ring_next(here.tenant, connection_id=here.endpoint.pk)
    comes_back = Job.objects.filter(kind="integrations.dispatch").latest("not_before").not_before
    assert comes_back >= fresh(intent).lease_until
    WriteIntent.objects.filter(pk=intent.pk).update(lease_until=timezone.now())
    send(here)
    assert fresh(intent).state == "done"
    assert [row.outcome for row in attempts(intent)] == ["lease_lost", "done"]
    # the first sender wakes up after all: its outcome is nobody's business any more
    dispatch.fail(here.tenant, parcel, error=dispatch.Gone("late"), milliseconds=1)
    assert fresh(intent).state == "done"
    assert Connection.objects.get(pk=here.endpoint.pk).state == "active"


def test_leases_lost_again_and_again_end_as_dead(here, receiver, sender):
    intent = sender.plan(here)
    for _ in range(9):
        dispatch.take_next(here.tenant, connection_id=here.endpoint.pk)
        WriteIntent.objects.filter(pk=intent.pk).update(lease_until=timezone.now())
    assert fresh(intent).state == "dead"
    assert len(attempts(intent)) == 8
    assert len(events(here, "write_dead")) == 1


def test_the_sweep_finds_what_lost_its_job_and_what_missed_its_endpoint(here, receiver, sender):
    intent = sender.plan(here)
    Job.objects.all().delete()
    WriteIntent.objects.filter(pk=intent.pk).update(next_at=timezone.now() - timedelta(minutes=5))
    missed = sender.plan(here, key="missed")
    Job.objects.all().delete()
    WriteIntent.objects.filter(pk=missed.pk).update(state="blocked", connection=None)
    assert tasks.sweep(here.tenant, None) == {"freed": 1, "rung": 1}
    sender.run_jobs(here)
    assert [fresh(each).state for each in (intent, missed)] == ["done", "done"]


def test_one_transaction_rings_once_for_many_writes(here, sender):
    Job.objects.all().delete()
    for number in range(5):
        sender.plan(here, key=str(number))
    assert Job.objects.filter(kind="integrations.dispatch").count() == 1


def test_each_write_costs_the_same_however_many_wait(here, receiver, sender, query_count):
    def cost(count):
        for number in range(count):
            sender.plan(here, key=f"{count}-{number}", line=f"ACC-{number}")
        return query_count(lambda: send(here))

    one, two, four = cost(1), cost(2), cost(4)
    assert four - two == 2 * (two - one)
