"""How long the workers have been silent. Loads no model: the supervisor asks it, and loads no app."""

from django.db import Error, connection


def canary_age() -> float | None:
    """Seconds since a worker last answered its canary, by the database's clock; None if none ever did.

    Through the driver's own cursor: Django's warns of every question in a process whose apps are not loaded.
    """
    try:
        connection.ensure_connection()
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM clock_timestamp() - max(beat_at))::float8 FROM jobs_workerheartbeat"
            )
            row = cursor.fetchone()
    except Error:
        if not connection.in_atomic_block:
            connection.close()  # the next question gets a fresh connection
        raise
    return None if row is None or row[0] is None else max(0.0, float(row[0]))
