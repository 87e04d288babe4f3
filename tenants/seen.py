"""What a form was made with, as a digest that goes along with it: a row that changed meanwhile is not overwritten."""

import hashlib
from collections.abc import Mapping
from typing import Any

from tenants.access import SCOPE
from tenants.models import Membership

STALE = "Somebody changed this meanwhile. Nothing was saved: reload the page, then make your change again."


def digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()


def of_member(membership: Membership) -> str:
    """Of everything that the form of a person writes."""
    return digest({name: getattr(membership, name) for name in ("role", "team_id", "is_active", *SCOPE)})
