"""Every number that decides something, in one list: the apps register theirs, /admin/thresholds/ shows them."""

from collections.abc import Callable
from dataclasses import dataclass

from tenants.models import Tenant


@dataclass(frozen=True)
class Threshold:
    """One line: what it is, what it stands at in this tenant, and where it is changed (a url name or an address)."""

    label: str
    where_url: str
    value: Callable[[Tenant], str]
    help: str = ""


thresholds: list[Threshold] = []


def register(label: str, where_url: str, *, value: Callable[[Tenant], str], help: str = "") -> None:
    """Add one line, or replace the one of that label. Call it in AppConfig.ready."""
    thresholds[:] = [each for each in thresholds if each.label != label]
    thresholds.append(Threshold(label, where_url, value, help))
    thresholds.sort(key=lambda each: each.label)
