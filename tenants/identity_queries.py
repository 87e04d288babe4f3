"""Reads of service identities and their tokens."""

from django.db.models import QuerySet
from django.utils import timezone

from tenants.identity_models import ServiceIdentity, ServiceToken
from tenants.models import Tenant


def identities(tenant: Tenant) -> QuerySet[ServiceIdentity]:
    """The programs let in, those that ended last."""
    return ServiceIdentity.objects.for_tenant(tenant).order_by("-ended_at", "name", "pk")


def identity(tenant: Tenant, *, identity_id: int) -> ServiceIdentity | None:
    return ServiceIdentity.objects.for_tenant(tenant).filter(pk=identity_id).first()


def identity_for_update(tenant: Tenant, *, identity_id: int) -> ServiceIdentity:
    return ServiceIdentity.objects.for_tenant(tenant).select_for_update().get(pk=identity_id)


def is_name_taken(tenant: Tenant, name: str) -> bool:
    return ServiceIdentity.objects.for_tenant(tenant).filter(name=name, ended_at=None).exists()


def tokens_of(tenant: Tenant) -> QuerySet[ServiceToken]:
    """All tokens of the tenant, newest first."""
    return ServiceToken.objects.filter(tenant=tenant).order_by("-pk")


def working_tokens(tenant: Tenant, *, identity_id: int) -> QuerySet[ServiceToken]:
    """Those of one identity that open something now, the newest first."""
    rows = tokens_of(tenant).filter(identity_id=identity_id)
    return rows.filter(revoked_at=None, expires_at__gt=timezone.now())


def token_by_key(key: str) -> ServiceToken | None:
    """The token of that public key, in whatever tenant: it is what says which one (ADR 0014)."""
    return ServiceToken.objects.select_related("tenant").filter(key=key).first()
