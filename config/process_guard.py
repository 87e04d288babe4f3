"""Makes sure that no process outlives its supervisor, even one that was killed with -9.

Two belts. The kernel sends each direct child SIGTERM when its parent dies (Linux). And a small forked guard
reads the ids of the live process groups from a pipe: end of file means that the supervisor is gone, however
it went, and the guard kills what is left of every group after a moment of grace.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Callable

GRACE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


def kill_group(group: int, sig: signal.Signals = signal.SIGKILL) -> None:
    """Signal every process of the group; harmless when none is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, sig)


def die_with_parent(*, memory: int = 0) -> Callable[[], None]:
    """What a child runs between fork and exec, to get SIGTERM when the supervisor dies, and no more than its memory."""
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before the fork

    def arrange() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if libc is not None and memory:  # elsewhere the kernel does not count what is mapped
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return arrange


class Guard:
    """The forked guard, seen from the supervisor."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._fork()

    def add(self, group: int) -> None:
        """From now on `group` must not outlive us."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """`group` is dead and its id may come to belong to somebody else."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def keep_alive(self) -> None:
        """Replace a guard that was killed."""
        if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
            os.close(self._pipe)
            self._fork()

    def close(self) -> None:
        """Let the guard go; it finds nothing to do when every group was forgotten."""
        os.close(self._pipe)
        os.waitpid(self.pid, 0)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(
            BrokenPipeError
        ):  # killed just now: keep_alive tells the next one everything
            os.write(self._pipe, line.encode())

    def _fork(self) -> None:
        reader, self._pipe = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._pipe)
                _watch(reader, set(self._groups))
            finally:
                os._exit(0)
        os.close(reader)


def _watch(reader: int, groups: set[int]) -> None:
    """The guard's whole life: collect group ids until the pipe ends, then clear up.

    Those of before are in its memory from the start: told through the pipe, they would be lost with a supervisor that
    dies in that moment.
    """
    os.setsid()  # a signal for the supervisor's terminal or group is not for us
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    with os.fdopen(reader) as lines:
        for line in lines:
            (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    if sys.platform != "linux":  # there the kernel has sent it already
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.kill(group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(map(_lives, groups)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in groups:
        kill_group(group)


def _lives(group: int) -> bool:
    """Whether its leader or any other member is left. A zombie counts, which costs the grace at most."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
