"""The log of one play: its own events, those of its suggestion, of its approvals and of its writes."""

from typing import Any

from django.db.models import Q

from audit.queries import Filters, covered, events
from playbooks.models import Play, Recommendation
from tenants.models import Membership, Tenant

LINES = 50


def story_of(tenant: Tenant, viewer: Membership, play: Play, *, refs: list[str]) -> list[Any]:
    """What happened, newest first, as far as the viewer may read of it."""
    about = Q(object_type=Play._meta.label_lower, object_id=str(play.pk))
    if play.recommendation_id is not None:
        suggestion = str(play.recommendation_id)
        about |= Q(object_type=Recommendation._meta.label_lower, object_id=suggestion)
    if refs:
        about |= Q(decision_ref__in=refs)
    rows = events(tenant, viewer, Filters(account=play.account_id)).filter(about)
    return list(covered(viewer, rows.order_by("-at", "-id")[:LINES]))
