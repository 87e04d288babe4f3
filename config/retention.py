"""What is forgotten, and when: a partition or a block of rows at a time, by rules from the settings."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit import retiring
from jobs import registry
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

logger = logging.getLogger("holdfast.retention")

KIND = "config.forget_deliveries"
ROWS_A_STEP = 1000
AT_LEAST_DELIVERY_DAYS = 90


def register() -> None:
    registry.chore("config.drop_months", every=timedelta(hours=1), run=drop_old_months)
    registry.register(KIND, forget_deliveries, mode="stepwise", label="Forget old deliveries")
    registry.schedule(KIND, kind=KIND, at_hour=4, when=lambda tenant: bool(settings.KEEP_DELIVERY_DAYS))


def rules() -> dict[str, int]:
    """Months to keep by table. The database keeps a year whatever is set here."""
    return {
        "accounts_usage_day": settings.KEEP_USAGE_MONTHS,
        "accounts_usage_detail": settings.KEEP_USAGE_MONTHS,
        "scoring_health_snapshot": settings.KEEP_SNAPSHOT_MONTHS,
        "audit_event": settings.KEEP_AUDIT_MONTHS,
    }


def drop_old_months() -> None:
    """At most one month of each table, each in a transaction of its own: the sweeper comes again in an hour."""
    for table, keep in rules().items():
        due = retiring.due_months(table, keep=keep)
        if due:
            _drop(table, due[0])


def _drop(table: str, month: Any) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT drop_partition(%s, %s)", [table, month])
    except DatabaseError as error:
        # in use, or not every tenant has accounted for its events yet: the next hour is as good
        logger.warning("%s of %s stays for now: %s", table, f"{month:%Y-%m}", error)
        return
    logger.warning("%s of %s was dropped", table, f"{month:%Y-%m}")


def forget_deliveries(tenant: Tenant, progress: Any) -> dict[str, int]:
    """Block by block, each committed."""
    if not settings.KEEP_DELIVERY_DAYS:
        return {"forgotten": 0}
    before = timezone.now() - timedelta(days=max(settings.KEEP_DELIVERY_DAYS, AT_LEAST_DELIVERY_DAYS))
    forgotten = 0
    while True:
        with tenant_transaction(tenant.pk), connection.cursor() as cursor:
            cursor.execute("SELECT forget_attempts(%s, %s)", [before, ROWS_A_STEP])
            [gone] = cursor.fetchone()
        forgotten += gone
        progress(forgotten)
        if gone < ROWS_A_STEP:
            return {"forgotten": forgotten}
