"""The panels of the account page. Apps above register theirs at start-up, so the page imports none of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tenants.roles import Right

Context = Callable[..., dict[str, Any]]  # (tenant, viewer, account, what `narrows` names…)


@dataclass(frozen=True)
class Panel:
    """One panel: a template, and the context it needs for one account as one viewer may see it.

    The template gets `account`, `tenant` and the context. A lazy panel is fetched from its own URL when it comes into
    view; without JavaScript its link opens it. `narrows`: what of the address its context takes beside, in this order;
    where the address has the first of them, as links from reasons do, the panel is there at once.
    """

    key: str
    title: str
    order: int
    template: str
    context: Context
    column: Literal["head", "main", "rail"] = "main"
    right: Right = Right.VIEW_ACCOUNTS
    lazy: bool = False
    narrows: tuple[str, ...] = ()


panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Add a panel; a key is registered once."""
    if panel.key in panels:
        raise ValueError(f"the panel {panel.key} is registered twice")
    panels[panel.key] = panel


def in_order() -> list[Panel]:
    return sorted(panels.values(), key=lambda panel: panel.order)
