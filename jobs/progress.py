"""How far a job is, written where a page can see it while the work is still open (ADR 0004)."""

import time
from typing import Any

from django.db import connection, transaction

from jobs.exceptions import Cancelled
from jobs.models import Job
from tenants.scoping import tenant_context

WRITE_EVERY = 0.5  # seconds: a handler may report each row without paying for each
_TABLE = Job._meta.db_table
_SAVE = f"""
UPDATE {_TABLE} SET done = %s, total = coalesce(%s, total), message = coalesce(nullif(%s, ''), message),
    heartbeat_at = clock_timestamp()
WHERE tenant_id = %s AND id = %s AND state = 'running' AND attempts = %s
RETURNING cancel_requested_at IS NOT NULL
"""  # noqa: S608  the table's own name
_BEAT = "UPDATE jobs_workerheartbeat SET beat_at = clock_timestamp() WHERE name = 'workers'"


class Progress:
    """What a handler gets: `progress(done, total, message)`.

    It writes on a connection of its own, so that a transactional handler's progress is seen before its work commits,
    and raises Cancelled when a person stopped the job. Inside an outer transaction (a test) it writes there.
    """

    def __init__(self, job: Job) -> None:
        self.job_id: int = job.pk
        self._job = job
        self._own: Any = None if connection.in_atomic_block else connection.copy()
        self._last: tuple[float, str] = (0.0, "")

    def __call__(self, done: int, total: int | None = None, message: str = "") -> None:
        now = time.monotonic()
        before, said = self._last
        if now - before < WRITE_EVERY and message in ("", said) and done != total:
            return
        self._last = (now, message or said)
        values = [done, total, message[:300], self._job.tenant_id, self._job.pk, self._job.attempts]
        row = self._write(values)
        if row is None or row[0]:
            raise Cancelled(f"job {self._job.pk} was stopped")

    def close(self) -> None:
        if self._own is not None:
            self._own.close()

    def _write(self, values: list[Any]) -> Any:
        if self._own is None:
            with transaction.atomic(), tenant_context(self._job.tenant_id), connection.cursor() as cursor:
                cursor.execute(_SAVE, values)
                return cursor.fetchone()
        self._own.set_autocommit(False)
        with self._own.cursor() as cursor:
            cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(self._job.tenant_id)])
            cursor.execute(_SAVE, values)
            row = cursor.fetchone()
            cursor.execute(_BEAT)
        self._own.commit()
        return row
