"""Taking several answers of the queue back at once."""

from collections.abc import Iterable

from django.db import transaction

from playbooks.exceptions import PlaybookError
from playbooks.services.bulk import MOST_ROWS, RowResult, Seen
from playbooks.services.decisions import undo
from tenants.access import Actor
from tenants.models import Tenant


def bulk_undo(tenant: Tenant, *, rows: Iterable[Seen], by: Actor) -> list[RowResult]:
    """Each row is taken back or refused by itself; lowest id first, as in the other answers to many rows."""
    return [_one(tenant, seen, by) for seen in sorted(dict(rows).items())[:MOST_ROWS]]


def _one(tenant: Tenant, seen: Seen, by: Actor) -> RowResult:
    recommendation_id, version = seen
    try:
        with transaction.atomic():
            undo(tenant, recommendation_id=recommendation_id, version=version, by=by)
    except PlaybookError as error:
        return RowResult(recommendation_id, False, message=str(error))
    return RowResult(recommendation_id, True)
