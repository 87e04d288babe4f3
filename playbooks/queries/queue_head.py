"""The figures of the queue's head, its tabs and its length, all in one statement, and the place where a page begins."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, IntegerField, QuerySet, Subquery

from accounts.queries import visible_accounts
from playbooks.models import Recommendation
from playbooks.queries.queue import (
    COUNT_CAP,
    SORTS,
    UNOWNED,
    BadPlace,
    Rows,
    View,
    Wanted,
    in_view,
    listed,
    midnight,
    person_name,
    seen,
    views_for,
)
from scoring.queries import finished_runs
from tenants.access import Right, can
from tenants.models import Membership, Tenant, User


class Over(Subquery):
    """One figure over the rows of a queryset: `Over(rows, "count(*)")`. It correlates with nothing."""

    template = "(SELECT %(figure)s FROM (%(subquery)s) part)"

    def __init__(self, rows: QuerySet[Any], figure: str, **options: Any) -> None:
        super().__init__(rows, figure=figure, **options)


class Counted(Over):
    """How many rows there are, counted up to a limit if one is given."""

    empty_result_set_value = 0

    def __init__(self, rows: QuerySet[Any], *, limit: int | None = None) -> None:
        ids = rows.order_by().values("pk")
        super().__init__(ids if limit is None else ids[:limit], "count(*)", output_field=IntegerField())


def _sum_of_arr(rows: Rows) -> Over:
    money = DecimalField(max_digits=20, decimal_places=4)
    return Over(rows.order_by().values("arr_reporting"), "sum(arr_reporting)", output_field=money)


@dataclass(frozen=True)
class Head:
    """The figures above the list. `key` is where the page's anchor stands in the order that is asked for."""

    as_of: date | None
    counts: dict[str, int]
    total: int
    decided_today: int
    waiting_arr: Decimal | None
    without_rate: int
    pooled_arr: Decimal | None
    owner_name: str
    key: Any = None


def head(tenant: Tenant, viewer: Membership, wanted: Wanted) -> Head:
    """Tab counts, the sentence's figures, the list's length and the page's anchor. Raises BadPlace."""
    scalars = _scalars(tenant, viewer, wanted)
    found = Tenant.objects.filter(pk=tenant.pk).annotate(**scalars).values(*scalars).get()
    if wanted.anchor is not None and found["anchor_id"] is None:
        raise BadPlace("This page of the list does not exist. Start again from the first one.")
    return Head(
        as_of=found["latest"],
        counts={view.value: found[f"in_{view.value}"] for view in views_for(viewer)},
        total=found["total"],
        decided_today=found["decided_today"],
        waiting_arr=found.get("waiting_arr"),
        without_rate=found.get("without_rate", 0),
        pooled_arr=found.get("pooled_arr"),
        owner_name=found.get("owner_name") or "",
        key=found.get("anchor_key"),
    )


def _scalars(tenant: Tenant, viewer: Membership, wanted: Wanted) -> dict[str, Subquery]:
    rows, limit = seen(tenant, viewer), COUNT_CAP + 1
    newest = finished_runs(tenant).order_by("-as_of", "-pk").values("as_of")[:1]
    scalars: dict[str, Subquery] = {
        "latest": Subquery(newest),
        "total": Counted(listed(tenant, viewer, wanted), limit=limit),
        "decided_today": Counted(_decided_today(tenant, viewer), limit=limit),
    }
    for view in views_for(viewer):
        scalars[f"in_{view.value}"] = Counted(in_view(rows, tenant, view), limit=limit)
    if can(viewer, Right.SEE_ARR):
        undecided = in_view(rows, tenant, View.DECISION)
        scalars["waiting_arr"] = _sum_of_arr(undecided)
        scalars["without_rate"] = Counted(undecided.filter(arr__isnull=False, arr_reporting__isnull=True))
        if View.POOLED in views_for(viewer):
            scalars["pooled_arr"] = _sum_of_arr(in_view(rows, tenant, View.POOLED))
    if wanted.owner and wanted.owner != UNOWNED:
        scalars["owner_name"] = Subquery(
            User.objects.filter(pk=int(wanted.owner), memberships__tenant=tenant).values(found=person_name())[:1]
        )
    if wanted.anchor is not None:
        anchor = rows.filter(account=wanted.anchor)
        scalars["anchor_id"] = Subquery(anchor.values("account_id")[:1])
        scalars["anchor_key"] = Subquery(anchor.values(SORTS[wanted.sort].path)[:1])
    return scalars


def _decided_today(tenant: Tenant, viewer: Membership) -> QuerySet[Recommendation]:
    """Since midnight where the tenant works; what was taken back does not count."""
    return Recommendation.objects.for_tenant(tenant).filter(
        state__in=("accepted", "dismissed", "snoozed"),
        decided_at__gte=midnight(tenant),
        account__in=visible_accounts(tenant, viewer).values("pk"),
    )
