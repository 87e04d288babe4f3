"""Reads of suggested plays."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.models import Account
from accounts.queries import visible_accounts
from playbooks.models import Cue, Play, Playbook, Recommendation
from scoring.models import AccountHealth
from scoring.people.suggestions import Suggestion
from tenants.models import Membership, Tenant


def open_recommendations(tenant: Tenant, viewer: Membership) -> QuerySet[Recommendation]:
    """Suggestions that wait or sleep, on accounts that the viewer may see; the caller orders and pages."""
    return (
        Recommendation.objects.for_tenant(tenant)
        .filter(state__in=Recommendation.OPEN, account__in=visible_accounts(tenant, viewer).values("pk"))
        .select_related("account", "playbook")
    )


def recommendation(tenant: Tenant, viewer: Membership, *, recommendation_id: int) -> Recommendation | None:
    """One suggestion in any state, if its account is visible."""
    return (
        Recommendation.objects.for_tenant(tenant)
        .filter(pk=recommendation_id, account__in=visible_accounts(tenant, viewer).values("pk"))
        .select_related("account", "playbook")
        .first()
    )


def open_recommendation_of(tenant: Tenant, *, account_id: int) -> Recommendation | None:
    """The account's one open suggestion."""
    return (
        Recommendation.objects.for_tenant(tenant)
        .filter(account_id=account_id, state__in=Recommendation.OPEN)
        .first()
    )


def suggestion(tenant: Tenant, *, account_id: int, playbook_id: int) -> Suggestion | None:
    """The newest of that playbook at that account, whatever became of it: its name and what spoke for it."""
    rows = Recommendation.objects.for_tenant(tenant).filter(account_id=account_id, playbook_id=playbook_id)
    row = rows.select_related("playbook").order_by("-pk").first()
    if row is None:
        return None
    return Suggestion(
        row.playbook.name, tuple(text for each in row.cause if (text := str(each.get("text", ""))))
    )


def open_play_of(tenant: Tenant, *, account_id: int, playbook_id: int) -> Play | None:
    return (
        Play.objects.for_tenant(tenant)
        .filter(account_id=account_id, playbook_id=playbook_id, state__in=Play.OPEN)
        .first()
    )


def health_of(tenant: Tenant, account_id: int) -> Decimal | None:
    """The account's computed health as it stands."""
    return (
        AccountHealth.objects.for_tenant(tenant)
        .filter(account_id=account_id)
        .values_list("health", flat=True)
        .first()
    )


def bands_of(tenant: Tenant, account_ids: Iterable[int]) -> dict[int, str]:
    """The computed band of each of these accounts as it stands."""
    rows = AccountHealth.objects.for_tenant(tenant).filter(account_id__in=list(account_ids))
    return dict(rows.values_list("account_id", "band"))


# --- what the trigger reads, for many accounts at once -------------------------------------------


def active_playbooks(tenant: Tenant) -> list[Playbook]:
    """Those that may be suggested, in the order in which they are tried."""
    return list(
        Playbook.objects.for_tenant(tenant).filter(state=Playbook.State.ACTIVE).order_by("position", "pk")
    )


def known_accounts(tenant: Tenant, account_ids: Iterable[int]) -> dict[int, Account]:
    """Events outlive their accounts: only those that still exist."""
    return {row.pk: row for row in Account.objects.for_tenant(tenant).filter(pk__in=account_ids)}


def open_for_update(tenant: Tenant, account_ids: Iterable[int]) -> dict[int, Recommendation]:
    """The open suggestions of these accounts, locked lowest id first, as answers to many rows do."""
    rows = (
        Recommendation.objects.for_tenant(tenant)
        .select_for_update(of=("self",))
        .select_related("account", "playbook")
        .filter(account_id__in=account_ids, state__in=Recommendation.OPEN)
        .order_by("pk")
    )
    return {row.account_id: row for row in rows}


def snoozed_until(tenant: Tenant, day: date) -> QuerySet[Recommendation]:
    """Sleeping suggestions whose day has come, locked."""
    return (
        Recommendation.objects.for_tenant(tenant)
        .select_for_update(of=("self",))
        .select_related("account", "playbook")
        .filter(state=Recommendation.State.SNOOZED, snoozed_until__lte=day)
        .order_by("pk")
    )


def forget_cues(tenant: Tenant, *, recommendation_id: int) -> None:
    """What began this suggestion is told again when its time comes; a turn that it took stays taken, at its time."""
    rows = Cue.objects.for_tenant(tenant).filter(recommendation_id=recommendation_id, state=Cue.State.GIVEN)
    rows.update(state=Cue.State.DROPPED, ended_why="gave way to other trouble")


def running_playbooks(tenant: Tenant, account_ids: Iterable[int]) -> set[tuple[int, int]]:
    """(account, playbook) of every play that runs or is about to."""
    return set(
        Play.objects.for_tenant(tenant)
        .filter(account_id__in=account_ids, state__in=Play.OPEN)
        .values_list("account_id", "playbook_id")
    )


def answered_causes(
    tenant: Tenant, account_ids: Iterable[int], *, since: datetime
) -> list[tuple[int, int, list[dict[str, object]]]]:
    """(account, playbook, cause) of what people dismissed since then, and of plays that ended since then."""
    ids = list(account_ids)
    dismissed = Recommendation.objects.for_tenant(tenant).filter(
        account_id__in=ids, state=Recommendation.State.DISMISSED, decided_at__gte=since
    )
    ended = (
        Play.objects.for_tenant(tenant)
        .filter(account_id__in=ids, closed_at__gte=since, recommendation__isnull=False)
        .exclude(outcome=Play.UNDONE)
    )
    return [
        *dismissed.values_list("account_id", "playbook_id", "cause"),
        *ended.values_list("account_id", "playbook_id", "recommendation__cause"),
    ]
