"""The tenant boundary in Python: an active tenant, managers that raise without one, and the base of every owned table.

PostgreSQL's row-level security stands under this and would hold alone; this would hold alone too (ADR 0002).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, models, transaction
from django.forms import ModelChoiceField
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from tenants.models import Tenant

_active: ContextVar[int | None] = ContextVar("active_tenant", default=None)


class NoActiveTenant(RuntimeError):
    """A tenant-owned table was asked without saying for which tenant."""


def active_tenant_id() -> int:
    """The tenant this code runs for; raises NoActiveTenant where none was set."""
    tenant_id = _active.get()
    if tenant_id is None:
        raise NoActiveTenant("no tenant is active: use tenant_context(), or .for_tenant(tenant)")
    return tenant_id


def has_active_tenant() -> bool:
    return _active.get() is not None


@contextmanager
def tenant_context(tenant_id: int) -> Iterator[None]:
    """Run the block for one tenant, in Python and in the database.

    Needs an open transaction: the setting lives for one transaction, and outside of one PostgreSQL
    forgets it at once. The old value is set back at the end, because a released savepoint keeps the new one.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("tenant_context() needs an open transaction")
    before = _active.get()
    token = _active.set(tenant_id)
    _set_in_database(tenant_id)
    try:
        yield
    finally:
        _active.reset(token)
        if _can_still_be_asked():
            _set_in_database(before)


def _can_still_be_asked() -> bool:
    """Not after a failed statement: asking again would hide the error, and the rollback resets the setting anyway."""
    if not connection.in_atomic_block or connection.needs_rollback or connection.connection is None:
        return False
    status = connection.connection.info.transaction_status
    return bool(status == TransactionStatus.INTRANS)


@contextmanager
def tenant_transaction(tenant_id: int) -> Iterator[None]:
    """One transaction for one tenant: what jobs and commands wrap their work in."""
    with transaction.atomic(), tenant_context(tenant_id):
        yield


def _set_in_database(tenant_id: int | None) -> None:
    with connection.cursor() as cursor:
        value = "" if tenant_id is None else str(tenant_id)
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [value])


Row = TypeVar("Row", bound=models.Model, covariant=True)


class TenantManager(models.Manager[Row]):
    """Rows of the active tenant only; `for_tenant` states the same tenant explicitly."""

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().filter(tenant_id=active_tenant_id())

    def for_tenant(self, tenant: "Tenant") -> models.QuerySet[Row]:
        """Rows of `tenant`, which row-level security also demands to be the transaction's tenant."""
        return super().get_queryset().filter(tenant_id=tenant.pk)

    def across_tenants(self) -> models.QuerySet[Row]:
        """All tenants' rows, for sweeps of the worker role alone; listed by name in the guard test."""
        return super().get_queryset()


class TenantModel(models.Model):
    """A row that belongs to one tenant. SecureTables gives its table the policies and keys (ADR 0002)."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "_unscoped"

    _unscoped = models.Manager()


class TenantForeignKey(models.ForeignKey[Any, Any]):
    """A reference inside one tenant: SecureTables makes it a composite key with tenant_id, and its index."""

    def __init__(self, to: Any, on_delete: Any, **options: Any) -> None:
        options.setdefault("related_name", "+")
        options["db_constraint"] = False
        options["db_index"] = False
        super().__init__(to, on_delete, **options)

    def formfield(self, **options: Any) -> Any:
        """Choices are the active tenant's rows. A form class, which is made at import, starts with none."""
        if has_active_tenant() or "queryset" in options:
            return super().formfield(**options)
        target: Any = self.remote_field.model
        # not the key's own version, which asks the manager and would raise
        without_key: Any = super(models.ForeignKey, self)
        return without_key.formfield(
            form_class=ModelChoiceField,
            queryset=target._unscoped.none(),
            to_field_name=self.remote_field.field_name,
            blank=self.blank,
            **options,
        )
