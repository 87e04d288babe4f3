"""The queue: which accounts stand in which view, after which filters, in which order (docs/queue.md).

Everything reads `scoring.AccountHealth`, one row an account: an account that was never scored is not in any view.
`queue_head` gives the figures above the list, `queue_page` one page of it, `queue_why` the reasons of one account.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DecimalField,
    F,
    Func,
    Model,
    Q,
    QuerySet,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from accounts.queries import visible_accounts
from playbooks.models import Cue, Play, Recommendation
from playbooks.rises import LEVELS, rank
from scoring.models import AccountHealth
from tenants.access import Right, Role, can
from tenants.models import Membership, Tenant, User

PAGE = 25
COUNT_CAP = 10_000  # beyond it the page says "10,000+"
SOON_DAYS = 90

Rows = QuerySet[AccountHealth]
Row = TypeVar("Row", bound=Model)
SUGGESTED, SNOOZED = Recommendation.State.SUGGESTED, Recommendation.State.SNOOZED


class View(TextChoices):
    DECISION = "decision", "Needs a decision"
    RENEWING = "renewing", "Renewing in 90 days"
    PLAY = "play", "In play"
    SNOOZED = "snoozed", "Snoozed"
    ALL = "all", "All my accounts"
    POOLED = "pooled", "No CSM"


@dataclass(frozen=True)
class Sort:
    """What the list is ordered by; what is not known comes last, and the account's id decides ties."""

    label: str
    path: str
    descending: bool = False
    nullable: bool = True
    of_money: bool = False  # only for those who may see ARR


SORTS = {
    # what is at stake, or without chances ARR x (100 - health) / 100; the list's head says which
    "priority": Sort("Priority", "priority", descending=True, nullable=False, of_money=True),
    "chance": Sort("Chance of leaving", "p90", descending=True),
    "risk": Sort("Risk level", "risk_place", descending=True),
    "health": Sort("Health", "shown_health"),
    "change": Sort("Health change", "delta_30"),
    "renewal": Sort("Renewal", "renewal_date"),
    "arr": Sort("ARR", "arr_reporting", descending=True, of_money=True),
    "name": Sort("Name", "account__name", nullable=False),
}
UNOWNED = "none"
# filters of the level of risk: no chance, a flag that waits for its turn, a play before a renewal that does
NO_RISK, WAITS, DATE_WAITS = "none", "waits", "date"


def sort_label(key: str, *, with_chance: bool) -> str:
    """The usual order goes by what is at stake once chances are shown, and says so everywhere (UX, words)."""
    return "At stake" if key == "priority" and with_chance else SORTS[key].label


@dataclass(frozen=True)
class Wanted:
    """What the address asks for. `after` and `before` name the account that the page begins behind or ends before."""

    view: str = View.DECISION.value
    q: str = ""
    segment: str = ""
    band: str = ""
    risk: str = ""
    reason: str = ""
    renews: int = 0
    owner: str = ""  # a user's id, or UNOWNED
    sort: str = "priority"
    after: int | None = None
    before: int | None = None

    @property
    def anchor(self) -> int | None:
        return self.after if self.after is not None else self.before

    @property
    def is_filtered(self) -> bool:
        return bool(
            self.q or self.segment or self.band or self.risk or self.reason or self.renews or self.owner
        )

    def at_start(self) -> "Wanted":
        return replace(self, after=None, before=None)


class BadPlace(ValueError):
    """The address begins at an account that is not there, or not for this reader."""


# --- which accounts -------------------------------------------------------------------------------


def views_for(viewer: Membership) -> list[View]:
    """In the order of the tabs. The pooled accounts are for those who work them."""
    return [view for view in View if view != View.POOLED or can(viewer, Right.WORK_QUEUE)]


def may_choose_owner(viewer: Membership) -> bool:
    return viewer.role == Role.MANAGER or can(viewer, Right.VIEW_ALL_ACCOUNTS)


class IsAny(Func):
    """`column = ANY(ARRAY(subquery))`: the subquery runs once, whatever the planner expects of it."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def seen(tenant: Tenant, viewer: Membership) -> Rows:
    """The standing of every account that the viewer may see; `shown_health` is the number that counts there."""
    shown = Case(When(overridden(tenant), then=F("override_health")), default=F("health"))
    rows = on_visible(AccountHealth.objects.for_tenant(tenant), tenant, viewer)
    return rows.annotate(shown_health=shown, risk_place=_risk_place())


def _risk_place() -> Case:
    """The level, then the chance within it: a level moves later than the chance, so the chance alone would not do."""
    levels = [
        When(risk_level=level, p90__isnull=False, then=F("p90") + Value(Decimal(2 * rank(level))))
        for level in LEVELS
    ]
    return Case(*levels, output_field=DecimalField(max_digits=8, decimal_places=6))


def with_a_flag_that_waits(tenant: Tenant, *, flags: bool = True) -> Q:
    """What was not given yet: its CSM's week is full (services.cues). Without `flags`: plays before a renewal that
    the date alone speaks for (services.renewals)."""
    waits = Cue.objects.for_tenant(tenant).filter(state=Cue.State.WAITING, is_flag=flags)
    return Q(account__in=waits.values("account"))


def at_risk(tenant: Tenant, risk: str) -> Q:
    if risk in (WAITS, DATE_WAITS):
        return with_a_flag_that_waits(tenant, flags=risk == WAITS)
    return Q(risk_level="" if risk == NO_RISK else risk)


def overridden(tenant: Tenant) -> Q:
    """A person's number is in force: the list sorts and filters by it, as its reader sees it."""
    lasts = Q(override_until__isnull=True) | Q(override_until__gte=midnight(tenant).date())
    return Q(override_health__isnull=False) & lasts


def in_band(tenant: Tenant, band: str) -> Q:
    """By the override's band while one is in force, else by the computed one."""
    is_over = Q(override_until__lt=midnight(tenant).date())
    computed = (Q(override_health__isnull=True) | is_over) & Q(band=band)
    return computed | (overridden(tenant) & Q(override_band=band))


def on_visible(rows: QuerySet[Row], tenant: Tenant, viewer: Membership) -> QuerySet[Row]:
    """Rows whose account the viewer may see.

    Grants are read once, as an array: as a join they sit in the middle of every plan of this page, and one row too few
    in the statistics made it run once for each account (60 accounts: 10 s). For those who see the tenant there are no
    grants, and a join leaves the order of an index usable.
    """
    visible = visible_accounts(tenant, viewer).values("pk")
    if can(viewer, Right.VIEW_ALL_ACCOUNTS):
        return rows.filter(account__in=visible)
    return rows.filter(IsAny(F("account_id"), ArraySubquery(visible)))


def waiting(tenant: Tenant, viewer: Membership) -> Rows:
    """The accounts that need a decision: the number in the navigation, and the first view."""
    return in_view(seen(tenant, viewer), tenant, View.DECISION)


def in_view(rows: Rows, tenant: Tenant, view: str) -> Rows:
    return rows if view == View.ALL else rows.filter(belongs(tenant, view))


def belongs(tenant: Tenant, view: str) -> Q:
    """The condition under which a standing belongs to a view.

    IN rather than EXISTS: where the head counts every account, PostgreSQL reads such a subquery once and hashes it,
    but asks an EXISTS again for each (20,000 accounts: five times 20,000 look-ups).
    """
    if view in {View.DECISION, View.SNOOZED}:
        state = SUGGESTED if view == View.DECISION else SNOOZED
        suggested = Recommendation.objects.for_tenant(tenant).filter(state=state)
        return Q(account__in=suggested.values("account"))
    if view == View.PLAY:
        running = Play.objects.for_tenant(tenant).filter(state__in=Play.OPEN)
        return Q(account__in=running.values("account"))
    return renewing(SOON_DAYS) if view == View.RENEWING else Q(account__owner__isnull=True)


def renewing(days: int) -> Q:
    """A term ends within so many days, counted from the scored day."""
    return Q(renewal_date__gte=F("as_of"), renewal_date__lte=F("as_of") + timedelta(days=days))


def listed(tenant: Tenant, viewer: Membership, wanted: Wanted) -> Rows:
    """The accounts of the view that the filters let through, in no order."""
    rows = in_view(seen(tenant, viewer), tenant, wanted.view)
    if wanted.q:
        words = wanted.q
        rows = rows.filter(
            Q(account__name__icontains=words)
            | Q(account__domain__icontains=words)
            | Q(account__external_id__iexact=words)
        )
    if wanted.segment:
        rows = rows.filter(account__segment=wanted.segment)
    if wanted.band:
        rows = rows.filter(in_band(tenant, wanted.band))
    if wanted.risk:
        rows = rows.filter(at_risk(tenant, wanted.risk))
    if wanted.reason:
        rows = rows.filter(reasons__contains=[{"dimension": wanted.reason}])
    if wanted.renews:
        rows = rows.filter(renewing(wanted.renews))
    if wanted.owner == UNOWNED:
        rows = rows.filter(account__owner__isnull=True)
    elif wanted.owner:
        rows = rows.filter(account__owner_id=int(wanted.owner))
    return rows


# --- people and days ------------------------------------------------------------------------------


def midnight(tenant: Tenant, now: datetime | None = None) -> datetime:
    """When today began where the tenant works."""
    zone = ZoneInfo(tenant.time_zone)
    return datetime.combine((now or timezone.now()).astimezone(zone).date(), time(), zone)


def person_name(path: str = "") -> Coalesce:
    """A person's name, or the e-mail of somebody without one."""
    return Coalesce(NullIf(f"{path}name", Value("")), f"{path}email", output_field=CharField())


def owners(tenant: Tenant, viewer: Membership) -> list[tuple[str, str]]:
    """Who owns accounts that the viewer may see, by name: the choices of the owner filter."""
    theirs = visible_accounts(tenant, viewer).filter(owner__isnull=False).values("owner")
    people = User.objects.filter(pk__in=theirs).annotate(shown=person_name()).order_by("shown", "pk")
    return [(str(pk), shown) for pk, shown in people.values_list("pk", "shown")]


def chosen(tenant: Tenant, viewer: Membership, ids: Iterable[int]) -> dict[int, Recommendation]:
    """The suggestions of these ids whose accounts the viewer may see, by the account's name."""
    rows = (
        Recommendation.objects.for_tenant(tenant)
        .filter(pk__in=list(ids), account__in=visible_accounts(tenant, viewer).values("pk"))
        .select_related("account", "playbook")
        .order_by("account__name", "pk")
    )
    return {row.pk: row for row in rows}
