"""What the frame of every page shows: destinations and freshness, registered by the apps at start-up.

So the frame imports none of them, and a destination that no app brings is not shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from tenants.models import Membership, Tenant
from tenants.roles import Right

# A number waiting for this viewer. All querysets of a page are counted together, in one statement; a callable
# that returns a number has paid for it with a query of its own.
Count = Callable[[Tenant, Membership], "QuerySet[Any, Any] | int | None"]


@dataclass(frozen=True)
class Destination:
    """One entry of the navigation, shown to those who hold the right."""

    label: str
    url_name: str
    order: int
    right: Right
    count: Count | None = None
    place: str = "main"  # "main": the bar; "menu": the person's menu
    when: Callable[[Tenant], bool] | None = None  # only in these workspaces; asks no query


@dataclass(frozen=True)
class Notice:
    """Something that everybody should know who reads figures; shown on top of every page."""

    title: str
    text: str
    url: str = ""
    label: str = ""
    tone: str = "high"


@dataclass(frozen=True)
class Freshness:
    """How old what the page shows is: when it was scored (in words), the sources that are late, what must be known."""

    url: str
    scored_at: str = ""
    late: tuple[str, ...] = ()
    late_url: str = ""  # which accounts that touches
    late_words: str = ""  # what that means for the figures
    notices: tuple[Notice, ...] = ()
    chances: str = ""  # what must be known of the chances, in one word or two and in a sentence
    chances_words: str = ""


destinations: list[Destination] = []
_freshness: list[Callable[[Tenant, Membership], Freshness | None]] = []


def register(destination: Destination) -> None:
    """Add one destination, kept in order; the same address again replaces it."""
    destinations[:] = [each for each in destinations if each.url_name != destination.url_name]
    destinations.append(destination)
    destinations.sort(key=lambda each: each.order)


def set_freshness(provider: Callable[[Tenant, Membership], Freshness | None]) -> None:
    """Who answers "how fresh is this?" for the pill in the bar; at most one query."""
    _freshness[:] = [provider]


def freshness_for(tenant: Tenant, viewer: Membership) -> Freshness | None:
    return _freshness[0](tenant, viewer) if _freshness else None
