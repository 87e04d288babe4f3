"""Jobs: score a day, learn who leaves, end overrides whose time is over."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from jobs import services as jobs
from jobs.runner import NeedsPerson
from scoring import features, follow_up, queries, services
from scoring.clock import utc_today
from scoring.exceptions import NoPolicy, NothingToScore
from scoring.model_queries import chance_settings, model_for
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

SCORE = "scoring.score"
EXPIRE_OVERRIDES = "scoring.expire_overrides"
TRAIN = "scoring.train"
BACKTEST = "scoring.backtest"
NIGHT = range(1, 5)  # hours, where the tenant works


def score(
    tenant: Tenant,
    progress: Any,
    *,
    as_of: str = "",
    at_night: bool = False,
    actor: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Score one day: the one given, or the day after the newest evidence.

    Harmless when run again: a run that broke off is never read, and unchanged figures add nothing.
    """
    from scoring import pipeline  # the maths is loaded by the worker alone

    day = date.fromisoformat(as_of) if as_of else _day_to_score(tenant, at_night=at_night)
    if day is None:
        return {"scored": 0, "message": "There is no evidence to score yet."}
    by = Actor(actor["kind"], actor["id"], actor["label"]) if actor else SYSTEM
    try:
        run = pipeline.score_day(tenant, as_of=day, by=by, progress=progress)
    except NothingToScore as nothing:
        return {"scored": 0, "message": str(nothing)}
    except NoPolicy as missing:
        raise NeedsPerson(str(missing)) from missing
    follow_up.ask(tenant, by=by)
    return {
        "scored": run.accounts,
        "as_of": str(day),
        "run": run.pk,
        "unchanged": run.is_unchanged,
        "url": reverse("scoring:scores", args=[tenant.slug]),
        "label": "See the scores",
    }


def score_newest_again(tenant: Tenant, *, by: Actor) -> None:
    """Ask for the newest day's scores: a version in force is seen at once, not from the next night on."""
    with tenant_transaction(tenant.pk):
        newest = queries.latest_as_of(tenant)
        if newest is not None:
            actor = {"kind": by.kind, "id": by.id, "label": by.label}
            args = {"as_of": str(newest), "actor": actor}
            # with another version, or other settings, it is other work: a job that runs has read the earlier ones
            live, decided = model_for(tenant, as_of=newest), chance_settings(tenant).row_version
            key = f"{SCORE}:{newest}:learnt:{live.pk if live else 0}:{decided}"
            jobs.enqueue(tenant, kind=SCORE, args=args, by=by, dedupe_key=key, is_new_work=False)


def _day_to_score(tenant: Tenant, *, at_night: bool) -> date | None:
    """Not beyond tomorrow, or a meeting entered for next month would move every countdown there.

    At night not beyond today, because the day that has just begun is hardly known. A later day that somebody scored
    by hand is scored again: lists show the newest day, so an older one would leave them as they were.
    """
    today = utc_today()
    with tenant_transaction(tenant.pk):
        newest = features.newest_evidence(tenant, until=today - timedelta(days=1) if at_night else today)
        scored = queries.latest_as_of(tenant)
    if newest is None:
        return None
    day = features.day_after(newest)
    return scored if scored is not None and day < scored <= today + timedelta(days=1) else day


def train(tenant: Tenant, progress: Any, **args: Any) -> dict[str, Any]:
    """Learn from what was known before `as_of` (the day after the newest evidence) and register a version."""
    return _learn(tenant, progress, kind=TRAIN, **args)


def backtest(tenant: Tenant, progress: Any, **args: Any) -> dict[str, Any]:
    """What past chances would have been worth; the report is the job's answer."""
    return _learn(tenant, progress, kind=BACKTEST, **args)


def _learn(tenant: Tenant, progress: Any, *, kind: str, as_of: str = "", **args: Any) -> dict[str, Any]:
    from scoring.learning import tasks as learning  # the maths is loaded by the worker alone

    day = date.fromisoformat(as_of) if as_of else _day_to_score(tenant, at_night=True)
    if day is None:
        return {"refused": True, "message": "There is no evidence to learn from yet."}
    return learning.run(tenant, progress, kind=kind, as_of=day, **args)


def is_time_to_train(tenant: Tenant) -> bool:
    """In the month's slot: a night, once anybody was seen to leave."""
    hour = datetime.now(ZoneInfo(tenant.time_zone)).hour
    return hour in NIGHT and queries.has_leavers(tenant)


def expire_overrides(tenant: Tenant, progress: Any) -> dict[str, int]:
    return {"ended": services.expire_overrides(tenant)}
