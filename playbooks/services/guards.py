"""What every service of plays checks first, and the days it counts in."""

from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from accounts.queries import visible_account
from playbooks.exceptions import Missing, StaleRow
from tenants.access import Actor, Right, check_right
from tenants.models import Tenant


class Versioned(Protocol):
    version: int


def check_may_work(tenant: Tenant, *, by: Actor, account_id: int) -> None:
    """A person needs the right to work the queue and sight of the account; the system and commands pass."""
    viewer = by.membership
    if viewer is None:
        return
    if viewer.tenant_id != tenant.pk:
        raise Missing
    check_right(viewer, Right.WORK_QUEUE)
    if visible_account(tenant, viewer, account_id=account_id) is None:
        raise Missing


def check_version(row: Versioned, version: int) -> None:
    if row.version != version:
        raise StaleRow(row)


def local_day(tenant: Tenant, now: datetime) -> date:
    """The calendar day in the tenant's time zone: due days and snoozes are people's days, not score days."""
    return now.astimezone(ZoneInfo(tenant.time_zone)).date()
