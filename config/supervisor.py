"""Keeps a handful of processes running, and takes every one of them down with it.

Each child leads a process group of its own. Stopping means SIGTERM to the leader, which knows how to end its
workers in good order, and SIGKILL to the whole group when it takes too long (PLATFORM 5.3). A leader that
dies takes its group along before it is replaced, so no orphan goes on working beside the new one.
One thread only: children are tied to the thread that started them, and forking beside threads is not safe.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config.process_guard import Guard, die_with_parent, kill_group

STOP_SECONDS = 40.0  # of the 45 that a deployment waits; the rest is the database's
TICK_SECONDS = 0.1
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
FAST_SECONDS, FAST_FAILURES, FAST_WINDOW = 10.0, 5, 30.0
PROVEN_SECONDS = 30.0
CANARY_EVERY, CANARY_LIMIT = 15.0, 180.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Child:
    """One process to keep running. `canary`: restarted when the canary falls silent."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)  # on top of ours
    cwd: Path | None = None
    canary: bool = False
    memory: int = 0  # bytes that each of its processes may take at most; 0: as much as there is


@dataclass(frozen=True)
class Chore:
    """Something to do every so many seconds between looks at the children; True means done for good."""

    name: str
    every: float
    run: Callable[[], bool]


class KeepsFailing(Exception):
    """A child cannot be started; the message says which and what to do."""


class _StopRequested(Exception):
    """Raised by the signal handler, to leave a chore that may wait for long."""


def _to_stderr(message: str) -> None:
    print(f"holdfast: {message}", file=sys.stderr, flush=True)


class Process:
    """A child and its present incarnation."""

    def __init__(self, child: Child, guard: Guard) -> None:
        self.child = child
        self._guard = guard
        self._popen: subprocess.Popen[bytes] | None = None
        self.started_at = self.restart_at = 0.0
        self.kill_at: float | None = None  # set while it is being stopped
        self.failures: deque[float] = deque(maxlen=FAST_FAILURES)
        self.proven = False  # ran well once: whatever kills it later is not a wrong installation

    @property
    def running(self) -> bool:
        return self._popen is not None

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    def start(self) -> None:
        """Start it in a group of its own, with what it prints on our standard error."""
        try:
            self._popen = subprocess.Popen(
                self.child.argv,
                env={**os.environ, **self.child.env},
                cwd=self.child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                start_new_session=True,
                preexec_fn=die_with_parent(memory=self.child.memory),
            )
        except OSError as error:
            raise KeepsFailing(f"{self.child.name} cannot be started: {error}") from error
        self._guard.add(self._popen.pid)
        self.started_at, self.kill_at = time.monotonic(), None

    def ask_to_stop(self, *, seconds: float) -> None:
        """SIGTERM to the leader; `kill_if_late` follows up."""
        if self._popen is not None and self.kill_at is None:
            self.kill_at = time.monotonic() + seconds
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._popen.pid, signal.SIGTERM)

    def kill_if_late(self, now: float) -> None:
        if self._popen is not None and self.kill_at is not None and now >= self.kill_at:
            kill_group(self._popen.pid)

    def bury_if_dead(self) -> int | None:
        """Exit code of a leader that has ended; the rest of its group goes with it. None while it runs."""
        if self._popen is None:
            return None
        if os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        kill_group(self._popen.pid)  # before reaping: until then the id cannot be anybody else's
        code = self._popen.wait()
        self._guard.forget(self._popen.pid)
        self._popen = None
        return code

    def note_failure(self, now: float) -> float:
        """Remember an unasked-for end and return the seconds to wait; raises when it is hopeless."""
        life = now - self.started_at
        self.proven = self.proven or life >= PROVEN_SECONDS
        if life >= FAST_SECONDS:
            self.failures.clear()
        self.failures.append(now)
        if not self.proven and len(self.failures) == FAST_FAILURES and now - self.failures[0] <= FAST_WINDOW:
            raise KeepsFailing(
                f"{self.child.name} ended {FAST_FAILURES} times right after its start. "
                f"Its own message is above. To see it alone, run: {' '.join(self.child.argv)}"
            )
        delay: float = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (len(self.failures) - 1))
        self.restart_at = now + delay
        return delay


class Supervisor:
    """Runs the children until a signal comes. `prepare` runs first and may wait; a signal ends that too."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        prepare: Callable[[], None] | None = None,
        chores: Sequence[Chore] = (),
        canary_age: Callable[[], float | None] | None = None,
        say: Say = _to_stderr,
        stop_seconds: float = STOP_SECONDS,
        canary_limit: float = CANARY_LIMIT,
    ) -> None:
        self._children = children
        self._prepare = prepare
        self._chores = dict.fromkeys(chores, 0.0)
        self._canary_age = canary_age
        self._canary_due = self._canary_patience = 0.0
        self._say = say
        self._stop_seconds = stop_seconds
        self._canary_limit = canary_limit
        self._silences = 0  # restarts in a row that brought no heartbeat
        self._canary_every = min(CANARY_EVERY, canary_limit / 4)
        self._signals = 0
        self._may_interrupt = False
        self._processes: list[Process] = []

    def run(self) -> int:
        """0 after a clean stop, 1 when a child cannot be kept running."""
        with self._handlers():
            guard = Guard()
            try:
                with contextlib.suppress(_StopRequested):
                    self._serve(guard)
                return 0
            except KeepsFailing as error:
                self._say(str(error))
                return 1
            finally:
                self._stop_all()
                guard.close()

    def _serve(self, guard: Guard) -> None:
        if self._prepare is not None:
            with self._interruptible():
                self._prepare()
        self._processes = [Process(child, guard) for child in self._children]
        self._canary_due = self._canary_patience = time.monotonic() + self._canary_every
        while not self._signals:
            now = time.monotonic()
            for process in self._processes:
                self._look_after(process, now)
            self._do_chores(now)
            self._listen_to_canary(now)
            guard.keep_alive()
            _reap_strangers({process.pid for process in self._processes} | {guard.pid})
            time.sleep(TICK_SECONDS)

    def _look_after(self, process: Process, now: float) -> None:
        asked = process.kill_at is not None
        code = process.bury_if_dead()
        if code is not None and not asked:
            delay = process.note_failure(now)
            self._say(f"{process.child.name} ended with {_in_words(code)}; starting it again in {delay:g} s")
        elif process.running:
            process.kill_if_late(now)
        elif now >= process.restart_at:
            process.start()

    def _do_chores(self, now: float) -> None:
        for chore, due in list(self._chores.items()):
            if now < due:
                continue
            self._chores[chore] = now + chore.every
            try:
                with self._interruptible():
                    done = chore.run()
            except _StopRequested:
                raise
            except Exception as error:  # a chore must never take the pages down
                self._say(f"{chore.name}: {error}")
                continue
            if done:
                del self._chores[chore]

    def _listen_to_canary(self, now: float) -> None:
        """A stuck worker is silent and looks alive; only its missing heartbeat shows it."""
        if self._canary_age is None or now < self._canary_due:
            return
        self._canary_due = now + self._canary_every
        try:
            with self._interruptible():
                age = self._canary_age()
        except _StopRequested:
            raise
        except Exception as error:  # the database being away is no sign of a stuck worker
            self._say(f"canary: {error}")
            return
        if age is not None and age <= self._canary_limit:
            self._silences = 0
        if age is None or age <= self._canary_limit or now < self._canary_patience:
            return
        # the new ones need time for their first heartbeat; on a slow machine more than the last ones were given
        self._canary_patience = now + self._canary_limit * 2 ** min(self._silences, 4)
        self._silences += 1
        self._say(f"no heartbeat of the workers for {age:.0f} s; restarting them")
        for process in self._processes:
            if process.child.canary:
                process.ask_to_stop(seconds=self._stop_seconds)

    def _stop_all(self) -> None:
        """All at once and in order: each has the whole time, and pages go before workers. Again: at once."""
        seen = self._signals
        for process in self._processes:
            process.ask_to_stop(seconds=self._stop_seconds)
        deadline = time.monotonic() + self._stop_seconds
        while any(process.running for process in self._processes):
            now = time.monotonic()
            for process in self._processes:
                if process.bury_if_dead() is None and (now >= deadline or self._signals > max(seen, 1)):
                    process.kill_at = now
                    process.kill_if_late(now)
            time.sleep(TICK_SECONDS)

    @contextlib.contextmanager
    def _handlers(self) -> Iterator[None]:
        wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._may_interrupt:
            self._may_interrupt = False
            raise _StopRequested

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Inside, a signal ends the wait; outside it is noticed at the next look."""
        self._may_interrupt = True
        try:
            if self._signals:  # it came just before
                raise _StopRequested
            yield
        finally:
            self._may_interrupt = False


def _in_words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _reap_strangers(ours: set[int | None]) -> None:
    """As process 1 of a container, bury orphans too: a dead PostgreSQL would stay a zombie for ever."""
    if os.getpid() != 1:
        return
    while (
        found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    ) and found.si_pid not in ours:
        os.waitpid(found.si_pid, 0)
