"""Jobs: score a day, end overrides whose time is over."""

from datetime import date
from typing import Any

from django.urls import reverse

from jobs.runner import NeedsPerson
from scoring import features, services
from scoring.clock import utc_today
from scoring.exceptions import NoPolicy, NothingToScore
from tenants.access import SYSTEM, Actor
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

SCORE = "scoring.score"
EXPIRE_OVERRIDES = "scoring.expire_overrides"


def score(
    tenant: Tenant, progress: Any, *, as_of: str = "", actor: dict[str, str] | None = None
) -> dict[str, Any]:
    """Score one day; by default the day after the newest evidence, but none that has not begun a day from now.

    Harmless when run again: a run that broke off is never read, and unchanged figures add nothing.
    """
    from scoring import pipeline  # the maths is loaded by the worker alone

    day = date.fromisoformat(as_of) if as_of else _day_to_score(tenant)
    if day is None:
        return {"scored": 0, "message": "There is no evidence to score yet."}
    by = Actor(actor["kind"], actor["id"], actor["label"]) if actor else SYSTEM
    try:
        run = pipeline.score_day(tenant, as_of=day, by=by, progress=progress)
    except NothingToScore as nothing:
        return {"scored": 0, "message": str(nothing)}
    except NoPolicy as missing:
        raise NeedsPerson(str(missing)) from missing
    return {
        "scored": run.accounts,
        "as_of": str(day),
        "run": run.pk,
        "unchanged": run.is_unchanged,
        "url": reverse("scoring:scores", args=[tenant.slug]),
        "label": "See the scores",
    }


def _day_to_score(tenant: Tenant) -> date | None:
    """Not beyond tomorrow: a meeting entered for next month must not move every countdown there."""
    with tenant_transaction(tenant.pk):
        newest = features.newest_evidence(tenant, until=utc_today())
        return None if newest is None else features.day_after(newest)


def expire_overrides(tenant: Tenant, progress: Any) -> dict[str, int]:
    return {"ended": services.expire_overrides(tenant)}
