"""How old what the pages show is, and what must be known of it: in the frame of every page, for one query."""

from django.urls import reverse

from scoring import affected, queries
from scoring.automation import notices
from tenants.models import Membership, Tenant
from tenants.nav import Freshness

MOST_SHOWN = 2  # sources in the bar; the page of scores names them all


def freshness(tenant: Tenant, viewer: Membership) -> Freshness:
    """The day scored last, sources late, empty or shifted, a version taken back, what waits, weak chances."""
    run = notices.told_with(tenant, queries.finished_runs(tenant)).order_by("-as_of", "-pk").first()
    url = reverse("scoring:scores", args=[tenant.slug])
    if run is None:
        return Freshness(url=url)
    late = tuple(f"{source.label} late" for source in queries.freshness(run) if source.is_late)
    doubtful = tuple(f"{notices.label_of(key)} {kind}" for key, kind in notices.doubtful(run).items())
    scored_at = f"{run.as_of.day} {run.as_of:%b}"
    weak = notices.weakness(run)
    return Freshness(
        url=url,
        scored_at=scored_at,
        late=_shown(late + doubtful),
        late_url=affected.page_url(tenant) if late else "",
        notices=notices.of(tenant, viewer, run),
        chances=weak.short if weak else "",
        chances_words=weak.words if weak else "",
    )


def _shown(told: tuple[str, ...]) -> tuple[str, ...]:
    """As many as the bar has room for; of more the first one, and how many others there are."""
    return told if len(told) <= MOST_SHOWN else (told[0], f"{len(told) - 1} more")
