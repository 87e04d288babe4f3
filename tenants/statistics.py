"""Fresh planner statistics after a bulk write, so that the first page after an import is not the slowest one."""

from django.db import connection


def refresh(*tables: str) -> None:
    """Analyze these tables now, instead of when autovacuum comes by. Cheap: it samples."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT refresh_statistics(%s)", [list(tables)])
