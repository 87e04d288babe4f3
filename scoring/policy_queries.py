"""Reads for the pages and services of health policies."""

from collections.abc import Sequence

from django.db.models import Case, IntegerField, QuerySet, Value, When

from accounts.models import Account
from scoring.models import HealthPolicy, PolicyIndicator
from tenants.models import Tenant


def policy(tenant: Tenant, *, policy_id: int) -> HealthPolicy | None:
    return HealthPolicy.objects.for_tenant(tenant).filter(pk=policy_id).first()


def all_policies(tenant: Tenant) -> QuerySet[HealthPolicy]:
    """Every version: what is in force first, then drafts, then the retired from new to old."""
    place = Case(
        When(state="published", then=Value(0)),
        When(state="draft", then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = HealthPolicy.objects.for_tenant(tenant).annotate(place=place)
    return rows.order_by("place", "segment", "-version")


def rows_of(tenant: Tenant, policy: HealthPolicy) -> QuerySet[PolicyIndicator]:
    """The indicators of a version, in the order they were made."""
    return PolicyIndicator.objects.for_tenant(tenant).filter(policy=policy).order_by("id")


def account_names(tenant: Tenant, account_ids: Sequence[int]) -> dict[int, str]:
    return dict(Account.objects.for_tenant(tenant).filter(pk__in=account_ids).values_list("pk", "name"))
