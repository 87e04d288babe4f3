"""Two small tenants for every test that reads: what acme sees, globex must not."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tenants import services
from tenants.access import Actor
from tenants.models import Membership, Tenant
from tenants.scoping import tenant_context

PASSWORD = "correct-horse-7"
ROLES = (
    "csm",
    "account_executive",
    "manager",
    "executive",
    "finance",
    "revops",
    "ops_admin",
    "auditor",
    "support",
    "reviewer",
)
MAKER = Actor.command("test")


@dataclass
class World:
    """A tenant with one person a role (`world.csm`, …), a second CSM, and accounts made by `add_account`."""

    tenant: Tenant
    people: dict[str, Membership] = field(default_factory=dict)

    def __getattr__(self, role: str) -> Membership:
        try:
            return self.__dict__["people"][role]
        except KeyError:
            raise AttributeError(role) from None

    def actor(self, role: str) -> Actor:
        return Actor.person(self.people[role])

    def here(self):
        """The tenant's context inside the test's transaction."""
        return tenant_context(self.tenant.pk)

    def url(self, path: str) -> str:
        return f"/t/{self.tenant.slug}/{path.lstrip('/')}"

    def add_account(self, name: str = "Halden Logistics", *, owner: str | None = "csm", **values: Any):
        """One account, with the guardian grants that its owner and team give."""
        from accounts import grants
        from accounts.models import Account
        from tenants.queries import default_team

        with self.here():
            person = self.people[owner] if owner else None
            account = Account.objects.create(
                tenant=self.tenant,
                name=name,
                external_id=values.pop("external_id", f"ACC-{name}"),
                owner=person.user if person else None,
                owner_email=person.user.email if person else "",
                team=default_team(self.tenant),
                customer_since=values.pop("customer_since", date(2024, 1, 1)),
                **values,
            )
            grants.sync(self.tenant, account_ids=[account.pk])
        return account


def make_world(slug: str, *, environment: str = "production") -> World:
    tenant, _ = services.create_tenant(
        organization=slug.title(),
        slug=slug,
        environment=environment,
        currency="USD",
        time_zone="UTC",
        by=MAKER,
    )
    world = World(tenant)
    with tenant_context(tenant.pk):
        for role in ROLES:
            world.people[role], _ = services.ensure_member(
                tenant,
                email=f"{role}@{slug}.example",
                role=role,
                by=MAKER,
                name=f"{role} {slug}",
                password=PASSWORD,
            )
        world.people["csm2"], _ = services.ensure_member(
            tenant, email=f"csm2@{slug}.example", role="csm", by=MAKER, name=f"csm2 {slug}", password=PASSWORD
        )
    return world
