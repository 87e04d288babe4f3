"""Rows that landed, and events sent to endpoints: counted from the reports and attempts that are kept anyway."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Count, Sum

from integrations.importing.problems import BundleRefused, FileStopped
from integrations.importing.source import Bundle
from integrations.models import BundleFile, WriteAttempt
from jobs.meters import JOBS
from tenants import quotas
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

ROWS, EVENTS, STORAGE = "rows", "events", "storage"
_PIECE = 1024**2


def register() -> None:
    quotas.register(
        quotas.Meter(
            ROWS, "Rows imported", "rows", _rows, order=10, per=1_000_000,
            help="Rows read from the files that landed; trial runs do not count.",
            refused="A bundle with more rows than are left is refused whole, before anything of it lands.",
        )
    )  # fmt: skip
    quotas.register(
        quotas.Meter(
            EVENTS, "Events sent", "events", _events, order=20, per=1000,
            help="Webhooks sent to endpoints, with every attempt.",
            refused="It has no quota: an approved write that waits would be the larger harm.", has_quota=False,
        )
    )  # fmt: skip


def _rows(tenant: Tenant, month: date) -> quotas.BySource:
    first, end = quotas.span(month)
    rows = BundleFile.objects.for_tenant(tenant).filter(
        status="landed", bundle__dry_run=False, bundle__created_at__gte=first, bundle__created_at__lt=end
    )
    return _summed(rows.values_list("bundle__started_by_label").annotate(Sum("read")))


def _events(tenant: Tenant, month: date) -> quotas.BySource:
    first, end = quotas.span(month)
    rows = WriteAttempt.objects.for_tenant(tenant).filter(started_at__gte=first, started_at__lt=end)
    return _summed(rows.values_list("intent__connection__name").annotate(Count("pk")))


def _summed(pairs: Iterable[Any]) -> quotas.BySource:
    return {str(source or "No endpoint"): int(number or 0) for source, number in pairs}


# --- refusals ------------------------------------------------------------------------------------


def check_upload(tenant: Tenant, *, size: int) -> None:
    """Before an upload is kept. Raises QuotaExceeded when there is no room for it, or not one row left."""
    quotas.check(tenant, STORAGE, size)
    quotas.check(tenant, ROWS, 1)
    quotas.check(tenant, JOBS, 1)


def check_rows(tenant: Tenant, bundle: Bundle) -> None:
    """Before the first file is read in earnest. Raises BundleRefused when it holds more rows than are left.

    Counting reads every byte once, so it is done only where a quota is set.
    """
    with tenant_transaction(tenant.pk):
        limit = quotas.limit_of(tenant, ROWS)
    if limit is None:
        return
    wanted = sum(_lines(file) for file in bundle.files.values())
    with tenant_transaction(tenant.pk):
        over = quotas.refusal(tenant, ROWS, wanted)
    if over is not None:
        raise BundleRefused(f"{over} Nothing of this bundle landed.")


def _lines(file: Any) -> int:
    """Lines but the first, which is the header; a file without a last line end has one more than it has line ends."""
    ends, last = 0, b"\n"
    try:
        with file.open() as stream:
            while piece := stream.read(_PIECE):
                ends += piece.count(b"\n")
                last = piece[-1:]
    except FileStopped:
        pass  # the import stops this file itself, and says why
    return max(0, ends + (last != b"\n") - 1)
