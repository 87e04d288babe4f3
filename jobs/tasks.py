"""What django-q2 calls. It only wakes us up: the job's row says what to do, and for whom."""

from jobs import heartbeat, runner


def run_job(job_id: int) -> None:
    """Run one job, and return normally whatever happens, so that the doorbell is taken off the queue."""
    heartbeat.beat_now_and_then()
    runner.run(job_id)


def canary() -> None:
    """Proof that a worker takes tasks; the supervisor restarts the group when it falls silent."""
    heartbeat.beat()
