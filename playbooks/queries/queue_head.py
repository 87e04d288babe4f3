"""The figures of the queue's head, its tabs and its length, all in one statement, and the place where a page begins."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    IntegerField,
    JSONField,
    QuerySet,
    Subquery,
)

from playbooks.models import Recommendation
from playbooks.queries.queue import (
    COUNT_CAP,
    SORTS,
    UNOWNED,
    BadPlace,
    View,
    Wanted,
    belongs,
    listed,
    midnight,
    on_visible,
    person_name,
    seen,
    views_for,
    with_a_flag_that_waits,
)
from scoring.queries import finished_runs
from tenants.fields import Field, sees
from tenants.models import Membership, Tenant, User


class Over(Subquery):
    """One figure over the rows of a queryset: `Over(rows, "count(*)")`. The figure is ours, never a reader's text."""

    template = "(SELECT %(figure)s FROM (%(subquery)s) part)"

    def __init__(self, rows: QuerySet[Any], figure: str, **options: Any) -> None:
        super().__init__(rows, figure=figure, **options)


class Counted(Over):
    """How many rows there are, counted up to a limit if one is given."""

    empty_result_set_value = 0

    def __init__(self, rows: QuerySet[Any], *, limit: int | None = None) -> None:
        ids = rows.order_by().values("pk")
        super().__init__(ids if limit is None else ids[:limit], "count(*)", output_field=IntegerField())


@dataclass(frozen=True)
class Head:
    """The figures above the list. `key` is where the page's anchor stands in the order that is asked for."""

    as_of: date | None
    counts: dict[str, int]
    total: int
    decided_today: int
    waiting_arr: Decimal | None
    waiting_stake: Decimal | None
    with_chance: int  # accounts that have a chance of leaving: none without a calibrated model
    without_rate: int
    pooled_arr: Decimal | None
    with_flag_waiting: int
    with_date_waiting: int  # a play before a renewal waits for its turn
    owner_name: str
    key: Any = None


def head_of(tenant: Tenant, viewer: Membership, wanted: Wanted) -> Head:
    """Tab counts, the sentence's figures, the list's length and the page's anchor. Raises BadPlace."""
    scalars = _scalars(tenant, viewer, wanted)
    found = Tenant.objects.filter(pk=tenant.pk).annotate(**scalars).values(*scalars).get()
    if wanted.anchor is not None and found["anchor_id"] is None:
        raise BadPlace("This page of the list does not exist. Start again from the first one.")
    figures = found["figures"] or {}
    return Head(
        as_of=found["latest"],
        counts={view.value: figures.get(view.value, 0) for view in views_for(viewer)},
        total=found["total"],
        decided_today=found["decided_today"],
        waiting_arr=_money(figures.get("waiting_arr")),
        waiting_stake=_money(figures.get("waiting_stake")),
        with_chance=figures.get("with_chance", 0),
        without_rate=figures.get("without_rate", 0),
        pooled_arr=_money(figures.get("pooled_arr")),
        with_flag_waiting=figures.get("with_flag_waiting", 0),
        with_date_waiting=figures.get("with_date_waiting", 0),
        owner_name=found.get("owner_name") or "",
        key=found.get("anchor_key"),
    )


def _scalars(tenant: Tenant, viewer: Membership, wanted: Wanted) -> dict[str, Subquery]:
    newest = finished_runs(tenant).order_by("-as_of", "-pk").values("as_of")[:1]
    scalars: dict[str, Subquery] = {
        "latest": Subquery(newest),
        "figures": _figures(tenant, viewer),
        "total": Counted(listed(tenant, viewer, wanted), limit=COUNT_CAP + 1),
        "decided_today": Counted(_decided_today(tenant, viewer), limit=COUNT_CAP + 1),
    }
    if wanted.owner and wanted.owner != UNOWNED:
        scalars["owner_name"] = Subquery(
            User.objects.filter(pk=int(wanted.owner), memberships__tenant=tenant).values(found=person_name())[
                :1
            ]
        )
    if wanted.anchor is not None:
        anchor = seen(tenant, viewer).filter(account=wanted.anchor)
        scalars["anchor_id"] = Subquery(anchor.values("account_id")[:1])
        scalars["anchor_key"] = Subquery(anchor.values(SORTS[wanted.sort].path)[:1])
    return scalars


def _figures(tenant: Tenant, viewer: Membership) -> Over:
    """One pass over what the viewer sees: how many stand in each view, and whose money."""
    marks = {
        f"in_{view.value}": ExpressionWrapper(belongs(tenant, view), BooleanField())
        for view in views_for(viewer)
        if view != View.ALL
    }
    waits = {
        f"has_{what}_waiting": ExpressionWrapper(with_a_flag_that_waits(tenant, flags=flags), BooleanField())
        for what, flags in (("flag", True), ("date", False))
    }
    rows = seen(tenant, viewer).order_by().annotate(**marks, **waits)
    pairs = ["'all', count(*)", "'with_chance', count(p90)"]
    pairs += [f"'{name.replace('has_', 'with_')}', count(*) FILTER (WHERE {name})" for name in waits]
    pairs += [f"'{name.removeprefix('in_')}', count(*) FILTER (WHERE {name})" for name in marks]
    if sees(viewer, Field.ARR):
        pairs += [
            "'waiting_arr', (sum(arr_reporting) FILTER (WHERE in_decision))::text",
            "'waiting_stake', (sum(at_stake) FILTER (WHERE in_decision))::text",
            "'without_rate', count(*) FILTER (WHERE in_decision AND arr IS NOT NULL AND arr_reporting IS NULL)",
        ]
        if "in_pooled" in marks:
            pairs.append("'pooled_arr', (sum(arr_reporting) FILTER (WHERE in_pooled))::text")
    figure = f"jsonb_build_object({', '.join(pairs)})"
    return Over(
        rows.values("arr", "arr_reporting", "p90", "at_stake", *waits, *marks),
        figure,
        output_field=JSONField(),
    )


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _decided_today(tenant: Tenant, viewer: Membership) -> QuerySet[Recommendation]:
    """Since midnight where the tenant works; what was taken back does not count."""
    answered = Recommendation.objects.for_tenant(tenant).filter(
        state__in=("accepted", "dismissed", "snoozed"), decided_at__gte=midnight(tenant)
    )
    return on_visible(answered, tenant, viewer)
