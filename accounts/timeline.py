"""Evidence of one account in the order of its own event times, over all kinds at once.

One statement: a branch a kind, each cut to the page's length by its own index, then merged. Newest first, ties by
kind and id, so the cursor (time, kind, id) is total.
"""
# ruff: noqa: S608  the branches are constants of this file; values are always parameters

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Account
from tenants.models import Tenant

PAGE = 8


class BadCursor(ValueError):
    """The `before` of an address was not made by us."""


@dataclass(frozen=True)
class Branch:
    """One kind of evidence: where its rows are, and what a line shows of them (never a body)."""

    kind: str
    label: str
    icon: str
    table: str
    at: str
    text: str
    detail: str
    has_body: str = "false"
    where: str = "true"
    only_alone: bool = False  # left out of all evidence, where its rows have a line already


BRANCHES = [
    Branch(
        "activity", "Contacts", "talk", "accounts_activity", "occurred_at",
        "initcap(replace(t.kind, '_', ' ')) || CASE WHEN t.subject <> '' THEN ': ' || t.subject ELSE '' END",
        "initcap(t.direction)", "t.body <> ''",
    ),
    Branch(
        "ticket", "Support", "tool", "accounts_ticket", "opened_at",
        "'Ticket ' || t.external_id || CASE WHEN t.subject <> '' THEN ': ' || t.subject ELSE '' END",
        "concat_ws(' · ', nullif(initcap(t.priority), ''), nullif(t.category, ''), CASE WHEN t.escalated_at IS NOT "
        "NULL THEN 'escalated' END, CASE WHEN t.closed_at IS NULL THEN 'open' ELSE 'closed ' || to_char(t.closed_at, "
        "'FMDD Mon') END, CASE WHEN t.csat IS NOT NULL THEN 'CSAT ' || t.csat END)", "t.body <> ''",
    ),
    Branch(
        "survey", "Surveys", "flag", "accounts_survey", "responded_at",
        "upper(t.kind) || ' ' || t.score || CASE WHEN t.comment <> '' THEN ': “' || left(t.comment, 160) || '”' ELSE "
        "'' END", "'Survey'",
    ),
    Branch(
        "invoice", "Billing", "money", "accounts_invoice", "issued_at",
        "'Invoice ' || t.external_id || CASE WHEN t.voided_at IS NOT NULL THEN ', voided' WHEN t.paid_at IS NULL AND "
        "t.due_at < now() THEN ', overdue' WHEN t.paid_at IS NULL THEN ', open' WHEN t.paid_at > t.due_at THEN "
        "', paid late' ELSE ', paid' END",
        "'Due ' || to_char(t.due_at, 'FMDD Mon') || coalesce(' · paid ' || to_char(t.paid_at, 'FMDD Mon'), '')",
    ),
    Branch(
        "joined", "People", "user", "accounts_contact", "joined_at", "coalesce(nullif(t.name, ''), t.external_id) || "
        "' joined'", "concat_ws(', ', nullif(replace(initcap(t.role), '_', ' '), ''), nullif(t.title, ''))",
        where="t.joined_at IS NOT NULL",
    ),
    Branch(
        "departed", "People", "user", "accounts_contact", "departed_at",
        "coalesce(nullif(t.name, ''), t.external_id) || ' left'",
        "concat_ws(', ', nullif(replace(initcap(t.role), '_', ' '), ''), nullif(t.title, ''))",
        where="t.departed_at IS NOT NULL",
    ),
    Branch(
        "changed", "People", "user",
        "(SELECT k.id, k.tenant_id, c.account_id, c.external_id, k.changed_at, c.name, k.field, k.old, k.new FROM "
        "accounts_contactchange k JOIN accounts_contact c ON c.tenant_id = k.tenant_id AND c.id = k.contact_id)",
        "changed_at", "coalesce(nullif(t.name, ''), t.external_id) || ' has another ' || t.field",
        "CASE t.field WHEN 'role' THEN replace(initcap(t.old) || ' before, now ' || initcap(t.new), '_', ' ') "
        "ELSE t.old || ' before, now ' || t.new END",
    ),
    Branch(
        "news", "News", "info", "accounts_companyevent", "published_at",
        "coalesce(nullif(t.headline, ''), initcap(replace(t.kind, '_', ' ')))", "initcap(replace(t.kind, '_', ' '))",
    ),
    Branch(
        "milestone", "Goals", "check", "accounts_milestone", "completed_at", "t.name || ' completed'",
        "initcap(t.stage) || CASE WHEN t.completed_at > t.due_at THEN ' · late' ELSE '' END",
        where="t.completed_at IS NOT NULL",
    ),
    Branch(
        "objective", "Goals", "flag", "accounts_objective", "achieved_at", "t.name || ' achieved'", "'Objective'",
        where="t.achieved_at IS NOT NULL",
    ),
    Branch(
        "outcome", "Contract", "cal", "accounts_outcome", "effective_at", "initcap(t.kind)",
        "coalesce(nullif(t.reason, ''), 'Contract')",
    ),
    Branch(
        "cancelled", "Contract", "cal", "accounts_subscription", "cancelled_at", "'Notice given: ' || "
        "coalesce(nullif(t.product, ''), t.external_id)", "coalesce(nullif(t.cancel_reason, ''), 'Contract')",
        where="t.cancelled_at IS NOT NULL",
    ),
]  # fmt: skip
GROUPS = list(dict.fromkeys(branch.label for branch in BRANCHES))
_BY_KIND: "dict[str, Branch | Group]" = {branch.kind: branch for branch in BRANCHES}
_WORKED_OUT: "dict[str, Group]" = {}  # by label


def register(branch: Branch) -> None:
    """Add a kind of lines; apps above do it at start-up. `table` may be a select in brackets; a kind is added once."""
    if branch.kind in _BY_KIND:
        raise ValueError(f"the kind {branch.kind} is registered twice")
    BRANCHES.append(branch)
    _BY_KIND[branch.kind] = branch
    if branch.label not in GROUPS:
        GROUPS.append(branch.label)


def register_group(group: "Group") -> None:
    """Add lines that no table holds, under a label of their own, which comes first; apps above do it at start-up."""
    if group.kind in _BY_KIND:
        raise ValueError(f"the kind {group.kind} is registered twice")
    _BY_KIND[group.kind] = _WORKED_OUT[group.label] = group
    GROUPS.insert(0, group.label)


@dataclass(frozen=True)
class Entry:
    """One line of the timeline."""

    kind: str
    id: int
    external_id: str
    at: datetime
    text: str
    detail: str
    has_body: bool
    points: Decimal | None = None  # by which it moved the score, where that is what the line tells

    @property
    def icon(self) -> str:
        return _BY_KIND[self.kind].icon

    @property
    def cursor(self) -> str:
        return f"{self.at.isoformat()}~{self.kind}~{self.id}"


@dataclass(frozen=True)
class Group:
    """Lines that an app above works out: their label and kind, and who gives a page of them.

    `entries(tenant, account, after, size)`: newest first, ties by falling id, behind the row that `after` names (`at`,
    `id`; empty: from the newest on), and the cursor of the next page ("" at the end).
    """

    label: str
    kind: str
    icon: str
    entries: Callable[[Tenant, Account, dict[str, Any], int], tuple[list[Entry], str]]


def entries(
    tenant: Tenant, account: Account, *, group: str = "", before: str = "", size: int = PAGE
) -> tuple[list[Entry], str]:
    """One page of evidence and the cursor of the next one ("" at the end). Raises BadCursor."""
    if group in _WORKED_OUT:
        return _WORKED_OUT[group].entries(tenant, account, _after(before), size)
    branches = [branch for branch in BRANCHES if (branch.label == group if group else not branch.only_alone)]
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "account": account.pk,
        "now": timezone.now(),
        "size": size + 1,
    }
    values |= _after(before)
    union = " UNION ALL ".join(f"({_select(branch, bool(before))})" for branch in branches)
    with connection.cursor() as cursor:
        # as a table of its own: one branch alone in brackets may not be ordered again
        found_in = f"SELECT * FROM ({union}) AS found"
        cursor.execute(f"{found_in} ORDER BY at DESC, kind, id DESC LIMIT %(size)s", values)
        found = [Entry(*row) for row in cursor.fetchall()]
    page = found[:size]
    return page, page[-1].cursor if len(found) > size else ""


def _select(branch: Branch, is_continued: bool) -> str:
    at = f"t.{branch.at}"
    tie = (
        f"AND ({at} < %(at)s OR ({at} = %(at)s AND ('{branch.kind}' > %(kind)s "
        f"OR ('{branch.kind}' = %(kind)s AND t.id < %(id)s))))"
        if is_continued
        else ""
    )
    return (
        f"SELECT '{branch.kind}' AS kind, t.id, t.external_id, {at} AS at, {branch.text} AS text, "
        f"{branch.detail} AS detail, {branch.has_body} AS has_body FROM {branch.table} t "
        f"WHERE t.tenant_id = %(tenant)s AND t.account_id = %(account)s AND {branch.where} AND {at} <= %(now)s {tie} "
        f"ORDER BY {at} DESC, t.id DESC LIMIT %(size)s"
    )


def _after(before: str) -> dict[str, Any]:
    if not before:
        return {}
    try:
        text, kind, number = before.split("~")
        at = parse_datetime(text)
        if at is None or at.tzinfo is None or kind not in _BY_KIND or not number.isascii():
            raise ValueError(before)
        return {"at": at, "kind": kind, "id": int(number)}
    except ValueError as error:
        raise BadCursor("This page of the timeline does not exist; open the account again.") from error
