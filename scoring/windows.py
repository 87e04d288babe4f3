"""Windows that a tenant sets itself: rows of its policy for all segments, one an indicator that has a window.

They hold for the whole tenant, for health and for what models learn, so that a value means the same everywhere. A
version of the chance of leaving goes on reading the windows that it was learnt over (`of_version`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from scoring.catalogue import BY_KEY, INDICATORS
from scoring.catalogue.base import recent_days
from scoring.models import HealthPolicy, PolicyIndicator
from tenants.models import Tenant

DECLARED = {each.key: each.window_days for each in INDICATORS if each.has_window}
NOW = ".now"  # after the key: days of the window that are now, where an indicator compares now with before
KEPT = "windows"  # of a version's report: days by indicator key
# indicator and days of the policy in force, for statements of panels that have none to spare; see `different`
IN_FORCE = """SELECT i.indicator, i.window_days FROM scoring_policyindicator i
                 JOIN scoring_healthpolicy p ON p.tenant_id = i.tenant_id AND p.id = i.policy_id
                WHERE i.tenant_id = %(tenant)s AND p.state = 'published' AND p.segment = ''
                  AND i.window_days IS NOT NULL"""


def spans(own: Mapping[str, int]) -> dict[str, int]:
    """Days of every window, and under `<key>.now` of its part that is now; statements name them so."""
    whole = DECLARED | dict(own)
    return whole | {f"{key}{NOW}": recent_days(days) for key, days in whole.items()}


def windows_of(policies: Iterable[HealthPolicy]) -> dict[str, int]:
    """Days by indicator key where they differ from the declared ones. A policy needs `.rows`."""
    base = next((policy for policy in policies if policy.segment == ""), None)
    return _own(base.rows if base is not None else ())


def in_force(tenant: Tenant) -> dict[str, int]:
    """The same of the policy in force; one query, in the tenant's transaction."""
    rows = PolicyIndicator.objects.for_tenant(tenant).filter(
        policy__state=HealthPolicy.State.PUBLISHED, policy__segment="", window_days__isnull=False
    )
    return _own(rows)


def in_force_column() -> Subquery:
    """The same beside another row of the tenant, for a page that has no statement to spare: `of_column` reads it."""
    rows = PolicyIndicator.objects.filter(
        tenant=OuterRef("tenant_id"), policy__state=HealthPolicy.State.PUBLISHED, policy__segment="",
        window_days__isnull=False,
    )  # fmt: skip
    each = JSONObject(key="indicator", days="window_days")
    return Subquery(rows.order_by().values("tenant_id").annotate(all=JSONBAgg(each)).values("all"))


def of_column(found: Sequence[Mapping[str, Any]] | None) -> dict[str, int]:
    """What `in_force_column` gave."""
    return different({each["key"]: each["days"] for each in found or ()})


def switched_off(policies: Iterable[HealthPolicy]) -> tuple[str, ...]:
    """Indicators that the policy of all segments has switched off: in no health and in no chance. Needs `.rows`."""
    base = next((policy for policy in policies if policy.segment == ""), None)
    return tuple(sorted(row.indicator for row in base.rows if not row.enabled)) if base is not None else ()


def off_in_force(tenant: Tenant) -> tuple[str, ...]:
    """The same of the policy in force; one query, in the tenant's transaction."""
    rows = PolicyIndicator.objects.for_tenant(tenant).filter(
        policy__state=HealthPolicy.State.PUBLISHED, policy__segment="", enabled=False
    )
    return tuple(sorted(rows.values_list("indicator", flat=True)))


def _own(rows: Iterable[PolicyIndicator]) -> dict[str, int]:
    return different({row.indicator: row.window_days for row in rows if row.window_days})


def different(days: Mapping[str, int]) -> dict[str, int]:
    """Of windows by key those that can be set and are not the declared ones."""
    return {key: each for key, each in days.items() if key in DECLARED and each != DECLARED[key]}


# --- what a version of the chance of leaving was learnt over ----------------------------------------


def kept_for(names: Iterable[str], own: Mapping[str, int]) -> dict[str, int]:
    """What a version that reads these features keeps in its report, learnt while `own` was in force."""
    whole = DECLARED | dict(own)
    return {name: whole[name] for name in names if name in whole}


def of_version(report: Mapping[str, Any], own: Mapping[str, int]) -> dict[str, int]:
    """The windows of one's own that a version must be read over, where `own` is in force.

    Only what it reads counts. One from before windows were kept goes by those in force.
    """
    kept = report.get(KEPT)
    if kept is None:
        return dict(own)
    now = DECLARED | dict(own)
    if all(now.get(key, days) == days for key, days in kept.items()):
        return dict(own)
    return different(kept)


def other_than(report: Mapping[str, Any], own: Mapping[str, int]) -> dict[str, int]:
    """The windows of a version, by key, that are not those of a day for which `own` was in force."""
    now = DECLARED | dict(own)
    return {key: days for key, days in (report.get(KEPT) or {}).items() if now.get(key, days) != days}


def changed_since(report: Mapping[str, Any], own: Mapping[str, int]) -> list[str]:
    """In words, what a version reads over other days than health does now; the label is that of the catalogue."""
    now = DECLARED | dict(own)
    return [
        f"{BY_KEY[key].label}: {days} days, now {now[key]}" for key, days in other_than(report, own).items()
    ]
