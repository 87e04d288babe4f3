"""Next months' tables, made ahead: without its month's table an event could not be written at all."""

from django.db import connection

MONTHS_AHEAD = 6


def ensure_ahead() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ensure_partition('audit_event', (date_trunc('month', now()) + make_interval(months => n))::date) "
            "FROM generate_series(0, %s) AS n",
            [MONTHS_AHEAD],
        )


def ensure_after_migrate(**_: object) -> None:
    """An installation that slept for longer than that makes up for it when it is migrated at its next start."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('audit_event') IS NOT NULL")
        row = cursor.fetchone()
    if row and row[0]:
        ensure_ahead()
