"""Who may read and who may answer, as conditions: one rule for the lists, the page, and the service that refuses.

Nothing here asks the database by itself.
"""

from django.db.models import Q

from approvals.models import ApprovalDecision, ApprovalRequest
from approvals.registry import kinds
from tenants.access import Right, can, sees_everything
from tenants.models import Membership, Team, Tenant
from tenants.roles import Role

APPROVER_ROLES = ("manager", "finance")
DID = {"approved": "approved", "changes_requested": "asked for changes", "rejected": "rejected"}
WAITS_FOR = {"manager": "a manager of the account's team", "finance": "finance"}


def waits_for(role: str) -> str:
    return WAITS_FOR.get(role, role)


def roles_of(viewer: Membership) -> list[str]:
    """The approver roles that this person can fill."""
    if not can(viewer, Right.DECIDE):
        return []
    roles = ["manager"] if viewer.role == Role.MANAGER else []
    return [*roles, "finance"] if can(viewer, Right.SECOND_APPROVER) else roles


def never_answers(request: ApprovalRequest, viewer: Membership) -> str:
    """Why this person can never answer this request, whatever the role; empty if nothing stands against it."""
    if request.requested_by_id == viewer.user_id:
        return "You asked for this yourself. Somebody else answers it."
    if request.account_owner_id is not None and request.account_owner_id == viewer.user_id:
        return "You own this account. Somebody else answers requests on it."
    return ""


def readable(tenant: Tenant, viewer: Membership) -> Q:
    """Own requests, those on accounts that the viewer sees, and for auditors of the whole tenant those on none."""
    shown = Q(requested_by=viewer.user_id) | _on_visible_account(tenant, viewer)
    if can(viewer, Right.VIEW_AUDIT) and sees_everything(viewer):
        shown |= Q(account_id=None)
    return shown


def answerable(tenant: Tenant, viewer: Membership) -> Q:
    """What waits for this person's answer.

    The account must be visible; and a manager leads its team, because a shared account is shown, not led.
    """
    roles = roles_of(viewer)
    if not roles:
        return Q(pk__in=[])
    turn = Q(next_role="finance") if "finance" in roles else Q(pk__in=[])
    if "manager" in roles:
        turn |= Q(next_role="manager") & _led(tenant, viewer)
    given = ApprovalDecision.objects.for_tenant(tenant).filter(person=viewer.user_id).values("request")
    return (
        Q(state=ApprovalRequest.State.PENDING)
        & turn
        & (_on_visible_account(tenant, viewer) | Q(account_id=None))
        & ~Q(requested_by=viewer.user_id, requested_by__isnull=False)
        & ~Q(account_owner_id=viewer.user_id, account_owner_id__isnull=False)
        & ~Q(pk__in=given)
    )


def _led(tenant: Tenant, viewer: Membership) -> Q:
    """Accounts of teams at or under the viewer's own; the team's group of managers says which those are."""
    teams = Team.objects.for_tenant(tenant).filter(managers__user=viewer.user_id).values("pk")
    return Q(account_team_id__in=teams) | Q(account_team_id=None, account_id__isnull=False)


def _on_visible_account(tenant: Tenant, viewer: Membership) -> Q:
    shown = Q(pk__in=[])
    for kind in kinds.values():
        shown |= Q(kind=kind.name, account_id__in=kind.visible(tenant, viewer))
    return shown
