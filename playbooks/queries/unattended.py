"""What may start without a click: suggestions on accounts that are surely at risk, and what has started so lately."""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Exists, F, FloatField, OuterRef, QuerySet, Subquery

from accounts.queries import visible_accounts
from playbooks.models import Play, Playbook, Recommendation
from scoring import strength
from scoring.automation.earned import acting
from scoring.models import AccountHealth, ChurnModel
from scoring.queries import newest_run
from tenants.access import Right, can, is_scoped
from tenants.models import Membership, Tenant

AGAINST_A_LOSS = (Playbook.TriggerOn.LOW, Playbook.TriggerOn.RISK)


def automatic_model(tenant: Tenant) -> ChurnModel | None:
    """The version in force, if it was promoted to act by itself: also one from before skill was asked for.

    Whether it meets its gates now is another question (`scoring.automation.earned`).
    """
    model = acting(tenant)
    return None if model is None or strength.weakness(model.report) else model


def any_may_start_alone(tenant: Tenant) -> bool:
    """Whether a playbook in use is allowed to start without a click."""
    return Playbook.objects.for_tenant(tenant).filter(state=Playbook.State.ACTIVE, starts_alone=True).exists()


def earned(
    tenant: Tenant, *, model: ChurnModel, chance_from: Decimal, full: Collection[int], limit: int
) -> QuerySet[Recommendation]:
    """Suggestions that wait, locked, the likeliest to leave first, each with its account's chance as `chance`.

    Of accounts of the newest scoring, with a chance of this model that nothing was missing for, an owner, and no
    override: where a person has spoken, a person goes on. What was started once and taken back is not started again.
    Nothing stands before others that could not start: of owners who have their share (`full`), who work no queue or do
    not see the account, and where a play of the same playbook runs on it.
    """
    run = newest_run(tenant)
    if run is None:
        return Recommendation.objects.for_tenant(tenant).none()
    sure = AccountHealth.objects.for_tenant(tenant).filter(
        account_id=OuterRef("account_id"), as_of=run.as_of, model_id=model.pk,
        p90__gte=chance_from, chance_flags=[], override_health=None, override_band="",
    )  # fmt: skip
    before = Play.objects.for_tenant(tenant).filter(recommendation_id=OuterRef("pk"))
    running = Play.objects.for_tenant(tenant).filter(
        account_id=OuterRef("account_id"), playbook_id=OuterRef("playbook_id"), state__in=Play.OPEN
    )
    rows = Recommendation.objects.for_tenant(tenant).filter(
        ~Exists(before), ~Exists(running), state=Recommendation.State.SUGGESTED, account__owner__isnull=False,
        playbook__state=Playbook.State.ACTIVE, playbook__starts_alone=True,
        playbook__trigger_on__in=AGAINST_A_LOSS,
    )  # fmt: skip
    chance = Subquery(sure.values("p90")[:1], output_field=FloatField())
    found = _owner_can_stop_it(tenant, rows.annotate(chance=chance).filter(chance__isnull=False), full)
    return (
        found.select_related("account", "playbook", "account__owner")
        .select_for_update(of=("self",), skip_locked=True)
        .order_by(F("chance").desc(), "pk")[:limit]
    )


def _owner_can_stop_it(
    tenant: Tenant, found: QuerySet[Recommendation], full: Collection[int]
) -> QuerySet[Recommendation]:
    """Those on accounts whose owner works queues and sees them; a scope may hide one. A scope is asked only where its
    owner has something here, so that what is locked does not grow with the team."""
    people = Membership.objects.filter(tenant=tenant, is_active=True, user__is_active=True).select_related(
        "user"
    )
    free = [each for each in people if each.user_id not in full and can(each, Right.WORK_QUEUE)]
    scoped = {each.user_id: each for each in free if is_scoped(each)}
    theirs: dict[int, set[int]] = {}
    if scoped:
        mine = found.filter(account__owner__in=list(scoped))
        for owner, account_id in mine.values_list("account__owner_id", "account_id"):
            theirs.setdefault(owner, set()).add(account_id)
    hidden: set[int] = set()
    for owner, ids in theirs.items():
        seen = visible_accounts(tenant, scoped[owner]).filter(pk__in=ids)
        hidden |= ids - set(seen.values_list("pk", flat=True))
    return found.filter(account__owner__in=[each.user_id for each in free]).exclude(account__in=list(hidden))


def started_alone(tenant: Tenant, *, since: datetime) -> dict[int, int]:
    """How many plays began without a click since then, by owner."""
    rows = Play.objects.for_tenant(tenant).filter(is_unattended=True, created_at__gte=since)
    counted = rows.exclude(owner=None).order_by("owner_id").values("owner_id").annotate(count=Count("pk"))
    return {row["owner_id"]: row["count"] for row in counted}


def workers(tenant: Tenant, user_ids: Iterable[int]) -> dict[int, Membership]:
    """Those of these people who work queues here, by user."""
    rows = Membership.objects.filter(tenant=tenant, user__in=set(user_ids), is_active=True)
    return {row.user_id: row for row in rows.select_related("user") if can(row, Right.WORK_QUEUE)}
