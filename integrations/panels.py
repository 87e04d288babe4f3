"""What integrations put on the account page."""

from typing import Any

from accounts.models import Account
from accounts.panels import Panel, register
from integrations.queries import outbound as queries
from tenants.access import Right, can
from tenants.models import Membership, Tenant

SHOWN = 6


def written_back_context(tenant: Tenant, viewer: Membership, account: Account) -> dict[str, Any]:
    """Read-only for who sees the account; the log itself is for those who run the integrations."""
    writes = list(queries.for_account(tenant, viewer, account)[:SHOWN])
    return {"writes": writes, "may_open": can(viewer, Right.INTEGRATIONS)}


def register_panels() -> None:
    """Called once at start-up."""
    register(
        Panel(
            "written-back",
            "Written back",
            70,
            "integrations/outbound/_account_panel.html",
            written_back_context,
            column="rail",
            lazy=True,
        )
    )
