"""What a suggested play is called and why it was made. The app that suggests stands above this one and tells."""

from collections.abc import Callable
from dataclasses import dataclass

from tenants.models import Tenant

SUGGESTED = "Suggested play"


@dataclass(frozen=True)
class Suggestion:
    """The newest one of a playbook at an account, as it was made."""

    name: str
    causes: tuple[str, ...]

    @property
    def words(self) -> str:
        """The name, then on a line of its own what spoke for it; see `name_in`."""
        return f"{self.name}\n{'; '.join(self.causes)}".strip()


Look = Callable[..., Suggestion | None]
_look: list[Look] = []


def set_provider(look: Look) -> None:
    """`look(tenant, account_id=…, playbook_id=…)`. Call it in AppConfig.ready."""
    _look[:] = [look]


def suggestion(tenant: Tenant, *, account_id: int, playbook_id: int) -> Suggestion | None:
    """None for a playbook that was never suggested there."""
    return _look[0](tenant, account_id=account_id, playbook_id=playbook_id) if _look else None


def name_in(words: str) -> str:
    """`Suggested play: New champion`, out of the words that an answer keeps; answers from before had none."""
    name = words.partition("\n")[0]
    return f"{SUGGESTED}: {name}" if name else SUGGESTED
