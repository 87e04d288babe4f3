"""What was done on an account before it left; the app of plays says at start-up how to read it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tenants.models import Tenant

PLAY, SUGGESTION = "play", "suggestion"


@dataclass(frozen=True)
class Deed:
    """A play that ran, or a suggestion and what became of it."""

    account_id: int
    kind: str  # PLAY or SUGGESTION
    name: str  # of the playbook
    state: str
    at: datetime  # when it was started or suggested
    ended_at: datetime | None  # closed or decided
    outcome: str  # of the play, or the reason of the decision
    by: str


Provider = Callable[[Tenant, Sequence[int]], list[Deed]]
_provider: list[Provider] = []


def set_provider(provider: Provider) -> None:
    """How to read the deeds of some accounts, oldest first, in one statement."""
    _provider[:] = [provider]


def deeds(tenant: Tenant, account_ids: Sequence[int]) -> dict[int, list[Deed]]:
    """The deeds of each of these accounts, oldest first; at most one statement."""
    found: dict[int, list[Deed]] = {account_id: [] for account_id in account_ids}
    for deed in _provider[0](tenant, account_ids) if _provider and account_ids else []:
        found[deed.account_id].append(deed)
    return found
