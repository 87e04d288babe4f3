"""One page of the queue by keyset: the accounts with what their rows show, in one statement whatever their number.

A page is named by an account, its anchor: `after` begins behind it, `before` ends ahead of it. The anchor's place in
the order is read anew, so the address holds no figure that its reader might not see, and an anchor that has left the
view meanwhile still marks its place.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, IntegerField, OrderBy, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject

from playbooks.models import Play, PlaybookStep, PlayStep, Recommendation
from playbooks.queries.cues import waiting_of
from playbooks.queries.queue import SORTS, Rows, Sort, Wanted, listed, person_name, seen
from playbooks.queries.queue_head import Counted, Head, Over
from scoring.models import AccountHealth, Override
from scoring.people.feedback import answers_beside
from tenants.models import Membership, Tenant

PAGE = 25
UNFINISHED = ("open", "pending_approval", "approved", "changes_requested")


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
    is_later = wanted.after is not None
    ahead = beyond(sort, head.key, wanted.anchor, backwards=True)
    here = beyond(sort, head.key, wanted.anchor, backwards=False) if is_later else ahead
    counted = Counted(rows.filter(ahead | Q(account=wanted.anchor) if is_later else ahead))
    wide = detailed(rows.filter(here), tenant).annotate(ahead=counted)
    found = list(ordered(wide, sort, backwards=not is_later)[: PAGE + 1])
    if not found:
        return page(tenant, viewer, wanted.at_start(), head)
    return (_later_page if is_later else _earlier_page)(found, head)


def _later_page(found: list[AccountHealth], head: Head) -> Page:
    before: int = found[0].ahead  # type: ignore[attr-defined]
    return _page(found[:PAGE], head, first=before + 1, has_newer=before > 0, has_older=len(found) > PAGE)


def _earlier_page(found: list[AccountHealth], head: Head) -> Page:
    """Read backwards from the anchor. Should the anchor have been the list's end, "older" leads to the first page."""
    before: int = found[0].ahead  # type: ignore[attr-defined]
    rows = found[:PAGE][::-1]
    first = before - len(rows) + 1
    return _page(rows, head, first=first, has_newer=first > 1, has_older=True)


def _page(rows: list[AccountHealth], head: Head, *, first: int, has_newer: bool, has_older: bool) -> Page:
    return Page(
        rows=rows,
        first=first,
        total=head.total,
        newer=rows[0].account_id if rows and has_newer else None,
        older=rows[-1].account_id if rows and has_older else None,
    )


def one(tenant: Tenant, viewer: Membership, *, account_id: int) -> AccountHealth | None:
    """One account as a row of the list shows it; None when it is hidden, absent or was never scored."""
    rows = detailed(seen(tenant, viewer).filter(account=account_id), tenant)
    return rows.annotate(answers=answers_beside(tenant, viewer)).first()


# --- order ------------------------------------------------------------------------------------------


def ordered(rows: Rows, sort: Sort, *, backwards: bool = False) -> Rows:
    """A total order: what is unknown stands last, the account's id decides ties."""
    key = _towards(
        sort.path, descending=sort.descending != backwards, nullable=sort.nullable, last=not backwards
    )
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
    known = Q(**{f"{path}__{direction}e": key}) & (
        Q(**{f"{path}__{direction}": key}) | Q(**{path: key}) & tie
    )
    unknown_follow = sort.nullable and not backwards
    return known | Q(**{f"{path}__isnull": True}) if unknown_follow else known


# --- what a row shows ---------------------------------------------------------------------------------


def detailed(rows: Rows, tenant: Tenant) -> Rows:
    """With account and owner, and as JSON the open suggestion, the running play and the override's author."""
    return rows.select_related("account", "account__owner").annotate(
        suggestion=Subquery(_suggestion(tenant)),
        running=Subquery(_running(tenant)),
        override_author=Subquery(_override_author(tenant)),
        waits=Subquery(waiting_of(tenant, "account_id")),
    )


def _suggestion(tenant: Tenant) -> Any:
    steps = PlaybookStep.objects.for_tenant(tenant).filter(playbook=OuterRef("playbook_id")).order_by()
    found = JSONObject(
        id="pk",
        version="version",
        state="state",
        playbook="playbook__name",
        playbook_id="playbook_id",
        cause="cause",
        created_at="created_at",
        snoozed_until="snoozed_until",
        reason="reason",
        steps=Over(steps.values("pk"), "count(*)", output_field=IntegerField()),
        days=Over(steps.values("due_days"), "max(due_days)", output_field=IntegerField()),
    )
    mine = Recommendation.objects.for_tenant(tenant).filter(
        account=OuterRef("account_id"), state__in=Recommendation.OPEN
    )
    return mine.values(found=found)[:1]


def _running(tenant: Tenant) -> Any:
    """The newest running play, and its next step that is not done."""
    steps = PlayStep.objects.for_tenant(tenant).filter(play=OuterRef("pk"), state__in=UNFINISHED)
    next_step = steps.order_by("due_date", "position").values(found=JSONObject(title="title", due="due_date"))
    found = JSONObject(id="pk", state="state", playbook="playbook__name", next=Subquery(next_step[:1]))
    mine = Play.objects.for_tenant(tenant).filter(account=OuterRef("account_id"), state__in=Play.OPEN)
    return mine.order_by("-pk").values(found=found)[:1]


def _override_author(tenant: Tenant) -> Any:
    mine = Override.objects.for_tenant(tenant).filter(account=OuterRef("account_id"), ended_at=None)
    return mine.values(found=JSONObject(id="author_id", name=person_name("author__"), band="band"))[:1]
