"""A worker's process for tests: `python -m tests.jobs.process JOB_ID` runs one job, as the worker role, and ends.

Environment: HOLDFAST_DB_NAME (the test's own database), JOBS_TEST_FOLDER (where handlers leave their marks and look
for signals). The kind below is a patient one.
"""

import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ.get("JOBS_TEST_FOLDER", "/nonexistent"))
PATIENCE = 60.0


def wait_for(path: Path) -> None:
    """Until the file is there; a test that forgot us must not hang for ever."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > deadline:
            sys.exit(f"{path} never came")
        time.sleep(0.02)


def wait_for_mark(folder: Path, count: int) -> None:
    """Until so many handlers have said that they started."""
    deadline = time.monotonic() + PATIENCE
    while len(list(folder.glob("started-*"))) < count:
        assert time.monotonic() < deadline, f"no {count} handlers started"
        time.sleep(0.02)


def first_to_end(processes):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for each in processes:
            if each.poll() is not None:
                return each
        time.sleep(0.02)
    raise AssertionError("none of them ended")


def ledger(tenant, word):
    from audit import services
    from tenants.access import SYSTEM

    services.record(tenant, verb="tests.ran", by=SYSTEM, after={"word": word, "pid": os.getpid()})


def patient(tenant, progress):
    """Writes its line, says so, and holds its transaction open until `go` is there."""
    ledger(tenant, "patient")
    progress(1, 2, "half way")
    (FOLDER / f"started-{os.getpid()}").touch()
    wait_for(FOLDER / "go")


def register():
    from jobs import registry

    registry.register("tests.patient", patient, mode="transactional", label="A patient job")


def main():
    import django

    django.setup()
    register()
    from jobs import tasks

    for job_id in sys.argv[1:]:
        tasks.run_job(int(job_id))


if __name__ == "__main__":
    main()
