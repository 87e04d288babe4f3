"""Who may answer: one rule for the service that refuses and for the page that shows whom it waits for."""

from approvals import queries
from approvals.exceptions import MayNotDecide
from approvals.models import ApprovalRequest
from approvals.registry import kinds
from tenants.access import Right, can
from tenants.models import Membership, Tenant
from tenants.roles import Role


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


def why_not(tenant: Tenant, viewer: Membership, *, request: ApprovalRequest) -> str:
    """Why this person cannot give the answer that the request waits for; empty when they can."""
    if reason := never_answers(request, viewer):
        return reason
    if request.next_role not in roles_of(viewer):
        return f"This waits for {_who(request.next_role)}."
    if not _reaches(tenant, viewer, request=request):
        return "This account is outside your team or scope."
    return ""


def check_may_decide(tenant: Tenant, viewer: Membership, *, request: ApprovalRequest) -> None:
    if reason := why_not(tenant, viewer, request=request):
        raise MayNotDecide(reason)


def _reaches(tenant: Tenant, viewer: Membership, *, request: ApprovalRequest) -> bool:
    """The account is visible; and a manager leads its team, because a shared account is shown, not led."""
    visible = kinds[request.kind].visible(tenant, viewer)
    if request.account_id is not None and not queries.sees_account(tenant, request=request, visible=visible):
        return False
    if request.next_role == "manager" and request.account_team_id is not None:
        return queries.leads_team(tenant, viewer, team_id=request.account_team_id)
    return request.account_id is not None or request.next_role != "manager"


def _who(role: str) -> str:
    return {"manager": "a manager of the account's team", "finance": "finance"}.get(role, role)
