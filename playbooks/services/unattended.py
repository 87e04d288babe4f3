"""Plays that start without a click, where the model has earned it and the account is surely at risk.

The version in force must be automatic and meet every gate of the newest scoring, every source must be there, the
playbook must allow it, the account's own chance must reach the workspace's limit, and nobody may have overridden its
score. An owner is given no more of them a week than the workspace lets be flagged. What costs money still waits for a
person: a concession is a step that somebody asks for.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.queries import visible_account
from playbooks.models import Play, Recommendation
from playbooks.queries import unattended as queries
from playbooks.queries.recommendations import open_play_of
from playbooks.services.decisions import begin
from scoring.automation import earned
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChurnModel
from scoring.people.notices import tell
from tenants.access import Actor
from tenants.models import Membership, Tenant

BY_ITSELF = Actor("system", "unattended", "Holdfast, by itself")
AT_MOST = 200  # in one run of the job; the rest goes on in the next one
A_WEEK = timedelta(days=7)


def may_start_any(tenant: Tenant) -> bool:
    """Whether anything may begin by itself here now."""
    if not queries.any_may_start_alone(tenant):
        return False
    model = queries.automatic_model(tenant)
    return model is not None and not earned.against(tenant, model)


@transaction.atomic
def start_earned(tenant: Tenant, *, now: datetime | None = None) -> int:
    """Accept in the owner's place what has earned it; how many plays. Repeating it starts none twice."""
    now = now or timezone.now()
    model = queries.automatic_model(tenant)
    if model is None or earned.against(tenant, model):
        return 0
    settings = chance_settings(tenant)
    given = queries.started_alone(tenant, since=now - A_WEEK)
    full = [owner for owner, count in given.items() if count >= settings.flags_per_csm_week]
    rows = list(
        queries.earned(tenant, model=model, chance_from=settings.own_chance_from, full=full, limit=AT_MOST)
    )
    workers = queries.workers(tenant, (row.account.owner_id or 0 for row in rows))
    started = 0
    for row in rows:
        owner = row.account.owner_id or 0
        if given.get(owner, 0) >= settings.flags_per_csm_week or not _can_stop_it(tenant, workers, row):
            continue
        _start(tenant, row, model, settings, now)
        given[owner], started = given.get(owner, 0) + 1, started + 1
    return started


def _can_stop_it(tenant: Tenant, workers: dict[int, Membership], row: Recommendation) -> bool:
    """Whether its owner works the queue and sees the account (a scope may hide it), and it does not run already."""
    owner = workers.get(row.account.owner_id or 0)
    if owner is None or visible_account(tenant, owner, account_id=row.account_id) is None:
        return False
    return open_play_of(tenant, account_id=row.account_id, playbook_id=row.playbook_id) is None


def _start(
    tenant: Tenant, row: Recommendation, model: ChurnModel, settings: ChanceSettings, now: datetime
) -> Play:
    chance = float(row.chance)  # type: ignore[attr-defined]  # annotated by the query
    why = {
        "chance_90": round(chance, 6),
        "needed": float(settings.own_chance_from),
        "model_version": model.version,
    }
    play = begin(tenant, row, by=BY_ITSELF, now=now, unattended=why)
    tell(
        tenant,
        user=row.account.owner,
        kind="play_started_alone",
        text=(
            f"{row.playbook} started by itself at {row.account}: a chance of leaving within 90 days of {chance:.0%}. "
            "If it does not fit, stop it on its page."
        ),
        account_id=row.account_id,
    )
    return play
