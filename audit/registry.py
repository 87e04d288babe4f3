"""What the apps above tell audit at start-up: which events a person may see, and who reads the log along."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from audit.events import Event
from tenants.models import Membership, Tenant

# (tenant, viewer) -> a queryset of account ids, used as a subquery
AccountVisibility = Callable[[Tenant, Membership], Any]
# (tenant, viewer) -> a condition on AuditEvent
EventVisibility = Callable[[Tenant, Membership], Q]
Handler = Callable[[Tenant, list[Event]], None]


@dataclass(frozen=True)
class Consumer:
    """A reader of the log with a cursor per tenant. Its handler gets each event of these verbs at least once."""

    name: str
    verbs: tuple[str, ...]
    handler: Handler


consumers: dict[str, Consumer] = {}
_visibility: dict[str, EventVisibility] = {}
_accounts: list[AccountVisibility] = []


def set_account_visibility(provider: AccountVisibility) -> None:
    """The accounts a person may see: `accounts` registers it, and events of an account follow it."""
    _accounts[:] = [provider]


def account_visibility() -> AccountVisibility | None:
    return _accounts[0] if _accounts else None


def register_visibility(object_type_prefix: str, provider: EventVisibility) -> None:
    """Who else may see events without an account whose object type starts so; by default only those who see all."""
    _visibility[object_type_prefix] = provider


def visibility() -> dict[str, EventVisibility]:
    return dict(_visibility)


def add_consumer(name: str, verbs: Sequence[str], handler: Handler) -> None:
    consumers[name] = Consumer(name, tuple(verbs), handler)
