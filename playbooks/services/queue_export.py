"""The queue's current list as CSV, told in the event log. Text that would run as a formula is disarmed."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.db import transaction

from audit import services as audit
from audit.exports import safe_cell
from playbooks.queries.queue import SORTS, View, Wanted, listed
from playbooks.queries.queue_page import detailed, ordered
from scoring.clock import tenant_today
from scoring.models import AccountHealth
from scoring.people.models import CsmSentiment
from scoring.people.queries import sentiments_now
from tenants.access import Actor
from tenants.fields import Field, sees
from tenants.models import Membership, Tenant

MOST_ROWS = 10_000
COLUMNS = [
    "position", "account_id", "account", "segment", "industry", "owner", "health", "band", "change_30_days",
    "leaves_in_30_days", "leaves_in_60_days", "leaves_in_90_days", "leaves_in_90_days_low", "leaves_in_90_days_high",
    "risk_level", "set_by_person", "set_until", "renewal_date", "reason_1", "reason_1_day", "reason_2",
    "reason_2_day", "suggested_play", "suggestion_state", "snoozed_until", "running_play",
    "csm_sentiment", "csm_sentiment_until", "as_of",
]  # fmt: skip
MONEY = ["arr", "currency", "arr_reporting", "at_stake"]  # only for those who may see ARR


@transaction.atomic
def export_queue(
    tenant: Tenant, viewer: Membership, *, wanted: Wanted, by: Actor, request_id: str = ""
) -> str:
    """The list as the page orders it, up to 10,000 rows; money columns only with the right to see ARR."""
    sees_arr = sees(viewer, Field.ARR)
    rows = ordered(detailed(listed(tenant, viewer, wanted), tenant), SORTS[wanted.sort])[:MOST_ROWS]
    said = sentiments_now(tenant, None, today=tenant_today(tenant))
    text, number = _written(rows.iterator(chunk_size=1000), sees_arr, said)
    audit.record(
        tenant,
        verb="accounts.exported",
        by=by,
        object_type="playbooks.queue",
        object_id=wanted.view,
        object_label=f"Queue: {View(wanted.view).label}",
        after={"rows": number, "columns": _columns(sees_arr), "filters": _filters(wanted)},
        request_id=request_id,
    )
    return text


def _columns(sees_arr: bool) -> list[str]:
    return [*COLUMNS, *MONEY] if sees_arr else COLUMNS


def _filters(wanted: Wanted) -> dict[str, Any]:
    names = ("view", "q", "segment", "band", "risk", "reason", "renews", "owner", "sort")
    return {name: value for name in names if (value := getattr(wanted, name))}


def _written(rows: Iterable[AccountHealth], sees_arr: bool, said: dict[int, CsmSentiment]) -> tuple[str, int]:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(_columns(sees_arr))
    number = 0
    for number, row in enumerate(rows, start=1):
        cells = _cells(row, said.get(row.account_id))
        writer.writerow([number, *cells, *(_money(row) if sees_arr else [])])
    return sheet.getvalue(), number


def _cells(row: AccountHealth, said: CsmSentiment | None) -> Iterator[str]:
    account, suggestion = row.account, row.suggestion or {}  # type: ignore[attr-defined]
    reasons = [*row.reasons[:2], {}, {}][:2]
    for text in (account.external_id, account.name, account.segment, account.industry):
        yield safe_cell(text)
    yield safe_cell(str(account.owner) if account.owner else "")
    yield from (_figure(row.health), row.band, _figure(row.delta_30))
    yield from map(_figure, (row.p30, row.p60, row.p90, row.p90_low, row.p90_high))
    yield safe_cell(row.risk_level)
    yield from (_figure(row.override_health), _day(row.override_until), _day(row.renewal_date))
    for reason in reasons:
        yield from (safe_cell(reason.get("text", "")), reason.get("day") or "")
    yield safe_cell(suggestion.get("playbook", ""))
    yield from (suggestion.get("state", ""), suggestion.get("snoozed_until") or "")
    yield safe_cell((row.running or {}).get("playbook", ""))  # type: ignore[attr-defined]
    yield from (said.level, _day(said.valid_until)) if said else ("", "")
    yield _day(row.as_of)


def _money(row: AccountHealth) -> list[str]:
    return [_figure(row.arr), row.currency, _figure(row.arr_reporting), _figure(row.at_stake)]


def _figure(value: Any) -> str:
    return "" if value is None else f"{value:f}"


def _day(value: date | None) -> str:
    return str(value) if value else ""
