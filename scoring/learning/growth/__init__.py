"""What the job `scoring.growth` works out with the maths loaded; pages read the rows it keeps."""

from collections.abc import Callable
from typing import Any

from scoring.growth import improving
from scoring.learning.growth import milestones, renewals, signs, trials
from scoring.learning.training import plain
from scoring.models import ScoreRun
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

Tell = Callable[[int, int, str], None]


def renew(tenant: Tenant, run: ScoreRun, *, tell: Tell) -> dict[str, Any]:
    """Replace the day's forecasts and signs; the figures that belong to none of them alone. Short transactions."""
    tell(0, 4, "Renewals")
    with tenant_transaction(tenant.pk):
        renewals.settle(tenant, run.as_of)
        scored = renewals.scored(tenant, run.as_of)
        renewals.forecast(tenant, run, widen=scored["widen"] or 1.0)
    tell(1, 4, "Signs of growth")
    with tenant_transaction(tenant.pk):
        rates = signs.renew(tenant, run.as_of)
        improving.renew(tenant, run.as_of)
    tell(2, 4, "Milestones")
    reached = milestones.renew(tenant, run.as_of)
    tell(3, 4, "Trials")
    with tenant_transaction(tenant.pk):
        tried = trials.renew(tenant, run.as_of)
    found: dict[str, Any] = plain(
        {"renewals": scored, "patterns": rates, "milestones": reached, "trials": tried}
    )
    return found
