"""Writes of the sign-in that somebody asks for."""

from django.db import transaction

from audit import services as audit
from config import secrets
from signin import queries, records, sessions
from signin.adapters import SEALED_FOR
from signin.models import GroupRole
from tenants.access import Actor
from tenants.models import Membership, Tenant


@transaction.atomic
def end_for_member(tenant: Tenant, *, membership: Membership, by: Actor) -> int:
    """End every session of a member; how many there were. On record in this workspace."""
    count = sessions.end(membership.user)
    records.record_in(tenant, membership.user, "sessions_ended", by=by, why="ended by an admin", count=count)
    return count


@transaction.atomic
def remove_group(tenant: Tenant, *, row: GroupRole, by: Actor) -> None:
    """Take a group off the list: whom it made a member stays one until their next sign-in."""
    audit.record(
        tenant, verb="signin.group_removed", by=by, subject=row, before={"group": row.group, "role": row.role}
    )  # fmt: skip
    row.delete()


@transaction.atomic
def reseal_factors() -> int:
    """Every factor's secret under the key of today; how many were under an older one."""
    count = 0
    for factor in queries.sealed_factors():
        for name in ("secret", "seed"):
            stored = factor.data.get(name)
            if stored and not secrets.is_current(stored, purpose=SEALED_FOR):
                factor.data[name] = secrets.seal(
                    secrets.unseal(stored, purpose=SEALED_FOR), purpose=SEALED_FOR
                )
                factor.save(update_fields=["data"])
                count += 1
    return count
