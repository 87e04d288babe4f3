"""Reads of the cohorts: who reads which accounts, when each began to be followed and left, and what is stored."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import connection

from accounts.queries import visible_accounts
from scoring.cohorts.models import AssociationReport, CohortReport
from scoring.models import ChurnModel
from tenants.access import Right, can
from tenants.models import Membership, Tenant
from tenants.queries import people

EVERYTHING = ""
MOST_VERSIONS = 12
MOST_REACHES = 300  # by night; who is beyond that finds the page empty

# The plan is that of the largest term that ran when somebody began to be followed: today's would favour those who
# stayed long enough to change it. Industry and size are kept as they are today only.
_FOLLOWED = """
WITH gone AS (
    SELECT account_id, min((effective_at AT TIME ZONE 'UTC')::date) AS day FROM accounts_outcome
    WHERE tenant_id = %(tenant)s AND kind = 'churned' AND effective_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY account_id
), entered AS (
    SELECT a.id, a.industry, a.segment, a.plan, a.customer_since, greatest(a.customer_since, %(since)s::date) AS entry,
           gone.day AS left_on
    FROM accounts_account a LEFT JOIN gone ON gone.account_id = a.id
    WHERE a.tenant_id = %(tenant)s AND a.customer_since < %(until)s
)
SELECT e.id, e.industry, e.segment, coalesce(term.plan, e.plan), e.entry - e.customer_since,
       coalesce(e.left_on + 1, %(until)s::date) - e.entry, e.left_on IS NOT NULL
FROM entered e
LEFT JOIN LATERAL (
    SELECT s.plan FROM accounts_subscription s
    WHERE s.tenant_id = %(tenant)s AND s.account_id = e.id AND s.plan <> '' AND s.renewal_date >= e.entry
      AND s.started_at < (e.entry + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY s.arr DESC, s.external_id LIMIT 1
) term ON true
WHERE e.left_on IS NULL OR e.left_on >= e.entry
ORDER BY e.id
"""


def followed(tenant: Tenant, *, since: date, until: date) -> list[tuple[Any, ...]]:
    """(account, industry, segment, plan, days as a customer at entry, days followed, left) of everybody who was a
    customer on or after `since`; from then, or from joining, until leaving or `until`. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOWED, {"tenant": tenant.pk, "since": since, "until": until})
        return list(cursor.fetchall())


def reach_of(viewer: Membership) -> str:
    """Under which key the accounts that somebody may see are kept; another scope, role or team is another key."""
    scope = [viewer.regions, viewer.segments, viewer.products, viewer.programmes]
    sees_all = can(viewer, Right.VIEW_ALL_ACCOUNTS)
    if sees_all and not any(scope):
        return EVERYTHING
    own = [] if sees_all else [viewer.pk, viewer.role, viewer.team_id]
    told = json.dumps([own, *(sorted(each) for each in scope)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def readers(tenant: Tenant) -> dict[str, Membership]:
    """One reader for each reach beside the whole workspace."""
    rows = people(tenant).filter(is_active=True).order_by("pk")
    found: dict[str, Membership] = {}
    for each in rows:
        if can(each, Right.VIEW_OUTCOMES):
            found.setdefault(reach_of(each), each)
    found.pop(EVERYTHING, None)
    return dict(list(found.items())[:MOST_REACHES])


def seen_by(tenant: Tenant, viewer: Membership) -> Iterator[int]:
    """Ids of the accounts that a reader may see; one statement."""
    return visible_accounts(tenant, viewer).order_by().values_list("pk", flat=True).iterator(chunk_size=5_000)


def report(tenant: Tenant, viewer: Membership) -> CohortReport | None:
    """What is stored of exactly the accounts that the viewer may see."""
    return CohortReport.objects.for_tenant(tenant).filter(reach=reach_of(viewer)).first()


def last_run_told_of(tenant: Tenant) -> int | None:
    """The run that the workspace's figures were worked out after."""
    rows = CohortReport.objects.for_tenant(tenant).filter(reach=EVERYTHING)
    return rows.values_list("run_id", flat=True).first()


def associations(tenant: Tenant) -> list[AssociationReport]:
    """What the newest versions' trainings found, newest first; of the versions only what names them."""
    rows = AssociationReport.objects.for_tenant(tenant).select_related("model")
    named = (
        "figures",
        "made_at",
        "tenant",
        "model__tenant",
        "model__version",
        "model__state",
        "model__as_of",
    )
    return list(rows.only(*named).order_by("-model__version")[:MOST_VERSIONS])


def newest_version(tenant: Tenant) -> ChurnModel | None:
    """Only what names it: for a page that has nothing else to tell."""
    rows = ChurnModel.objects.for_tenant(tenant).only("tenant", "version", "state").order_by("-version")
    return rows.first()
