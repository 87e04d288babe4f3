"""Jobs a second through our job rows, against django-q2 alone in the same cluster."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from scripts.bench.installation import MANAGE, ROOT, Installation, environment
from scripts.bench.table import Line


def measure(made: Installation, *, jobs: int) -> Iterator[Line]:
    made.manage("create_tenant", "--organization", "Jobs", "--slug", "jobs")
    made.manage("bench_jobs", "--bare", str(jobs))
    bare = _drain(made, "SELECT count(*) FROM django_q_ormq")
    made.manage("bench_jobs", "--ours", str(jobs))
    ours = _drain(made, "SELECT count(*) FROM jobs_job WHERE kind = 'bench.nothing' AND state <> 'done'")
    yield Line(
        f"{jobs:,} jobs that do nothing, 2 workers: lease, counted attempt, state",
        f"{ours:.1f} s, {jobs / ours:.0f} a second",
        "the same number of django-q2 tasks alone",
        f"{bare:.1f} s, {jobs / bare:.0f} a second",
        f"{ours / bare:.2f} x",
        "none set",
    )


def _drain(made: Installation, left: str) -> float:
    """Seconds from the first finished task until nothing is left: the start of the processes is not counted."""
    with open("/dev/null", "wb") as nowhere:
        process = subprocess.Popen(
            [*MANAGE, "qcluster"],
            cwd=ROOT,
            env=environment(),
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
        )
    try:
        with made.superuser() as connection:
            question: str = left
            whole = _count(connection, question)
            deadline = time.monotonic() + 600
            while _count(connection, question) == whole:
                _check(deadline)
            started = time.perf_counter()
            while _count(connection, question):
                _check(deadline)
            return time.perf_counter() - started
    finally:
        process.terminate()  # the leader alone: it ends its workers in order
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=45)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _count(connection: object, question: str) -> int:
    return int(connection.execute(question).fetchone()[0])  # type: ignore[attr-defined]


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        sys.exit("bench: the workers did not finish in ten minutes")
    time.sleep(0.02)
