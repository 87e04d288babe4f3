"""Notices for whoever decides what versions may do."""

from scoring.people.notices import tell
from tenants.access import Right, can
from tenants.models import Membership, Tenant


def tell_admins(tenant: Tenant, *, kind: str, text: str) -> None:
    """A notice for everybody who may change what a version does. Needs the tenant's transaction."""
    people = Membership.objects.filter(tenant=tenant, is_active=True, user__is_active=True, awaits="")
    for person in people.select_related("user"):
        if can(person, Right.CONFIGURE):
            tell(tenant, user=person.user, kind=kind, text=text)
