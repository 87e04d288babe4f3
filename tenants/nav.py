"""The main navigation: each app registers its own destinations at start-up, so the frame imports none of them."""

from collections.abc import Callable
from dataclasses import dataclass

from tenants.models import Membership, Tenant
from tenants.roles import Right


@dataclass(frozen=True)
class Destination:
    """One entry; `count` gives a waiting number for this viewer, at the price of one query, or None."""

    label: str
    url_name: str
    order: int
    right: Right
    count: Callable[[Tenant, Membership], int | None] | None = None
    place: str = "main"  # "main": the bar; "menu": the person's menu


destinations: list[Destination] = []


def register(destination: Destination) -> None:
    """Add one destination, kept in order."""
    destinations.append(destination)
    destinations.sort(key=lambda each: each.order)
