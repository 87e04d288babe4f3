"""What an offer would cost and who would have to say yes, before it is asked for."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from approvals import policy
from approvals.queries import policy_lines
from playbooks.exceptions import BadInput
from playbooks.offers import parse
from playbooks.queries.plays import standing_of
from scoring.models import AccountHealth
from tenants import fields
from tenants.fields import Field
from tenants.models import Membership

KIND = "concession"


@dataclass(frozen=True)
class Hint:
    """The offer's cost, and the sentence of the policy that would apply; empty where no line does.

    `covered`: the asker does not see ARR, of which both would tell.
    """

    title: str
    cost: Decimal | None
    currency: str
    policy: str
    covered: bool = False


class Hints:
    """Hints for offers on one account; policy and revenue are read once, when the first one is wanted."""

    def __init__(self, viewer: Membership, *, account_id: int) -> None:
        self.viewer, self.tenant = viewer, viewer.tenant
        self.account_id = account_id

    def hint(self, proposal: dict[str, Any]) -> Hint | None:
        """None while the offer cannot be read."""
        try:
            offer = parse(proposal)
        except BadInput:
            return None
        if not fields.sees(self.viewer, Field.ARR):
            return Hint(offer.title, None, "", "", covered=True)
        standing = self._standing
        cost = offer.cost(standing.arr if standing else None)
        facts = {
            "discount_pct": offer.discount_pct,
            "cost": cost,
            "cost_base": offer.cost(standing.arr_reporting if standing else None),
            "currency": standing.currency if standing else "",
        }
        measures = policy.measures_of(facts, currency=self.tenant.currency)
        found = policy.match(self._lines, measures, currency=self.tenant.currency)
        return Hint(offer.title, cost, standing.currency if standing else "", found.sentence if found else "")

    @cached_property
    def _standing(self) -> AccountHealth | None:
        return standing_of(self.tenant, account_id=self.account_id)

    @cached_property
    def _lines(self) -> list[Any]:
        return policy_lines(self.tenant, kind=KIND)
