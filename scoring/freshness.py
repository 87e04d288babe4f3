"""How old what the pages show is, and what must be known of it: in the frame of every page, for one query."""

from django.urls import reverse

from scoring import affected, queries
from scoring.automation import notices
from scoring.automation.holds import LATE
from tenants.models import Membership, Tenant
from tenants.nav import Freshness

MOST_SHOWN = 2  # sources in the bar; the list of affected accounts names them all
STALE = "Health uses the last complete days of each source. The clock marks the numbers that this touches."
DOUBTFUL = "What this source says now is not what it used to be."


def freshness(tenant: Tenant, viewer: Membership) -> Freshness:
    """The day scored last, sources late, empty or shifted, a version taken back, what waits, weak chances."""
    run = notices.told_with(tenant, queries.finished_runs(tenant)).order_by("-as_of", "-pk").first()
    url = reverse("scoring:scores", args=[tenant.slug])
    if run is None:
        return Freshness(url=url)
    wrong = affected.troubles(run)
    scored_at = f"{run.as_of.day} {run.as_of:%b}"
    weak = notices.weakness(run)
    return Freshness(
        url=url,
        scored_at=scored_at,
        late=_shown(tuple(each.text for each in wrong)),
        late_url=affected.page_url(tenant) if wrong else "",
        late_words=STALE if any(each.kind == LATE for each in wrong) else DOUBTFUL,
        notices=notices.of(tenant, viewer, run),
        chances=weak.short if weak else "",
        chances_words=weak.words if weak else "",
    )


def _shown(told: tuple[str, ...]) -> tuple[str, ...]:
    """As many as the bar has room for; of more the first one, and how many others there are."""
    return told if len(told) <= MOST_SHOWN else (told[0], f"{len(told) - 1} more")
