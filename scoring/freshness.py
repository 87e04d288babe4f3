"""How old what the pages show is: the pill in the bar of every page, for one query."""

from django.urls import reverse

from scoring import queries
from tenants.models import Membership, Tenant
from tenants.nav import Freshness


def freshness(tenant: Tenant, viewer: Membership) -> Freshness:
    """The day that was scored last, and the sources that had fallen silent then."""
    run = queries.newest_run(tenant)
    url = reverse("scoring:scores", args=[tenant.slug])
    if run is None:
        return Freshness(url=url)
    late = tuple(f"{source.label} late" for source in queries.freshness(run) if source.is_late)
    return Freshness(url=url, scored_at=f"{run.as_of.day} {run.as_of:%b}", late=late)
