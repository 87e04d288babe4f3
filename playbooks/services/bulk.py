"""One answer for many rows of the queue: each row succeeds or is refused by itself, and says why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from playbooks.exceptions import PlaybookError, Refused
from playbooks.models import Recommendation
from playbooks.queries import locks
from playbooks.services import decisions
from playbooks.services.guards import check_may_work
from tenants.access import Actor
from tenants.models import Tenant

MOST_ROWS = 100
Seen = tuple[int, int]  # a recommendation's id and the version that was read


@dataclass(frozen=True)
class RowResult:
    """What became of one row; `message` says why it was refused."""

    recommendation_id: int
    ok: bool
    account: str = ""
    message: str = ""


def bulk_accept(
    tenant: Tenant, *, rows: Iterable[Seen], by: Actor, now: datetime | None = None
) -> list[RowResult]:
    """Accept each row; strategic accounts are refused, they want a decision of their own."""

    def accept(recommendation_id: int, version: int) -> None:
        _check_not_strategic(tenant, recommendation_id, by)
        decisions.accept(tenant, recommendation_id=recommendation_id, version=version, by=by, now=now)

    return _each(tenant, rows, accept)


def bulk_snooze(
    tenant: Tenant,
    *,
    rows: Iterable[Seen],
    until: date,
    reason: str,
    by: Actor,
    comment: str = "",
    now: datetime | None = None,
) -> list[RowResult]:
    def snooze(recommendation_id: int, version: int) -> None:
        decisions.snooze(
            tenant,
            recommendation_id=recommendation_id,
            version=version,
            until=until,
            reason=reason,
            comment=comment,
            by=by,
            now=now,
        )

    return _each(tenant, rows, snooze)


def bulk_dismiss(
    tenant: Tenant,
    *,
    rows: Iterable[Seen],
    reason: str,
    by: Actor,
    comment: str = "",
    now: datetime | None = None,
) -> list[RowResult]:
    def dismiss(recommendation_id: int, version: int) -> None:
        decisions.dismiss(
            tenant,
            recommendation_id=recommendation_id,
            version=version,
            reason=reason,
            comment=comment,
            by=by,
            now=now,
        )

    return _each(tenant, rows, dismiss)


def _each(tenant: Tenant, rows: Iterable[Seen], answer: Callable[[int, int], Any]) -> list[RowResult]:
    """Lowest id first, so that two people who pick overlapping rows wait for each other in one direction."""
    chosen = sorted(dict(rows).items())
    results = [_one(recommendation_id, version, answer) for recommendation_id, version in chosen[:MOST_ROWS]]
    too_many = f"No more than {MOST_ROWS} rows at once."
    results += [
        RowResult(recommendation_id, False, message=too_many) for recommendation_id, _ in chosen[MOST_ROWS:]
    ]
    return results


def _one(recommendation_id: int, version: int, answer: Callable[[int, int], Any]) -> RowResult:
    try:
        with transaction.atomic():
            answer(recommendation_id, version)
    except PlaybookError as error:
        return RowResult(recommendation_id, False, _account_of(error), str(error))
    except PermissionDenied as error:
        return RowResult(recommendation_id, False, message=str(error))
    return RowResult(recommendation_id, True)


def _account_of(error: PlaybookError) -> str:
    row = getattr(error, "row", None)
    return row.account.name if isinstance(row, Recommendation) else ""


def _check_not_strategic(tenant: Tenant, recommendation_id: int, by: Actor) -> None:
    row = locks.recommendation_for_update(tenant, recommendation_id)
    check_may_work(tenant, by=by, account_id=row.account_id)
    if row.account.strategic:
        raise Refused(row, "Strategic account: decide it by itself.")
