"""The nightly look at who may see what."""

from typing import Any

from accounts import grants
from audit import services as audit
from tenants.access import SYSTEM
from tenants.models import Tenant


def grants_drift(tenant: Tenant, progress: Any) -> dict[str, int]:
    """How far owners and grants had drifted from the facts; what had is put right and goes on record.

    A grant too many shows an account to the wrong person, so it does not wait for somebody to read a report.
    """
    found = grants.drift(tenant)
    if any(found.values()):
        audit.record(
            tenant,
            verb="accounts.grants_drifted",
            by=SYSTEM,
            object_type="tenants.tenant",
            object_id=str(tenant.pk),
            object_label=str(tenant),
            after=found,
        )
        grants.sync(tenant)
    return found
