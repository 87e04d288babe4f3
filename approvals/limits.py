"""The numbers of approvals that decide something, for the admin's list of thresholds."""

from itertools import groupby

from approvals import policy, queries
from approvals.registry import kinds
from approvals.services import EXPIRES_AFTER
from tenants import thresholds
from tenants.models import Tenant

WHERE = "admin:approvals_approvalpolicy_changelist"


def register() -> None:
    thresholds.register(
        "Approvals: who must say yes",
        WHERE,
        value=_policy,
        help="The first line that fits applies. What no line covers cannot be approved.",
    )
    thresholds.register(
        "Approvals: time to answer",
        WHERE,
        value=_hours,
        help=f"Then it is overdue. It lapses {EXPIRES_AFTER.days} days after it was asked, but not before it is due.",
    )


def _policy(tenant: Tenant) -> str:
    found = []
    for kind, lines in groupby(queries.all_lines(tenant), key=lambda line: line.kind):
        label = kinds[kind].label if kind in kinds else kind
        found.append(f"{label}: {' '.join(policy.sentences(list(lines), tenant.currency))}")
    return " ".join(found) or "No lines: nothing can be approved."


def _hours(tenant: Tenant) -> str:
    hours = sorted({line.answer_within_hours for line in queries.all_lines(tenant)})
    return f"{', '.join(str(each) for each in hours)} hours" if hours else "no lines"
