"""One page of the queue by keyset: the accounts with what their rows show, in one statement whatever their number.

A page is named by an account, its anchor: `after` begins behind it, `before` ends ahead of it. The anchor's place in
the order is read anew, so the address holds no figure that its reader might not see, and an anchor that has left the
view meanwhile still marks its place.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, OrderBy, Q, Subquery
from django.db.models.functions import JSONObject

from playbooks.models import Play, PlaybookStep, PlayStep, Recommendation
from playbooks.queries.queue import SORTS, Rows, Sort, Wanted, listed, person_name, seen
from playbooks.queries.queue_head import Counted, Head, Over
from scoring.models import AccountHealth, Override
from tenants.models import Membership, Tenant

PAGE = 25


@dataclass(frozen=True)
class Page:
    """One page; `newer` and `older` are the anchors of its neighbours, None where the list ends."""

    rows: list[AccountHealth]
    first: int
    total: int
    newer: int | None
    older: int | None

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def page(tenant: Tenant, viewer: Membership, wanted: Wanted, head: Head) -> Page:
    """The page that the address asks for; the first one when nothing is left at its place."""
    rows, sort = listed(tenant, viewer, wanted), SORTS[wanted.sort]
    if wanted.anchor is None:
        found = list(ordered(detailed(rows, tenant), sort)[: PAGE + 1])
        return _page(found[:PAGE], head, first=1, has_newer=False, has_older=len(found) > PAGE)
    ahead = rows.filter(beyond(sort, head.key, wanted.anchor, backwards=True))
    if wanted.after is not None:
        behind = rows.filter(beyond(sort, head.key, wanted.anchor, backwards=False))
        up_to = ahead | rows.filter(account=wanted.anchor)
        found = list(ordered(detailed(behind, tenant).annotate(ahead=Counted(up_to)), sort)[: PAGE + 1])
        return _later_page(tenant, viewer, wanted, head, found)
    nearest = ordered(detailed(ahead, tenant).annotate(ahead=Counted(ahead)), sort, backwards=True)
    found = list(nearest[: PAGE + 1])
    return _earlier_page(tenant, viewer, wanted, head, found)


def _later_page(
    tenant: Tenant, viewer: Membership, wanted: Wanted, head: Head, found: list[AccountHealth]
) -> Page:
    if not found:
        return page(tenant, viewer, wanted.at_start(), head)
    before: int = found[0].ahead  # type: ignore[attr-defined]
    return _page(found[:PAGE], head, first=before + 1, has_newer=before > 0, has_older=len(found) > PAGE)


def _earlier_page(
    tenant: Tenant, viewer: Membership, wanted: Wanted, head: Head, found: list[AccountHealth]
) -> Page:
    if not found:
        return page(tenant, viewer, wanted.at_start(), head)
    before: int = found[0].ahead  # type: ignore[attr-defined]
    rows = found[:PAGE][::-1]
    first = before - len(rows) + 1
    # whatever was the anchor may have left the list: the pager then leads to the first page, which is never wrong
    return _page(rows, head, first=first, has_newer=first > 1, has_older=True)


def _page(
    rows: list[AccountHealth], head: Head, *, first: int, has_newer: bool, has_older: bool
) -> Page:
    return Page(
        rows=rows,
        first=first,
        total=head.total,
        newer=rows[0].account_id if rows and has_newer else None,
        older=rows[-1].account_id if rows and has_older else None,
    )


def one(tenant: Tenant, viewer: Membership, *, account_id: int) -> AccountHealth | None:
    """One account as a row of the list shows it; None when it is hidden, absent or was never scored."""
    return detailed(seen(tenant, viewer).filter(account=account_id), tenant).first()


# --- order ------------------------------------------------------------------------------------------


def ordered(rows: Rows, sort: Sort, *, backwards: bool = False) -> Rows:
    """A total order: what is unknown stands last, the account's id decides ties."""
    key = _towards(sort.path, descending=sort.descending != backwards, nullable=sort.nullable, last=not backwards)
    return rows.order_by(key, "-account_id" if backwards else "account_id")


def _towards(path: str, *, descending: bool, nullable: bool, last: bool) -> OrderBy:
    nulls: dict[str, Any] = {"nulls_last": True} if last else {"nulls_first": True}
    return OrderBy(F(path), descending=descending, **(nulls if nullable else {}))


def beyond(sort: Sort, key: Any, account_id: int, *, backwards: bool) -> Q:
    """The rows on one side of an anchor. The key is also bounded alone, so that an index can begin there."""
    path, side = sort.path, "lt" if backwards else "gt"
    tie = Q(**{f"account_id__{side}": account_id})
    if key is None:
        unknown = Q(**{f"{path}__isnull": True}) & tie
        return Q(**{f"{path}__isnull": False}) | unknown if backwards else unknown
    direction = "gt" if backwards == sort.descending else "lt"
    direction = {"gt": "gt", "lt": "lt"}[direction] if sort.descending else side
    if sort.descending:
        direction = "gt" if backwards else "lt"
    known = Q(**{f"{path}__{direction}e": key}) & (Q(**{f"{path}__{direction}": key}) | Q(**{path: key}) & tie)
    unknown_follow = sort.nullable and not backwards
    return known | Q(**{f"{path}__isnull": True}) if unknown_follow else known
