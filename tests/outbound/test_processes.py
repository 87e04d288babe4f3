"""Real worker processes, real commits: killed while sending, and two at once. The receiver's ledger decides."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from integrations.models import WriteAttempt, WriteIntent
from jobs.models import Job
from tenants.scoping import tenant_transaction
from tests.outbound.receiver import Answer
from tests.worlds import make_world

pytestmark = pytest.mark.processes
ROOT = Path(__file__).resolve().parents[2]
RUN = "import django; django.setup(); from jobs import runner; import sys; runner.run(int(sys.argv[1]))"


@pytest.fixture
def world(committed_db, django_db_blocker):
    """A world whose rows are committed, in a database of this test's own."""
    from django.db import transaction

    with django_db_blocker.unblock():
        with transaction.atomic():
            world = make_world("acme")
        world.database = committed_db
        yield world


@pytest.fixture
def worker(world):
    """Starts a process that runs one job as the worker role; whatever is left is killed in the end."""
    running = []

    def start(job_id):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "HOLDFAST_DB_ROLE": "worker",
            "HOLDFAST_DB_NAME": world.database,
            "HOLDFAST_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        running.append(subprocess.Popen([sys.executable, "-c", RUN, str(job_id)], env=environment, cwd=ROOT))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def job_for(world, connection_id):
    with tenant_transaction(world.tenant.pk):
        return (
            Job.objects.filter(
                kind="integrations.dispatch", state="queued", args__connection_id=connection_id
            )
            .latest("pk")
            .pk
        )


def intents(world):
    with tenant_transaction(world.tenant.pk):
        return list(WriteIntent.objects.order_by("pk"))


def test_a_worker_killed_after_sending_leaves_one_effect(world, worker, receiver, sender):
    receiver.answers(Answer(fault="hang"))
    with tenant_transaction(world.tenant.pk):
        endpoint = sender.endpoint(world, receiver)
        intent = sender.plan(world)
    killed = worker(job_for(world, endpoint.pk))
    receiver.wait_for(1, seconds=30)
    # the lease was committed before the call: another connection sees it while the call is under way
    assert [each.state for each in intents(world)] == ["leased"]
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)
    with tenant_transaction(world.tenant.pk):
        WriteIntent.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        second = Job.objects.create(
            tenant=world.tenant, kind="integrations.dispatch", args={"connection_id": endpoint.pk}
        )
    assert worker(second.pk).wait(30) == 0
    after = intents(world)[0]
    told = f"killed pid {killed.pid}, ledger {receiver.effects}"
    assert after.state == "done", told
    assert [call.id for call in receiver.calls] == [intent.idempotency_key] * 2, told
    assert receiver.effects == [intent.idempotency_key], told
    with tenant_transaction(world.tenant.pk):
        assert list(WriteAttempt.objects.order_by("attempt").values_list("outcome", flat=True)) == [
            "lease_lost",
            "done",
        ]


def planned(world, sender, number):
    """A write of a line of its own, which nothing but the dispatchers' lock could hold up."""
    return sender.plan(world, key=str(number), line=f"ACC-{number}").idempotency_key


def test_two_dispatchers_at_once_send_each_write_once_and_lose_none(world, worker, receiver, sender):
    receiver.answers(Answer(fault="wait"))
    with tenant_transaction(world.tenant.pk):
        endpoint = sender.endpoint(world, receiver)
        keys = [planned(world, sender, number) for number in range(5)]
    first = worker(job_for(world, endpoint.pk))
    receiver.wait_for(1, seconds=30)
    # planned and rung while the first dispatcher is in its call
    with tenant_transaction(world.tenant.pk):
        keys += [planned(world, sender, number) for number in range(5, 8)]
    second = worker(job_for(world, endpoint.pk))
    assert second.wait(30) == 0, "the second waited for the first, or failed"
    assert len(receiver.calls) == 1, "the second sent although the first holds the endpoint"
    receiver.released.set()
    assert first.wait(30) == 0
    assert [call.id for call in receiver.calls] == keys
    assert {each.state for each in intents(world)} == {"done"}


def in_a_thread(world, work):
    """Run `work` in the tenant's transaction on a connection of its own: the thread, and where its result lands."""
    from django.db import connection

    found = []

    def body():
        try:
            with tenant_transaction(world.tenant.pk):
                found.append(work())
        except Exception as error:  # the test looks at it
            found.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread, found


def wait_until_blocked(world, pid):
    """Until another session waits for a lock that ours holds; the database says so, no clock."""
    from django.db import connection

    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))"
    for _ in range(2000):
        with connection.cursor() as cursor:
            cursor.execute(waiting, [pid])
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.005)
    raise AssertionError("nobody waits for us")


def our_pid():
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("key", ["another", "same"])
def test_two_plans_of_one_line_at_once_wait_for_each_other(world, receiver, sender, key):
    with tenant_transaction(world.tenant.pk):
        sender.endpoint(world, receiver)
    with tenant_transaction(world.tenant.pk):
        first = sender.plan(world, key="same")
        thread, found = in_a_thread(world, lambda: sender.plan(world, key=key))
        wait_until_blocked(world, our_pid())
    thread.join(10)
    assert isinstance(found[0], WriteIntent), found
    if key == "same":
        assert found[0].pk == first.pk
        assert len(intents(world)) == 1
    else:
        assert [each.seq for each in intents(world)] == [1, 2]


def test_without_the_lock_two_plans_would_take_the_same_place(world, receiver, sender, monkeypatch):
    from django.db import IntegrityError

    from integrations.services import outbound

    monkeypatch.setattr(outbound, "_lock_line", lambda tenant, ordering_key: None)
    with tenant_transaction(world.tenant.pk):
        sender.endpoint(world, receiver)
    with tenant_transaction(world.tenant.pk):
        sender.plan(world, key="one")
        thread, found = in_a_thread(world, lambda: sender.plan(world, key="two"))
        wait_until_blocked(world, our_pid())
    thread.join(10)
    assert isinstance(found[0], IntegrityError), "the race is gone: is the lock still needed?"
    assert "intent_seq_once" in str(found[0])
