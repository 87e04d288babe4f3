"""Fresh planner statistics after a bulk write, so that the first page after an import is not the slowest one."""

from django.db import connection, transaction


def refresh(*tables: str) -> None:
    """Analyze those of these tables (or of their partitions) that have changed by a tenth, instead of when autovacuum
    comes by. It samples, yet a large partitioned one takes longer than a page may: so this has a time limit of its own.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # our own counts of changed rows, which this session may not have told the others yet
        cursor.execute("SELECT pg_stat_force_next_flush()")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '120s'")
        cursor.execute("SELECT refresh_statistics(%s)", [list(tables)])
