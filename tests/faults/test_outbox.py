"""Faults 31 and 34: receivers that misbehave, and a worker killed between its call and its commit.

The receiver's own ledger decides. What each status means, one by one and without waiting, is in tests/outbound.
"""

import json
import threading
from collections import Counter, deque

import pytest

from tests.faults.house import children_of
from tests.outbound.conftest import Sender
from tests.outbound.receiver import Answer, Receiver

LOOPBACK = {"HOLDFAST_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8"}


class Script(Receiver):
    """Answers by line: what happens to one does not depend on when the others arrive."""

    def __init__(self):
        super().__init__()
        self.lines = {}
        self.one_by_one = threading.Lock()

    def take(self, call):
        with self.one_by_one:
            waiting = self.lines.get(line_of(call), deque())
            self.script = [waiting.popleft()] if waiting else []
            return super().take(call)

    def ids(self, line):
        return [call.id for call in self.calls if line_of(call) == line]


def line_of(call):
    return json.loads(call.body)["data"]["target"]["external_id"]


@pytest.fixture
def receiver():
    with Script() as running:
        yield running


@pytest.fixture
def sender(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    return Sender()


def state(house, intent):
    return house.one("SELECT state FROM integrations_writeintent WHERE id = %s", intent.pk)


def outcomes(house, intent):
    query = "SELECT outcome FROM integrations_writeattempt WHERE intent_id = %s ORDER BY attempt"
    return [outcome for (outcome,) in house.sql(query, intent.pk)]


FAULTS = {
    "hang": [Answer(fault="hang")],
    "500": [Answer(status=500), Answer(status=503)],
    "301": [Answer(status=301, headers={"Location": "http://127.0.0.1:1/elsewhere"})],
    "429": [Answer(status=429, headers={"Retry-After": "3"})],
    "reset": [Answer(fault="drop")],
    "refuse": [Answer(fault="refuse")],
    "cut": [Answer(fault="cut")],
}


def test_fault_31_each_line_gets_through_once_in_order_whatever_its_receiver_does(house, receiver, sender):
    receiver.lines = {line: deque(answers) for line, answers in FAULTS.items()}
    world = house.world()
    plans = {}
    for line in FAULTS:
        with house.here(world):  # an endpoint each: one that hangs or rests holds up nobody else
            endpoint = sender.endpoint(world, receiver, name=f"Receiver {line}")
            plans[line] = [
                sender.plan(world, key=f"{line}-{turn}", line=line, endpoint=endpoint) for turn in (1, 2)
            ]
    house.worker(**LOOPBACK)
    house.sweeper(**LOOPBACK)
    arrive = ["hang", "500", "429", "reset", "refuse", "cut"]
    for line in arrive:
        for intent in plans[line]:
            house.wait_until(
                lambda one=intent: state(house, one) == "done", f"{line} to be done", seconds=120
            )
        check_line(house, receiver, line, plans[line])
    check_redirected(house, receiver, *plans["301"])


def check_line(house, receiver, line, plans):
    """As often as scripted, the first before the second, each taken once by a receiver that knows its id."""
    first, second = (intent.idempotency_key for intent in plans)
    told = f"{line}: {receiver.ids(line)}\n{house.report()}"
    failures = 0 if line == "cut" else len(FAULTS[line])  # a 200 is a 200, however its body ends
    assert receiver.ids(line) == [first] * (failures + 1) + [second], told
    assert [each for each in receiver.effects if each in (first, second)] == [first, second], told
    unknown = line in ("hang", "reset")
    known = outcomes(house, plans[0])
    assert len(known) == failures + 1, told
    assert (known[0] == "unknown") == unknown or line == "refuse", f"{known}\n{told}"
    assert (known[-1], outcomes(house, plans[1])) == ("done", ["done"]), told


def check_redirected(house, receiver, first, second):
    """A redirect is not followed and waits for a person, and its line waits behind it."""
    house.wait_until(lambda: state(house, first) == "blocked", "the redirected one to be blocked")
    assert receiver.ids("301") == [first.idempotency_key], receiver.ids("301")
    assert state(house, second) in ("ready", "retry_wait")


def test_fault_31_an_endpoint_that_is_gone_is_disabled_and_its_writes_wait_for_another(
    house, receiver, sender
):
    receiver.lines = {"410": deque([Answer(status=410)])}
    world = house.world()
    with house.here(world):
        sender.endpoint(world, receiver, name="Gone")
        first, second = (sender.plan(world, key=f"410-{turn}", line="410") for turn in (1, 2))
    house.worker(**LOOPBACK)
    house.sweeper(**LOOPBACK)
    for each in (first, second):
        house.wait_until(lambda one=each: state(house, one) == "blocked", "both to be blocked")
    assert house.sql("SELECT name, state FROM integrations_connection") == [("Gone", "disabled")]
    assert receiver.ids("410") == [first.idempotency_key], house.report()
    with house.here(world):
        sender.endpoint(world, receiver, name="Another")
    for each in (first, second):
        house.wait_until(lambda one=each: state(house, one) == "done", "both to be done by the other one")
    assert receiver.ids("410") == [first.idempotency_key, first.idempotency_key, second.idempotency_key]


@pytest.mark.parametrize("who", ["the process", "the whole group"])
def test_fault_34_killed_between_the_call_and_its_commit_it_is_called_again_with_the_same_id(
    house, receiver, sender, who
):
    receiver.lines = {"crash": deque([Answer(fault="wait")])}
    world = house.world()
    with house.here(world):
        sender.endpoint(world, receiver)
        intent, following = (sender.plan(world, key=f"crash-{turn}", line="crash") for turn in (1, 2))
    worker = house.worker(HOLDFAST_WORKERS=1, **LOOPBACK)
    house.sweeper(**LOOPBACK)
    receiver.wait_for(1, seconds=90)  # taken over there, and nobody here has been told
    assert state(house, intent) == "leased"
    if who == "the process":
        pid = sender_of(house, receiver.port, worker)
        house.kill(pid)
        house.wait_dead(pid)
    else:
        house.killed.append((worker.pid, "SIGKILL", "the group"))
        worker.kill_group()
    receiver.released.set()
    assert state(house, intent) == "leased", "nothing was written after the kill"
    # 90 s pass: the lease is longer than any call, so nobody sends it while the first could still be at it
    house.sql("UPDATE integrations_writeintent SET lease_until = now() WHERE id = %s", intent.pk)
    if who != "the process":
        house.worker(**LOOPBACK)
    for each in (intent, following):
        house.wait_until(lambda one=each: state(house, one) == "done", "both to be done")
    told = f"{receiver.ids('crash')}\n{house.report()}"
    assert Counter(receiver.ids("crash")) == {intent.idempotency_key: 2, following.idempotency_key: 1}, told
    assert receiver.effects == [intent.idempotency_key, following.idempotency_key], told
    assert outcomes(house, intent) == ["lease_lost", "done"], told
    done = "SELECT count(*) FROM audit_event WHERE verb = 'integrations.write_done'"
    assert house.one(done) == 2, told


def sender_of(house, port, worker):
    """The process of the worker's group that holds a connection to the receiver."""
    inodes = set()
    with open("/proc/net/tcp") as table:
        for line in list(table)[1:]:
            columns = line.split()
            if int(columns[2].rpartition(":")[2], 16) == port:
                inodes.add(columns[9])
    for pid in family(worker.pid):
        if inodes & sockets_of(pid):
            return pid
    raise AssertionError(f"no process of {family(worker.pid)} talks to {port}\n{house.report()}")


def family(pid):
    return [pid, *[each for child in children_of(pid) for each in family(child)]]


def sockets_of(pid):
    import os

    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found
