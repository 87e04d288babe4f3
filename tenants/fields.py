"""Which fields of a customer's record a person may see: the one place that says it, for every surface.

Pages ask `sees` (in templates `viewer|sees:"arr"`). Whatever is shown or written out as it was stored (events, approval
payloads, writes, rejected rows) goes through `shown`, which covers values by their names (docs/security.md).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tenants.access import can
from tenants.models import Membership
from tenants.roles import Right

COVERED = "(not shown to your role)"


class Field(StrEnum):
    ARR = "arr"
    CONTACT_EMAIL = "contact_email"
    BODY = "body"


@dataclass(frozen=True)
class Rule:
    """The right that opens a field, and the names under which its values are stored."""

    right: Right
    names: frozenset[str]


RULES: dict[Field, Rule] = {
    Field.ARR: Rule(
        Right.SEE_ARR,
        frozenset(
            "arr arr_reporting arr_before arr_after mrr list_arr amount cost price expected_value value_realized "
            "cost_of_term".split()
        ),
    ),
    # members' own addresses (owner_email, ae_email) are no customer's
    Field.CONTACT_EMAIL: Rule(Right.SEE_CONTACT_EMAIL, frozenset({"email", "contact_email", "phone"})),
    Field.BODY: Rule(Right.OPEN_BODIES, frozenset({"body", "resolution", "transcript"})),
}


def sees(viewer: Membership, field: Field | str) -> bool:
    """Whether the viewer may see values of this field."""
    return can(viewer, RULES[Field(field)].right)


def covered_names(viewer: Membership) -> frozenset[str]:
    """The stored names whose values the viewer does not see."""
    hidden = [rule.names for field, rule in RULES.items() if not sees(viewer, field)]
    return frozenset().union(*hidden)


def shown(viewer: Membership, values: Any) -> Any:
    """The same nested values, with what the viewer may not see covered. Nothing is changed in place."""
    names = covered_names(viewer)
    return _covered(values, names) if names else values


def is_covered(viewer: Membership, name: str) -> bool:
    """Whether a value stored under this name is covered for the viewer."""
    return name in covered_names(viewer)


def _covered(values: Any, names: frozenset[str]) -> Any:
    if isinstance(values, dict):
        return {
            name: COVERED if str(name) in names and value not in (None, "") else _covered(value, names)
            for name, value in values.items()
        }
    if isinstance(values, list | tuple):
        return [_covered(each, names) for each in values]
    return values
