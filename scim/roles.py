"""Which role and team the provider's groups give."""

from scim.models import ScimGroup
from tenants.models import Membership
from tenants.roles import Role

# Somebody in several groups has the first of these that one of them gives. An order of reach, so that taking somebody
# out of a group can only take away.
STRONGEST_FIRST: tuple[Role, ...] = (
    Role.OPS_ADMIN, Role.REVOPS, Role.FINANCE, Role.MANAGER, Role.EXECUTIVE, Role.AUDITOR, Role.SUPPORT, Role.CSM,
    Role.REVIEWER, Role.ACCOUNT_EXECUTIVE,
)  # fmt: skip
# Sees only accounts that name them as account executive: nothing, for somebody new. A group gives more.
LEAST = Role.ACCOUNT_EXECUTIVE


def role_of(groups: list[ScimGroup]) -> Role | None:
    given = {each.role for each in groups if each.role}
    return next((role for role in STRONGEST_FIRST if role in given), None)


def team_of(groups: list[ScimGroup]) -> int | None:
    """The team of the first group, by name, that gives one."""
    return next((each.team_id for each in groups if each.team_id is not None), None)


def role_named(name: str) -> str:
    """The role that a group's name says by itself. Never operations admin: that must be given by hand."""
    word = name.strip().lower()
    for role in Role:
        if role != Role.OPS_ADMIN and word in (role.value, role.label.lower()):
            return role.value
    return ""


def wanted_of(membership: Membership, groups: list[ScimGroup], *, had_role: bool) -> tuple[str, int | None]:
    """Role and team that the membership should have. Without any group that gives one, as it is; but a role that
    came from a group ends with it."""
    role = role_of(groups) or (LEAST if had_role else membership.role)
    return str(role), team_of(groups) or membership.team_id
