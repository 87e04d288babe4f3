"""What may be asked. Apps above register their kinds in AppConfig.ready, so that approvals imports none of them.

The lines of the default policy are installed for every kind registered here (`services.install_default_policies`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants.access import Actor
from tenants.models import Membership, Tenant

if TYPE_CHECKING:
    from approvals.models import ApprovalRequest

# each runs inside the caller's transaction, in the tenant's context
Recheck = Callable[[Tenant, "ApprovalRequest"], str | None]
OnVerdict = Callable[[Tenant, "ApprovalRequest", Actor], None]
Visible = Callable[[Tenant, Membership], Any]
Lock = Callable[[Tenant, "ApprovalRequest"], None]
Changes = Callable[["ApprovalRequest"], "list[Change]"]
Link = Callable[[Tenant, "ApprovalRequest"], "tuple[str, str] | None"]


@dataclass(frozen=True)
class Change:
    """One line of "What will be written, and where"."""

    system: str
    field: str
    now: str
    after: str


@dataclass(frozen=True)
class Kind:
    """One kind of question.

    recheck: a sentence why the request no longer holds (content, owner or team changed), or None. The request is then
        void; the sentence is shown.
    on_verdict: called once, when the request closes for whatever reason; `request.state` tells which
        (approved, rejected, changes_requested, withdrawn, expired, voided) and `request.closed_reason` why.
    visible: the ids of the accounts that a viewer may see, as a subquery.
    lock: locks the subject's row. Give it if your own services lock the subject and then call in here: it is called
        before the request's row is locked, so that the two never wait for each other in opposite order.
    changes: the lines of "What will be written, and where", read from `request.payload` alone. Without it a payload
        with "writes" (a list of system, field, before, after) is shown as such, any other one name by name.
    link: words and address of what asked, such as the play.
    """

    name: str
    label: str
    recheck: Recheck
    on_verdict: OnVerdict
    visible: Visible
    lock: Lock | None = None
    changes: Changes | None = None
    link: Link | None = None


kinds: dict[str, Kind] = {}


def register_kind(
    kind: str,
    *,
    label: str,
    recheck: Recheck,
    on_verdict: OnVerdict,
    visible: Visible,
    lock: Lock | None = None,
    changes: Changes | None = None,
    link: Link | None = None,
) -> None:
    kinds[kind] = Kind(kind, label, recheck, on_verdict, visible, lock, changes, link)
