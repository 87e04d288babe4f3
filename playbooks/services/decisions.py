"""The three answers in the queue, accept, snooze and dismiss, and taking each of them back.

Every answer names the version that was read. The same answer sent twice finds the row one version on, in the state that
it asked for and decided by the same person: it is told what the first one did, and nothing happens again.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs.services import enqueue
from playbooks.exceptions import BadInput, Refused
from playbooks.models import Play, Recommendation
from playbooks.queries import locks
from playbooks.queries.recommendations import health_of, open_play_of, open_recommendation_of
from playbooks.services.guards import check_may_work, check_version, local_day
from playbooks.services.trail import record_suggestion
from tenants.access import Actor
from tenants.models import Tenant

State = Recommendation.State

UNDO_SECONDS = 8
# an accepted play starts a little after its Undo has left the page: the click on the last moment still counts
START_GRACE_SECONDS = 2
# Snooze and dismiss start nothing, so their Undo may come later: the notice stays while it is pointed at or
# focused (WCAG 2.2.1), and an Undo that was shown must work.
UNDO_GRACE_SECONDS = 120
SNOOZE_MOST_DAYS = 90
START_PLAY = "playbooks.start_play"
NEWER = "A newer suggestion stands for this account."


@transaction.atomic
def accept(
    tenant: Tenant, *, recommendation_id: int, version: int, by: Actor, now: datetime | None = None
) -> Play:
    """Take the suggestion up: a play that starts by itself once the time for Undo is over."""
    now = now or timezone.now()
    row = _locked(tenant, recommendation_id, by)
    if _is_repeat(row, State.ACCEPTED, version, by):
        play = locks.play_of_recommendation(tenant, row.pk)
        if play is not None:
            return play
    check_can_be_decided(row, version)
    if open_play_of(tenant, account_id=row.account_id, playbook_id=row.playbook_id) is not None:
        raise Refused(row, f"{row.playbook.name} already runs on this account.")
    return begin(tenant, row, by=by, now=now)


def begin(
    tenant: Tenant, row: Recommendation, *, by: Actor, now: datetime, unattended: dict[str, Any] | None = None
) -> Play:
    """The accepted suggestion's play, which starts once the time for Undo is over. The row is locked and was checked.

    `unattended` says why nobody had to click (services.unattended).
    """
    play = Play.objects.create(
        tenant=tenant,
        account=row.account,
        playbook=row.playbook,
        recommendation=row,
        owner_id=row.account.owner_id or (by.user.pk if by.user else None),
        starts_at=now + timedelta(seconds=UNDO_SECONDS + START_GRACE_SECONDS),
        created_at=now,
        is_unattended=unattended is not None,
    )
    before = _decide(row, State.ACCEPTED, by=by, now=now)
    after = {
        "state": row.state,
        "playbook": row.playbook.key,
        "play_id": play.pk,
        "starts_at": play.starts_at,
        **({"unattended": unattended} if unattended else {}),
    }
    record_suggestion(tenant, row, verb="playbooks.accepted", by=by, before=before, after=after)
    enqueue(
        tenant,
        kind=START_PLAY,
        args={"play_id": play.pk},
        by=by,
        dedupe_key=f"{START_PLAY}:{play.pk}",
        not_before=play.starts_at,
    )
    return play


@transaction.atomic
def snooze(
    tenant: Tenant,
    *,
    recommendation_id: int,
    version: int,
    until: date,
    reason: str,
    by: Actor,
    comment: str = "",
    now: datetime | None = None,
) -> Recommendation:
    """Put the suggestion away until a day; it wakes early when health falls further (services.suggestions)."""
    now = now or timezone.now()
    row = _locked(tenant, recommendation_id, by)
    if _is_repeat(row, State.SNOOZED, version, by):
        return row
    check_can_be_decided(row, version)
    _check_until(until, today=local_day(tenant, now))
    _check_reason(reason, Recommendation.SnoozeReason.values)
    row.snoozed_until, row.snoozed_health = until, health_of(tenant, row.account_id)
    before = _decide(row, State.SNOOZED, by=by, now=now, reason=reason, comment=comment)
    after = {"state": row.state, "until": until, "reason": reason, "comment": comment}
    record_suggestion(tenant, row, verb="playbooks.snoozed", by=by, before=before, after=after)
    return row


@transaction.atomic
def dismiss(
    tenant: Tenant,
    *,
    recommendation_id: int,
    version: int,
    reason: str,
    by: Actor,
    comment: str = "",
    now: datetime | None = None,
) -> Recommendation:
    """Turn the suggestion down. "Data is wrong" is also told as an event of its own, which operations look for."""
    now = now or timezone.now()
    row = _locked(tenant, recommendation_id, by)
    if _is_repeat(row, State.DISMISSED, version, by):
        return row
    check_can_be_decided(row, version)
    _check_reason(reason, Recommendation.DismissReason.values)
    before = _decide(row, State.DISMISSED, by=by, now=now, reason=reason, comment=comment)
    after = {"state": row.state, "reason": reason, "comment": comment}
    record_suggestion(tenant, row, verb="playbooks.dismissed", by=by, before=before, after=after)
    if reason == Recommendation.DismissReason.DATA_WRONG:
        doubted = {"comment": comment, "cause": row.cause}
        record_suggestion(tenant, row, verb="playbooks.data_doubted", by=by, before={}, after=doubted)
    return row


@transaction.atomic
def undo(
    tenant: Tenant, *, recommendation_id: int, version: int, by: Actor, now: datetime | None = None
) -> Recommendation:
    """Take the last answer back: an accepted play while it has not started, the others for as long as Undo is shown."""
    now = now or timezone.now()
    row = _locked(tenant, recommendation_id, by)
    if row.version == version + 1 and row.state in Recommendation.OPEN and row.decided_at is None:
        return row
    check_version(row, version)
    if row.state in {State.SUGGESTED, State.EXPIRED}:
        raise Refused(row, "There is no answer to take back.")
    if row.state == State.ACCEPTED:
        _take_play_back(tenant, row, now)
    else:
        _check_in_time(row, now)
    if row.state != State.SNOOZED and open_recommendation_of(tenant, account_id=row.account_id) is not None:
        raise Refused(row, NEWER)
    before = _reopen(row)
    record_suggestion(tenant, row, verb="playbooks.undone", by=by, before=before, after={"state": row.state})
    return row


def check_can_be_decided(row: Recommendation, version: int) -> None:
    """Open, and as it was read."""
    check_version(row, version)
    if row.state not in Recommendation.OPEN:
        raise Refused(row, f"This suggestion is no longer open: {State(row.state).label.lower()}.")


def _locked(tenant: Tenant, recommendation_id: int, by: Actor) -> Recommendation:
    row = locks.recommendation_for_update(tenant, recommendation_id)
    check_may_work(tenant, by=by, account_id=row.account_id)
    return row


def _is_repeat(row: Recommendation, state: str, version: int, by: Actor) -> bool:
    """Whether this is the answer already given, sent again: by the same person, on the version before."""
    return (
        row.state == state
        and row.version == version + 1
        and row.decided_by_id == (by.user.pk if by.user else None)
    )


def _decide(
    row: Recommendation, state: str, *, by: Actor, now: datetime, reason: str = "", comment: str = ""
) -> dict[str, str]:
    """Write the answer; what it was before."""
    before = {"state": row.state}
    row.state, row.reason, row.comment = state, reason, comment.strip()[:1000]
    row.decided_by, row.decided_by_label, row.decided_at = by.user, by.label[:300], now
    row.version += 1
    row.save()
    return before


def _reopen(row: Recommendation) -> dict[str, str]:
    """Back to what it was: a snooze outlives an answer given on the sleeping row, which then sleeps on."""
    before = {"state": row.state}
    slept = row.state != State.SNOOZED and row.snoozed_until is not None
    if not slept:
        row.snoozed_until = row.snoozed_health = None
    row.state = State.SNOOZED if slept else State.SUGGESTED
    row.reason = row.comment = row.decided_by_label = ""
    row.decided_by = row.decided_at = None
    row.version += 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        # a trigger suggested something for the account between our look and our write
        if "recommendation_one_open_an_account" not in str(error):
            raise
        row.refresh_from_db()
        raise Refused(row, NEWER) from error
    return before


def _take_play_back(tenant: Tenant, row: Recommendation, now: datetime) -> None:
    """Whoever locks the play first wins: the job that starts it finds it cancelled, or this finds it started."""
    play = locks.play_of_recommendation(tenant, row.pk)
    if play is None or play.state != Play.State.STARTING:
        raise Refused(row, "The play has started. Stop it on its own page.")
    play.state, play.outcome, play.closed_at = Play.State.CANCELLED, Play.UNDONE, now
    play.version += 1
    play.save(update_fields=["state", "outcome", "closed_at", "version"])


def _check_in_time(row: Recommendation, now: datetime) -> None:
    latest = timedelta(seconds=UNDO_SECONDS + UNDO_GRACE_SECONDS)
    if row.decided_at is None or now - row.decided_at > latest:
        raise Refused(row, "The time to take this back is over.")


def _check_until(until: date, *, today: date) -> None:
    if until <= today:
        raise BadInput("until", "Choose a day after today.")
    if until > today + timedelta(days=SNOOZE_MOST_DAYS):
        raise BadInput("until", f"Choose a day within {SNOOZE_MOST_DAYS} days.")


def _check_reason(reason: str, known: list[str]) -> None:
    if reason not in known:
        raise BadInput("reason", "Choose a reason.")
