"""What wakes plays up: jobs."""

from typing import Any

from playbooks import services
from tenants.models import Tenant


def start_play(tenant: Tenant, progress: Any, *, play_id: int) -> dict[str, str]:
    """The time for Undo is over."""
    return {"state": services.start_play(tenant, play_id=play_id).state}


def wake_snoozed(tenant: Tenant, progress: Any) -> dict[str, int]:
    """Each morning: the suggestions whose day has come."""
    return {"woken": services.wake_snoozed(tenant)}
