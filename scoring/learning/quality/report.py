"""One day's figures put together: stored chances, versions, overrides."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from scoring import model_queries
from scoring.engine.validation import HORIZONS
from scoring.learning import labels, registry
from scoring.learning.quality import observed, overrides, stored, versions
from scoring.learning.training import plain
from scoring.models import ChurnModel
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

MONTHS = 15  # scored months that are looked at: a year of closed windows of 90 days
Tell = Callable[[int, int, str], None]


def report(tenant: Tenant, *, until: date, tell: Tell) -> dict[str, Any]:
    """Figures of everything known before `until`, the newest scored day. Opens its own short transactions."""
    since = until - timedelta(days=31 * MONTHS)
    with tenant_transaction(tenant.pk):
        scored = stored.scored(tenant, since=since, until=until)
        settings = model_queries.chance_settings(tenant)
        models = registry.versions(tenant)
        who = stored.people(tenant)
        known = labels.leavers(tenant, before=until)
        opinions = overrides.cases(tenant, until=until)
    rules = versions.rules(models, settings)
    runs = scored.runs
    tell(0, 3, "Reading what was said each month")
    months = stored.said(tenant, stored.monthly(runs, months=MONTHS), who=who, known=known, until=until)
    found = observed.observed(months, rules)
    tell(1, 3, "Reading what was said each week")
    weeks = stored.said(tenant, stored.weekly(runs), who=who, known=known, until=until)
    cut, cut_from = _cut(models, rules)
    tell(2, 3, "Measuring")
    made = {
        "known_until": str(until),
        "scored_from": str(runs[0].as_of) if runs else None,
        "afterwards": scored.told,
        "first_closes": _first_closes(found),
        "threshold": {"value": cut, "from": cut_from},
        "precision_wanted": float(settings.precision_wanted),
        "observed": found,
        "lead_time": observed.warning(weeks, known, cut=cut, until=labels.day_number(until)) if cut else None,
        "overrides": overrides.scored(opinions, until=until),
        "versions": versions.told(models),
    }
    whole: dict[str, Any] = plain(made)
    return whole


def _cut(models: list[ChurnModel], rules: observed.Rules) -> tuple[float | None, str]:
    """The threshold of 90 days of the version in force (else of the newest one shown), and whose it is."""
    shown = [row for row in models if row.state in ChurnModel.LIVE] or [
        row for row in models if row.is_usable
    ]
    if not shown:
        return None, ""
    return rules.cuts[shown[0].pk][HORIZONS.index(90)], str(shown[0])


def _first_closes(found: dict[str, Any]) -> dict[str, Any]:
    """For each horizon the first day on which a window of a shown chance is or was closed."""
    return {
        horizon: min(month["closes"] for month in each["months"])
        for horizon, each in found["horizons"].items()
        if each["months"]
    }
