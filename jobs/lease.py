"""Who works on a job: a session-level advisory lock, which PostgreSQL frees when the process dies (ADR 0004).

The lock lives on the same connection as the work. If that connection is lost, so is the work that was not committed,
and nobody can go on believing that he holds the lease. It needs a direct connection, not a transaction pooler.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection

JOB_CLASS = 7310
SWEEPER_CLASS = 7311
_INT4 = 0x7FFFFFFF


@contextmanager
def lease(key: int, *, of_class: int = JOB_CLASS) -> Iterator[bool]:
    """Try once to hold the lock for the block; says whether it was obtained."""
    # two ids that are 2^31 apart share a lock: one waits for the other, nothing worse
    numbers = [of_class, key & _INT4]
    obtained = _ask("SELECT pg_try_advisory_lock(%s, %s)", numbers)
    try:
        yield obtained
    finally:
        if obtained:
            _release(numbers)


def _release(numbers: list[int]) -> None:
    try:
        _ask("SELECT pg_advisory_unlock(%s, %s)", numbers)
    except Error:
        # the session is gone or useless, and the lock goes with it
        if not connection.in_atomic_block:
            connection.close()


def _ask(statement: str, numbers: list[int]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, numbers)
        row = cursor.fetchone()
    return bool(row and row[0])
