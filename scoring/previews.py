"""What a draft policy would change, computed by the same code as the scores and written nowhere but on the draft."""

from collections import Counter
from decimal import Decimal
from typing import Any

from scoring import pipeline, policy_queries, queries
from scoring.bands import BANDS, UNKNOWN
from scoring.models import HealthPolicy
from scoring.scored import Scored
from scoring.whatif.policies import replay_policies
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

LARGEST_MOVES = 15


def preview_policy(tenant: Tenant, progress: Any, *, policy_id: int, row_version: int) -> dict[str, Any]:
    """Job: score the newest day with and without the draft, and keep the comparison on the draft."""
    with tenant_transaction(tenant.pk):
        as_of = queries.latest_as_of(tenant)
        draft = policy_queries.policy(tenant, policy_id=policy_id)
        if draft is None or draft.row_version != row_version:
            return {"skipped": "the draft was changed or discarded"}
        if as_of is None:
            return _keep(
                tenant, policy_id, row_version, {"as_of": None, "accounts": 0, "bands": [], "moves": []}
            )
        published = queries.published_policies(tenant)
        with_draft = [each for each in published if each.segment != draft.segment]
        with_draft += queries.with_rows(tenant, [draft])
    before = pipeline.evaluate(tenant, as_of=as_of, policies=published, progress=progress)
    after = pipeline.evaluate(tenant, as_of=as_of, policies=with_draft, progress=progress)
    found = compare(before, after)
    found["replay"] = replay_policies(tenant, published=published, proposed=with_draft, progress=progress)
    with tenant_transaction(tenant.pk):
        names = policy_queries.account_names(tenant, [move["account_id"] for move in found["moves"]])
        for move in found["moves"]:
            move["name"] = names.get(move["account_id"], "")
        return _keep(tenant, policy_id, row_version, {"as_of": str(as_of), **found})


def compare(before: Scored, after: Scored) -> dict[str, Any]:
    """Counts a band, how many accounts change band, and the largest moves. Both are of the same accounts."""
    rows = range(len(before))
    bands_before = [before.band_of(at) for at in rows]
    bands_after = [after.band_of(at) for at in rows]
    count_before, count_after = Counter(bands_before), Counter(bands_after)
    moves = [_move(before, after, at) for at in rows if bands_before[at] != bands_after[at]]
    moves.sort(key=lambda move: (-abs(move["change"] or 0), move["account_id"]))
    return {
        "accounts": len(before),
        "bands": [[band, count_before[band], count_after[band]] for band in (*BANDS, UNKNOWN)],
        "changed_band": len(moves),
        "moves": moves[:LARGEST_MOVES],
    }


def _move(before: Scored, after: Scored, at: int) -> dict[str, Any]:
    old, new = before.health_of(at), after.health_of(at)
    return {
        "account_id": int(before.features.ids[at]),
        "before": _number(old),
        "after": _number(new),
        "change": None if old is None or new is None else float(new - old),
        "band_before": before.band_of(at),
        "band_after": after.band_of(at),
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _keep(tenant: Tenant, policy_id: int, row_version: int, preview: dict[str, Any]) -> dict[str, Any]:
    """On the draft, unless it was edited while we computed."""
    HealthPolicy.objects.for_tenant(tenant).filter(
        pk=policy_id, row_version=row_version, state=HealthPolicy.State.DRAFT
    ).update(preview=preview)
    return {"policy_id": policy_id, "changed_band": preview.get("changed_band", 0)}
