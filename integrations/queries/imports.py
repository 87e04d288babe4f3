"""Reads of imports: bundles, the reports on their files, the rows set aside."""

from django.db import connection
from django.db.models import Q, QuerySet

from integrations.models import BundleFile, BundleImport, QuarantinedRow
from tenants.models import Tenant


def bundles(tenant: Tenant) -> QuerySet[BundleImport]:
    """All imports, newest first."""
    return BundleImport.objects.for_tenant(tenant).select_related("job").order_by("-created_at", "-pk")


def bundle(tenant: Tenant, *, bundle_id: int) -> BundleImport | None:
    return BundleImport.objects.for_tenant(tenant).select_related("job").filter(pk=bundle_id).first()


def bundle_for_update(tenant: Tenant, *, bundle_id: int) -> BundleImport:
    rows = BundleImport.objects.for_tenant(tenant).select_related("tenant", "job")
    return rows.select_for_update(of=("self",)).get(pk=bundle_id)


def files_of(tenant: Tenant, *, bundle_id: int) -> QuerySet[BundleFile]:
    """The reports, in the order in which the files were brought in."""
    return BundleFile.objects.for_tenant(tenant).filter(bundle_id=bundle_id).order_by("pk")


def reported_files(tenant: Tenant, *, bundle_id: int) -> set[str]:
    return set(files_of(tenant, bundle_id=bundle_id).values_list("file", flat=True))


def rejected_rows(tenant: Tenant, *, bundle_id: int) -> QuerySet[QuarantinedRow]:
    """The rows set aside, in the order of files and lines."""
    return QuarantinedRow.objects.for_tenant(tenant).filter(bundle_id=bundle_id).order_by("pk")


def rows_to_mend(tenant: Tenant, *, bundle_id: int) -> QuerySet[QuarantinedRow]:
    """What the download holds: neither rows that landed since, nor discarded ones; of a trial run all."""
    states = QuarantinedRow.State
    settled = Q(state=states.RETRIED) | Q(state=states.DISCARDED, bundle__dry_run=False)
    return rejected_rows(tenant, bundle_id=bundle_id).exclude(settled)


def parents_of_accounts(tenant: Tenant) -> dict[str, str]:
    """External id to the parent's, of all accounts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, parent_external_id FROM accounts_account WHERE tenant_id = %s", [tenant.pk]
        )
        return dict(cursor.fetchall())
