"""The supervisor with small real children, real signals, and a look at what is left of them."""

import os
import signal
import sys
import time
from contextlib import suppress

import pytest

from .conftest import python

pytestmark = pytest.mark.processes

# A leader that starts one worker in its group, and writes both ids, so that nothing can hide.
LEADER = """
import os, signal, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
def stop(*_):
    worker.terminate(); worker.wait()
    with open(sys.argv[1], "a") as ledger: print("stopped", sys.argv[2], file=ledger)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
with open(sys.argv[1], "a") as ledger: print("started", sys.argv[2], os.getpid(), worker.pid, file=ledger)
while True: time.sleep(1)
"""
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "a") as ledger: print("started", sys.argv[2], os.getpid(), os.fork() or "", file=ledger)
time.sleep(300)
"""
RUN = """
import os, sys
from config import process_guard, supervisor
from config.supervisor import Child, Chore, Supervisor
ledger = sys.argv[1]
def child(name, code, **options):
    return Child(name, [sys.executable, "-c", code, ledger, name], **options)
"""


class Supervised:
    """A supervisor running in a process of its own, and the ledger of its children."""

    def __init__(self, ledger, code):
        self.ledger = ledger
        with open(ledger.with_suffix(".err"), "w") as said:
            self.process = python(RUN + code, ledger, stderr=said)

    def lines(self, word):
        text = self.ledger.read_text() if self.ledger.exists() else ""
        return [line.split()[1:] for line in text.splitlines() if line.startswith(word)]

    def wait_for(self, count, word="started", seconds=15):
        """The first `count` ledger lines of that kind, once they are there."""
        deadline = time.monotonic() + seconds
        while len(self.lines(word)) < count:
            assert time.monotonic() < deadline, f"{self.lines('')}, {self.said()}"
            assert self.process.poll() is None or word != "started", self.said()
            time.sleep(0.05)
        return self.lines(word)[:count]

    def said(self):
        return self.ledger.with_suffix(".err").read_text()

    def pids(self):
        return [int(pid) for line in self.lines("started") for pid in line[1:]]


def lives(pid):
    """Zombies are dead; nobody may have reaped an orphan yet."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def assert_all_dead(pids, seconds):
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if lives(pid)]:
        assert time.monotonic() < deadline, f"still alive: {alive} of {pids}"
        time.sleep(0.05)


@pytest.fixture
def supervise(tmp_path):
    running = []

    def start(code):
        running.append(Supervised(tmp_path / f"ledger{len(running)}", code))
        return running[-1]

    yield start
    for supervised in running:
        supervised.process.kill()
        supervised.process.wait()
        supervised.process.stdout.close()
        for pid in supervised.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


TWO = f"""
sys.exit(Supervisor([child("web", {LEADER!r}), child("worker", {LEADER!r})]).run())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_in_order_and_exits_0(supervise, number):
    supervised = supervise(TWO)
    supervised.wait_for(2)
    supervised.process.send_signal(number)
    assert supervised.process.wait(timeout=10) == 0, supervised.said()
    assert sorted(supervised.lines("stopped")) == [["web"], ["worker"]]
    assert_all_dead(supervised.pids(), 0.5)


def test_a_leader_that_dies_is_replaced_and_its_group_goes_with_it(supervise):
    supervised = supervise(TWO)
    first = {name: (int(leader), int(worker)) for name, leader, worker in supervised.wait_for(2)}
    os.kill(first["worker"][0], signal.SIGKILL)
    name, leader, worker = supervised.wait_for(3)[2]
    assert name == "worker"
    assert not lives(first["worker"][1]), "an orphan goes on beside the new one"
    assert all(map(lives, [*first["web"], int(leader), int(worker)]))
    assert "worker ended with signal SIGKILL; starting it again" in supervised.said()


def test_a_child_that_ignores_sigterm_is_killed_with_its_group(supervise):
    supervised = supervise(f"sys.exit(Supervisor([child('web', {STUBBORN!r})], stop_seconds=1.0).run())")
    supervised.wait_for(2)  # itself and its fork
    began = time.monotonic()
    supervised.process.terminate()
    assert supervised.process.wait(timeout=10) == 0
    assert 0.9 < time.monotonic() - began < 4
    assert_all_dead(supervised.pids(), 0.5)


def test_a_second_signal_does_not_wait(supervise):
    supervised = supervise(f"sys.exit(Supervisor([child('web', {STUBBORN!r})]).run())")
    supervised.wait_for(2)
    supervised.process.terminate()
    time.sleep(0.5)
    assert supervised.process.poll() is None
    supervised.process.terminate()
    assert supervised.process.wait(timeout=3) == 0
    assert_all_dead(supervised.pids(), 0.5)


def test_a_killed_supervisor_leaves_no_child_not_even_a_stubborn_one(supervise):
    supervised = supervise(
        "process_guard.GRACE_SECONDS = 1.0\n"
        f"Supervisor([child('web', {LEADER!r}), child('worker', {STUBBORN!r})]).run()"
    )
    supervised.wait_for(3)
    supervised.process.kill()
    assert_all_dead(supervised.pids(), 5)


def test_even_with_the_guard_killed_first_children_follow_their_supervisor(supervise):
    supervised = supervise(TWO)
    supervised.wait_for(2)
    with open(f"/proc/{supervised.process.pid}/task/{supervised.process.pid}/children") as listed:
        leaders = {int(line[1]) for line in supervised.lines("started")}
        (guard,) = {int(pid) for pid in listed.read().split()} - leaders
    supervised.process.send_signal(signal.SIGSTOP)  # or it would replace the guard
    os.kill(guard, signal.SIGKILL)
    supervised.process.kill()
    assert_all_dead(supervised.pids(), 5)


def test_a_killed_guard_is_replaced(supervise):
    supervised = supervise(
        f"process_guard.GRACE_SECONDS = 1.0\nSupervisor([child('web', {STUBBORN!r})]).run()"
    )
    supervised.wait_for(2)
    children = f"/proc/{supervised.process.pid}/task/{supervised.process.pid}/children"

    def guards():
        leaders = {int(line[1]) for line in supervised.lines("started")}
        with open(children) as listed:
            return {int(pid) for pid in listed.read().split()} - leaders

    (first,) = guards()
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while not (now := guards()) or first in now:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    supervised.process.kill()
    assert_all_dead(supervised.pids(), 30)


def test_a_child_that_cannot_start_ends_the_supervisor_with_the_reason(supervise):
    supervised = supervise(
        "supervisor.FIRST_DELAY = 0.05\n"
        f"sys.exit(Supervisor([child('web', {LEADER!r}), child('worker', 'raise SystemExit(3)')]).run())"
    )
    assert supervised.process.wait(timeout=20) == 1
    assert supervised.said().count("ended with exit code 3") == 4
    assert "worker ended 5 times right after its start" in supervised.said()
    assert_all_dead(supervised.pids(), 0.5)


def test_a_missing_program_is_named(supervise):
    supervised = supervise("sys.exit(Supervisor([Child('web', ['/no/such/program'])]).run())")
    assert supervised.process.wait(timeout=10) == 1
    assert "web cannot be started" in supervised.said()
    assert "Traceback" not in supervised.said()


def test_a_silent_canary_restarts_only_the_workers(supervise):
    supervised = supervise(
        "supervisor.CANARY_EVERY, ages = 0.3, iter([None, 10, 170, 181])\n"
        f"children = [child('web', {LEADER!r}), child('worker', {LEADER!r}, canary=True)]\n"
        "Supervisor(children, canary_age=lambda: next(ages, 999)).run()"
    )
    names = [line[0] for line in supervised.wait_for(3)]
    assert (sorted(names[:2]), names[2:]) == (["web", "worker"], ["worker"])
    time.sleep(1)  # still 999 s: the new one is given time for its first heartbeat
    assert len(supervised.lines("started")) == 3
    assert "no heartbeat of the workers for 181 s" in supervised.said()


def test_workers_that_stay_silent_are_given_more_time_after_each_restart(supervise):
    supervised = supervise(
        f"Supervisor([child('worker', {LEADER!r}, canary=True)], canary_age=lambda: 999, canary_limit=1.0).run()"
    )
    supervised.wait_for(3)
    second_restart = time.monotonic()
    supervised.wait_for(4, seconds=60)
    assert time.monotonic() - second_restart > 1.2, "1 s, then 2 s, then 4 s"


def test_a_canary_that_cannot_be_asked_restarts_nothing(supervise):
    supervised = supervise(
        "supervisor.CANARY_EVERY = 0.2\n"
        f"Supervisor([child('worker', {LEADER!r}, canary=True)], canary_age=lambda: 1 / 0).run()"
    )
    supervised.wait_for(1)
    time.sleep(1)
    assert len(supervised.lines("started")) == 1
    assert "canary: division by zero" in supervised.said()


def test_a_chore_runs_until_it_is_done_and_may_fail(supervise):
    supervised = supervise(
        "answers = iter([False, ZeroDivisionError('oh'), False, True])\n"
        "def run():\n"
        "    answer = next(answers)\n"
        "    print('asked', answer, file=open(ledger, 'a'))\n"
        "    if isinstance(answer, Exception): raise answer\n"
        "    return answer\n"
        "Supervisor([], chores=[Chore('ready', 0.1, run)]).run()"
    )
    supervised.wait_for(4, "asked")
    time.sleep(0.5)
    assert len(supervised.lines("asked")) == 4
    assert "ready: oh" in supervised.said()


@pytest.mark.parametrize("where", ["prepare=wait", "chores=[Chore('slow', 1, wait)]"])
def test_a_signal_ends_a_long_wait(supervise, where):
    supervised = supervise(
        "import time\n"
        "def wait(): print('waiting now', file=open(ledger, 'a')); time.sleep(300)\n"
        f"sys.exit(Supervisor([child('web', {LEADER!r})], {where}).run())"
    )
    supervised.wait_for(1, "waiting")
    supervised.process.terminate()
    assert supervised.process.wait(timeout=10) == 0, supervised.said()
    assert_all_dead(supervised.pids(), 0.5)


def test_children_print_to_standard_error(supervise):
    supervised = supervise(
        "Supervisor([child('web', \"print('hello', flush=True); import time; time.sleep(300)\")]).run()"
    )
    deadline = time.monotonic() + 10
    while "hello" not in supervised.said():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    supervised.process.terminate()
    assert supervised.process.communicate(timeout=10)[0] == ""


if sys.platform != "linux":
    pytestmark = [pytestmark, pytest.mark.skip(reason="reads /proc")]
