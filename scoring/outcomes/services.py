"""Writes of the outcomes pages: a corrected cause, a target, and exports. Each leaves its event."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit import services as audit
from audit.exports import safe_cell
from scoring.outcomes.models import OutcomeTarget, PostMortem
from scoring.outcomes.words import CAUSE_LABELS
from tenants.access import Actor
from tenants.models import Tenant

MOST_ROWS = 10_000


class Stale(Exception):
    """Somebody else wrote meanwhile."""


@transaction.atomic
def correct_cause(
    tenant: Tenant, *, account_id: int, account_name: str, cause: str, rule_cause: str, reason: str, version: int,
    by: Actor, request_id: str = "",
) -> PostMortem:  # fmt: skip
    """Why a customer was missed, as a person sees it. Raises Stale when `version` is not the one that stands."""
    if cause not in CAUSE_LABELS or not reason.strip():
        raise ValueError("a cause of the list and a reason are needed")
    rows = PostMortem.objects.for_tenant(tenant)
    found = rows.select_for_update().filter(account_id=account_id).first()
    if (found.version if found else 0) != version:
        raise Stale
    before = found.cause if found else rule_cause
    row = found or PostMortem(tenant=tenant, account_id=account_id)
    row.cause, row.rule_cause, row.reason = cause, rule_cause, reason.strip()
    row.author, row.author_label, row.updated_at = by.user, by.label[:300], timezone.now()
    row.version = version + 1
    row.save()
    audit.record(
        tenant,
        verb="scoring.post_mortem_corrected",
        by=by,
        object_type="scoring.postmortem",
        object_id=str(row.pk),
        object_label=account_name,
        account_id=account_id,
        before={"cause": before},
        after={"cause": cause, "rule": rule_cause, "reason": row.reason},
        request_id=request_id,
    )
    return row


@transaction.atomic
def remove_target(tenant: Tenant, *, row: OutcomeTarget, by: Actor) -> None:
    """The figure is shown without a target again."""
    audit.record(
        tenant,
        verb="scoring.target_removed",
        by=by,
        subject=row,
        before={"figure": row.figure, "target": str(row.target)},
    )
    row.delete()


def as_csv(
    heads: Sequence[str], rows: Iterable[Sequence[Any]], *, total: int | None = None
) -> tuple[str, int]:
    """The table as text, and how many rows it has; what a spreadsheet would run as a formula is disarmed.

    `total`: how many rows there are. Where the table has fewer, its last line says so.
    """
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(heads)
    lines = [[_cell(value) for value in row] for row in rows]
    writer.writerows(lines)
    if total is not None and total > len(lines):
        words = f"Only the first {len(lines):,} of {total:,} rows are in this file. Filters make it smaller."
        writer.writerow([words])
    return sheet.getvalue(), len(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else str(value)


def record_export(
    tenant: Tenant, *, what: str, label: str, rows: int, columns: Sequence[str], filters: dict[str, Any], by: Actor,
    request_id: str = "",
) -> None:  # fmt: skip
    """Data left the product: who took what."""
    audit.record(
        tenant,
        verb="accounts.exported",
        by=by,
        object_type=f"scoring.outcomes.{what}",
        object_id=what,
        object_label=label,
        after={
            "rows": rows,
            "columns": list(columns),
            "filters": {name: str(each) for name, each in filters.items()},
        },
        request_id=request_id,
    )
