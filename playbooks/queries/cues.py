"""Reads of what asks for a play by date or by chance: terms, levels of risk, whose turn it is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from accounts.models import Account, Outcome, Subscription
from playbooks.models import Cue, Playbook, Recommendation
from scoring.automation.models import PausedAutomation
from scoring.models import AccountHealth, ChurnModel, ScoreRun
from scoring.pooling.words import FLAG
from scoring.queries import newest_run
from tenants.models import Tenant

State, Kind = Cue.State, Cue.Kind
LEAST_TERM_DAYS = 45  # shorter terms roll on without a decision, as on the pages of renewals and outcomes


# --- playbooks, versions, standings ----------------------------------------------------------------


def active_on(tenant: Tenant, trigger: str) -> list[Playbook]:
    """Playbooks in use that answer to this, in the order in which they are tried."""
    rows = Playbook.objects.for_tenant(tenant).filter(state=Playbook.State.ACTIVE, trigger_on=trigger)
    return list(rows.order_by("position", "pk"))


def live_model(tenant: Tenant) -> ChurnModel | None:
    """The version in force: what is only watched or was taken back starts nothing."""
    rows = ChurnModel.objects.for_tenant(tenant).filter(state__in=ChurnModel.LIVE)
    return rows.defer("document").first()


def standings(tenant: Tenant, account_ids: Iterable[int]) -> dict[int, AccountHealth]:
    rows = AccountHealth.objects.for_tenant(tenant).filter(account_id__in=list(account_ids))
    return {row.account_id: row for row in rows}


def settled_run(tenant: Tenant) -> ScoreRun | None:
    """The newest scoring, unless another one is being written: half of its levels would take the others' turns."""
    run = newest_run(tenant)
    if run is None or AccountHealth.objects.for_tenant(tenant).filter(run_id__gt=run.pk).exists():
        return None
    return run


# --- what waits for its turn ---------------------------------------------------------------------


def week_began(tenant: Tenant, now: datetime) -> datetime:
    """Monday, 00:00, where the tenant works: weeks as the what-if page counts them."""
    zone = ZoneInfo(tenant.time_zone)
    today = now.astimezone(zone).date()
    return datetime.combine(today - timedelta(days=today.weekday()), time(), zone)


def given_since(tenant: Tenant, since: datetime, *, flags: bool = True) -> dict[int | None, int]:
    """How many flags each owner was given since then, also those that gave way to trouble; None: accounts without a
    CSM. Without `flags`: plays that a date alone began, which have a week of their own."""
    was_given = Q(state=State.GIVEN) | Q(state=State.DROPPED, recommendation__isnull=False)
    rows = Cue.objects.for_tenant(tenant).filter(was_given, is_flag=flags, ended_at__gte=since)
    counted = rows.order_by("given_to_id").values("given_to_id").annotate(count=Count("pk"))
    return {row["given_to_id"]: row["count"] for row in counted}


def waiting(tenant: Tenant) -> QuerySet[Cue]:
    """Whatever waits for its turn: flags, and terms that the date alone speaks for."""
    return Cue.objects.for_tenant(tenant).filter(state=State.WAITING)


def flags_waiting(tenant: Tenant) -> QuerySet[Cue]:
    return waiting(tenant).filter(is_flag=True)


class Waits(NamedTuple):
    """One term that the date alone speaks for and whose place is free."""

    pk: int
    account_id: int
    owner_id: int | None
    ends: date
    arr: Decimal | None  # in the tenant's currency; None: no rate, or not known


def dates_waiting(tenant: Tenant) -> list[Waits]:
    """Of accounts without an open suggestion: an account has one, and what is there comes first."""
    taken = Recommendation.objects.for_tenant(tenant).filter(
        account=OuterRef("account_id"), state__in=Recommendation.OPEN
    )
    arr = AccountHealth.objects.for_tenant(tenant).filter(account=OuterRef("account_id"))
    rows = waiting(tenant).filter(~Exists(taken), kind=Kind.RENEWAL, is_flag=False)
    found = rows.annotate(arr=Subquery(arr.values("arr_reporting")[:1]))
    values = found.values_list("pk", "account_id", "account__owner_id", "ends", "arr")
    return [Waits(pk, account, owner, ends, sum_) for pk, account, owner, ends, sum_ in values if ends]


def terms_gone(tenant: Tenant, run: ScoreRun) -> QuerySet[Cue]:
    """What waits for a term that is over, or that no longer ends on the account's renewal date."""
    standing = AccountHealth.objects.for_tenant(tenant).filter(
        account=OuterRef("account_id"), renewal_date=OuterRef("ends")
    )
    return waiting(tenant).filter(Q(ends__lt=run.as_of) | ~Exists(standing), kind=Kind.RENEWAL)


def owners_of_movable(tenant: Tenant, run: ScoreRun, model: ChurnModel | None) -> set[int | None]:
    """Owners of flags that need not wait longer for their chance or their place; None: an account without a CSM.

    What has lost its chance is to be forgotten; otherwise the chance is of this scoring and version with nothing
    missing for it (that it is pooled is no lack, see pooling.words.is_late), and a term's place is not taken.
    """
    known = AccountHealth.objects.for_tenant(tenant).filter(
        account_id=OuterRef("account_id"), p90__isnull=False
    )
    is_whole = Q(chance_flags=[]) | Q(chance_flags__len=1, chance_flags__0__startswith=FLAG)
    sure = known.filter(is_whole, as_of=run.as_of, model_id=model.pk) if model is not None else known.none()
    taken = Recommendation.objects.for_tenant(tenant).filter(
        account=OuterRef("account_id"), state__in=Recommendation.OPEN
    )
    has_place = ~Q(kind=Kind.RENEWAL) | ~Exists(taken)
    rows = flags_waiting(tenant).filter(~Exists(known) | Q(Exists(sure)) & has_place)
    return set(rows.order_by().values_list("account__owner_id", flat=True).distinct())


def waiting_for_update(tenant: Tenant, *, full: Collection[int | None]) -> list[Cue]:
    """The flags of owners who have room, locked, with account and playbook."""
    rows = flags_waiting(tenant).select_related("account", "account__owner", "playbook")
    has_room = ~Q(account__owner__in=[each for each in full if each is not None])
    if None in full:
        has_room &= Q(account__owner__isnull=False)
    else:
        has_room |= Q(account__owner__isnull=True)
    return list(rows.filter(has_room).select_for_update(of=("self",), skip_locked=True).order_by("pk"))


def rises_for_update(tenant: Tenant, account_ids: Iterable[int]) -> dict[int, Cue]:
    """The rise that waits on each of these accounts, locked."""
    rows = waiting(tenant).filter(kind=Kind.RISK, account_id__in=list(account_ids))
    return {row.account_id: row for row in rows.select_for_update().order_by("pk")}


def held_signals(tenant: Tenant, *, what: str, account_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What is kept of these accounts while a source is away."""
    rows = PausedAutomation.objects.for_tenant(tenant).filter(
        what=what, ended_at=None, account_id__in=list(account_ids)
    )
    return dict(rows.values_list("account_id", "signal"))


def waiting_of(tenant: Tenant, account: str) -> Any:
    """What waits for its turn on the account of an outer row, as JSON; a level before a term."""
    found = JSONObject(kind="kind", was="was", level="level", as_of="as_of", ends="ends", is_flag="is_flag")
    mine = waiting(tenant).filter(account=OuterRef(account)).order_by("-kind", "pk")
    return mine.values(found=found)[:1]


def asked_of(tenant: Tenant, *, account_id: int) -> dict[str, Any]:
    """What is asked for on an account, in one statement: `suggested`, the play that waits for an answer, and `waits`,
    the flag that is not given yet."""
    suggested = Recommendation.objects.for_tenant(tenant).filter(
        account=OuterRef("pk"), state__in=Recommendation.OPEN
    )
    rows = Account.objects.for_tenant(tenant).filter(pk=account_id)
    found = rows.values(
        suggested=Subquery(suggested.values("playbook__name")[:1]), waits=Subquery(waiting_of(tenant, "pk"))
    )
    return dict(found.get())


def open_on(tenant: Tenant, trigger: str, account_ids: Iterable[int] | None = None) -> list[Recommendation]:
    """Open suggestions of playbooks that answer to this, on these accounts or on all, locked."""
    rows = Recommendation.objects.for_tenant(tenant).filter(
        state__in=Recommendation.OPEN, playbook__trigger_on=trigger
    )
    if account_ids is not None:
        rows = rows.filter(account_id__in=list(account_ids))
    return list(rows.select_for_update(of=("self",)).select_related("account", "playbook").order_by("pk"))


# --- terms ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """The main term of an account: the largest one that ends on its renewal date."""

    key: str  # its external id, so that a corrected date is no new term; its last day where it has no row
    ends: date


def ending(tenant: Tenant, run: ScoreRun, *, days: int, after: int, limit: int) -> list[AccountHealth]:
    """Accounts of the newest scoring whose main term ends within so many days, by id from `after` on."""
    rows = AccountHealth.objects.for_tenant(tenant).filter(
        as_of=run.as_of, renewal_date__gte=run.as_of, renewal_date__lte=run.as_of + timedelta(days=days),
        account_id__gt=after,
    )  # fmt: skip
    return list(rows.order_by("account_id")[:limit])


def main_terms(tenant: Tenant, rows: Iterable[AccountHealth], as_of: date) -> dict[int, Term]:
    """The main term of each account, by account. Left out: terms that roll on, those that a later term of the same
    product already follows, begun or not, and those that an outcome calls renewed."""
    ends = {row.account_id: row.renewal_date for row in rows if row.renewal_date is not None}
    day_at = datetime.combine(as_of, time(), UTC)
    renewed = _renewed(tenant, ends, day_at)
    by_account: dict[int, list[Subscription]] = {}
    known = Subscription.objects.for_tenant(tenant).filter(account_id__in=list(ends), renewal_date__gte=as_of)
    for each in known.order_by("account_id", "-arr", "external_id"):
        by_account.setdefault(each.account_id, []).append(each)
    found = {}
    for account_id, last in ends.items():
        terms = by_account.get(account_id, [])
        main = next((each for each in terms if each.renewal_date == last and each.started_at < day_at), None)
        if main is None:
            found[account_id] = Term(str(last), last)
            continue
        is_decided = (account_id, main.external_id) in renewed or _is_followed(main, terms)
        if (last - main.started_at.date()).days > LEAST_TERM_DAYS and not is_decided:
            found[account_id] = Term(main.external_id, last)
    return found


def _renewed(tenant: Tenant, account_ids: Iterable[int], before: datetime) -> set[tuple[int, str]]:
    """(account, term) of what an outcome called renewed by then."""
    rows = Outcome.objects.for_tenant(tenant).filter(
        account_id__in=list(account_ids), kind="renewed", effective_at__lt=before
    )
    return set(rows.values_list("account_id", "subscription_external_id"))


def _is_followed(main: Subscription, terms: list[Subscription]) -> bool:
    return any(
        each.product == main.product
        and each.started_at > main.started_at
        and each.renewal_date > main.renewal_date
        for each in terms
    )


def told_of(tenant: Tenant, account_ids: Iterable[int]) -> dict[tuple[int, str], list[Cue]]:
    """What was told of each account's terms, by account and term."""
    rows = Cue.objects.for_tenant(tenant).filter(kind=Kind.RENEWAL, account_id__in=list(account_ids))
    found: dict[tuple[int, str], list[Cue]] = {}
    for row in rows.select_related("playbook"):
        found.setdefault((row.account_id, row.term), []).append(row)
    return found
