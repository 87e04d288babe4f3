"""The kernel's own meters: files kept for a tenant, and calls of its services."""

import os
from datetime import date
from pathlib import Path

from django.conf import settings

from tenants import quotas
from tenants.models import Tenant

API_CALLS, STORAGE = "api_calls", "storage"


def register() -> None:
    quotas.register(
        quotas.Meter(
            STORAGE, "Storage", "bytes", _files, order=40, per=10**9, monthly=False,
            help="Files kept now: uploads that wait or can be read again, and exports. Rows are counted above.",
            refused="An upload that does not fit is refused.",
        )
    )  # fmt: skip
    quotas.register(
        quotas.Meter(
            API_CALLS, "API calls", "calls", quotas.counted(API_CALLS), order=50, per=1000,
            help="Calls with a service token, whatever became of them.",
            refused="Calls are answered 429 until the next month; SCIM is not, so that leavers get out.",
        )
    )  # fmt: skip


def _files(tenant: Tenant, month: date) -> quotas.BySource:
    """What lies in the tenant's folders now; an upload that is still arriving is not there yet."""
    folders = {"Uploads": settings.UPLOAD_DIR, "Exports": settings.EXPORT_DIR}
    found = {label: _size(Path(folder) / str(tenant.pk)) for label, folder in folders.items()}
    return {label: size for label, size in found.items() if size}


def _size(folder: Path) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(
                each.stat(follow_symlinks=False).st_size
                for each in entries
                if each.is_file(follow_symlinks=False) and not each.name.endswith(".part")
            )
    except FileNotFoundError:  # nothing was ever kept, or it was tidied away while we looked
        return 0
