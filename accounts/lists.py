"""The list of accounts by name, page by page, and the search box over accounts, domains and people."""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.queries import visible_accounts
from tenants.models import Membership, Tenant

PAGE = 25
SALT = "accounts.list"
MOST = 10_000


class BadCursor(ValueError):
    """A cursor that this list did not give out."""


@dataclass(frozen=True)
class Page:
    rows: list[Account]
    first: int
    total: int
    newer: str
    older: str

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def filtered(tenant: Tenant, viewer: Membership, *, chosen: dict[str, str]) -> QuerySet[Account]:
    """The accounts that the viewer may see and the filters let through."""
    accounts = visible_accounts(tenant, viewer)
    if chosen.get("q"):
        accounts = accounts.filter(pk__in=_search(chosen["q"], at_most=MOST))
    if chosen.get("segment"):
        accounts = accounts.filter(segment=chosen["segment"])
    if chosen.get("kind"):
        accounts = accounts.filter(customer_since__isnull=chosen["kind"] == "prospects")
    return accounts


def page_of(accounts: QuerySet[Account], *, after: str = "", before: str = "") -> Page:
    """One page in the order (name, id), forwards from `after` or backwards from `before`. Raises BadCursor."""
    backwards = bool(before) and not after
    edge = _read(after or before)
    ordered = accounts.order_by(*(("-name", "-pk") if backwards else ("name", "pk"))).select_related("owner")
    rows = list((ordered.filter(_beyond(edge, backwards)) if edge else ordered)[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        rows.reverse()
    first = edge["at"] if edge and not backwards else max(1, edge["at"] - PAGE) if edge else 1
    has_newer, has_older = (more, True) if backwards else (bool(edge), more)
    return Page(
        rows=rows,
        first=first,
        total=accounts.order_by()[: MOST + 1].count(),
        newer=_cursor(rows[0], first) if rows and has_newer else "",
        older=_cursor(rows[-1], first + len(rows)) if rows and has_older else "",
    )


def _beyond(edge: dict[str, Any], backwards: bool) -> Q:
    if backwards:
        return Q(name__lt=edge["name"]) | Q(name=edge["name"], pk__lt=edge["id"])
    return Q(name__gt=edge["name"]) | Q(name=edge["name"], pk__gt=edge["id"])


def _cursor(row: Account, at: int) -> str:
    return signing.dumps({"name": row.name, "id": row.pk, "at": at}, salt=SALT, compress=True)


def _read(cursor: str) -> dict[str, Any] | None:
    if not cursor:
        return None
    try:
        edge: dict[str, Any] = signing.loads(cursor, salt=SALT)
    except signing.BadSignature as error:
        raise BadCursor("This page of the list does not exist; start again from the first one.") from error
    return edge


def _search(words: str, *, at_most: int) -> list[int]:
    """Account ids by name, domain or person; the database function keeps to the tenant (ADR 0002)."""
    words = words.replace("\x00", "").strip()
    if len(words) < 2:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id FROM search_accounts(%s, %s)", [words[:200], at_most])
        return [row[0] for row in cursor.fetchall()]


def search(tenant: Tenant, viewer: Membership, *, words: str, at_most: int = 10) -> list[Account]:
    """The best few accounts for the search box, among those that the viewer may see."""
    found = _search(words, at_most=1000)
    return list(visible_accounts(tenant, viewer).filter(pk__in=found).order_by("name", "pk")[:at_most])
