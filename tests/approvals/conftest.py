"""A kind of request as an app above would register it, and requests about one account."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from approvals import registry, services

KIND = "test_discount"


@dataclass
class Caller:
    """Stands for playbooks: what it would answer on recheck, and what it was told."""

    stale: str | None = None
    told: list[tuple[str, str]] = field(default_factory=list)
    fails: bool = False

    def recheck(self, tenant, request):
        return self.stale

    def on_verdict(self, tenant, request, by):
        if self.fails:
            raise RuntimeError("the caller could not go on")
        self.told.append((request.ref, request.state))

    @staticmethod
    def visible(tenant, viewer):
        from accounts.queries import visible_accounts

        return visible_accounts(tenant, viewer).values("pk")


@pytest.fixture
def caller():
    """Registered before the worlds are made, so that they get its default policy lines."""
    caller = Caller()
    registry.register_kind(
        KIND, label="Discount", recheck=caller.recheck, on_verdict=caller.on_verdict, visible=caller.visible
    )
    yield caller
    del registry.kinds[KIND]


@pytest.fixture
def acme(caller, db):
    from tests.worlds import make_world

    return make_world("acme")


@pytest.fixture
def globex(caller, db):
    from tests.worlds import make_world

    return make_world("globex")


def payload_of(account, pct="15", extra="") -> dict:
    return {
        "account_id": account.pk,
        "writes": [
            {
                "system": "CRM",
                "field": "Opportunity · Discount",
                "before": "0%",
                "after": f"{pct}%{extra}",
            }
        ],
        "discount_pct": Decimal(pct),
    }


def ask(world, account, *, pct="15", cost="4800", role="csm", subject="1", kind=KIND, **facts):
    """A request for `pct` % on the account, by the person in `role`."""
    with world.here():
        return services.request_approval(
            world.tenant,
            kind=kind,
            title=f"{pct}% discount on renewal",
            why="Their finance team asked for a gesture.",
            subject_type="playbooks.playstep",
            subject_id=subject,
            payload=payload_of(account, pct),
            facts={
                "account_id": account.pk,
                "account_name": account.name,
                "owner_id": account.owner_id,
                "team_id": account.team_id,
                "arr": Decimal("32000"),
                "currency": "USD",
                "discount_pct": Decimal(pct),
                "months": 12,
                "cost": Decimal(cost) if cost else None,
                "health": Decimal("38.00"),
                "band": "critical",
                **facts,
            },
            by=world.actor(role),
        )


def answer(world, request, *, role="manager", verdict="approved", comment="", digest=None):
    with world.here():
        return services.decide(
            world.tenant,
            ref=request.ref,
            verdict=verdict,
            comment=comment,
            digest=digest or request.digest,
            by=world.actor(role),
        )


def events(world, ref):
    """The verbs recorded under a decision, oldest first."""
    from audit.models import AuditEvent

    with world.here():
        return list(
            AuditEvent.objects.filter(tenant=world.tenant, decision_ref=ref)
            .order_by("id")
            .values_list("verb", flat=True)
        )
