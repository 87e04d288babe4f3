"""Writes of what people say: sentiment, observations on persons, a person added. Each leaves its event."""

import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Contact
from accounts.queries import contact_of
from audit import services as audit
from scoring.clock import tenant_today
from scoring.people.exceptions import Refused
from scoring.people.models import CsmSentiment, PersonObservation
from scoring.people.queries import may_see_observations
from scoring.people.words import Confidence, Level, SentimentReason, Sign
from tenants.access import Actor
from tenants.models import Tenant

SENTIMENT_DAYS = 90  # how long a sentiment holds unless its author says otherwise
LONGEST_DAYS = 365
OBSERVATION_DAYS = 90
BACKDATED_DAYS = 30  # an observation written long after is hindsight, which scores of past days must not know
MOST_REASONS = 3


@transaction.atomic
def set_sentiment(
    tenant: Tenant, *, account: Account, level: str, reasons: Sequence[str] = (), note: str = "",
    valid_until: date | None = None, by: Actor,
) -> CsmSentiment:  # fmt: skip
    """How the author feels about the account, for 90 days unless they say otherwise. Never an input of health."""
    today = tenant_today(tenant)
    until = valid_until or today + timedelta(days=SENTIMENT_DAYS)
    if level not in Level.values:
        raise Refused("level", "Choose one of the six steps.")
    if len(set(reasons)) > MOST_REASONS or not set(reasons) <= set(SentimentReason.values):
        raise Refused("reasons", "Choose up to three of the reasons.")
    _check_end("valid_until", until, today)
    row = CsmSentiment.objects.create(
        tenant=tenant,
        account=account,
        level=level,
        reasons=list(dict.fromkeys(reasons)),
        note=note.strip(),
        valid_until=until,
        author=by.user,
        author_label=by.label[:300],
    )
    audit.record(
        tenant,
        verb="scoring.sentiment_set",
        by=by,
        subject=row,
        account_id=account.pk,
        after={
            "level": level,
            "reasons": row.reasons,
            "valid_until": str(until),
            "note": row.note,
        },
    )
    return row


@transaction.atomic
def withdraw_sentiment(tenant: Tenant, *, account: Account, by: Actor) -> int:
    """Take back what holds now; the history keeps it. How many there were."""
    rows = CsmSentiment.objects.for_tenant(tenant).filter(account=account, withdrawn_at=None)
    standing = list(rows.select_for_update())
    for row in standing:
        row.withdrawn_at = timezone.now()
        row.save(update_fields=["withdrawn_at"])
        audit.record(
            tenant,
            verb="scoring.sentiment_withdrawn",
            by=by,
            subject=row,
            account_id=account.pk,
            before={"level": row.level, "valid_until": str(row.valid_until)},
        )
    return len(standing)


@transaction.atomic
def observe_person(
    tenant: Tenant, *, account: Account, contact_id: int, sign: str, confidence: str, observed_on: date,
    expires_on: date | None = None, note: str = "", by: Actor,
) -> PersonObservation:  # fmt: skip
    """What was noticed of a person on a day. The event says that it happened, and not what was seen or of whom."""
    _check_sees(account, by)
    contact = contact_of(tenant, account, contact_id=contact_id)
    today = tenant_today(tenant)
    expires = expires_on or observed_on + timedelta(days=OBSERVATION_DAYS)
    if contact is None:
        raise Refused("contact", "Choose one of the people at this account.")
    if sign not in Sign.values:
        raise Refused("sign", "Choose what was noticed.")
    if confidence not in Confidence.values:
        raise Refused("confidence", "Choose how sure you are.")
    if not today - timedelta(days=BACKDATED_DAYS) <= observed_on <= today:
        raise Refused("observed_on", f"Choose a day of the last {BACKDATED_DAYS}, today at the latest.")
    if not observed_on <= expires <= today + timedelta(days=LONGEST_DAYS):
        raise Refused("expires_on", "Choose a day after it was noticed, a year ahead at most.")
    row = PersonObservation.objects.create(
        tenant=tenant,
        account=account,
        contact=contact,
        sign=sign,
        confidence=confidence,
        observed_on=observed_on,
        expires_on=expires,
        note=note.strip(),
        author=by.user,
        author_label=by.label[:300],
    )
    _record_observation(tenant, row, verb="scoring.person_observed", by=by)
    return row


@transaction.atomic
def withdraw_observation(tenant: Tenant, *, account: Account, observation_id: int, by: Actor) -> bool:
    """It counts no longer from now on; whether there is such an observation."""
    _check_sees(account, by)
    rows = PersonObservation.objects.for_tenant(tenant).select_for_update()
    row = rows.filter(account=account, pk=observation_id).first()
    if row is None:
        return False
    if row.withdrawn_at is None:
        row.withdrawn_at = timezone.now()
        row.save(update_fields=["withdrawn_at"])
        _record_observation(tenant, row, verb="scoring.observation_withdrawn", by=by)
    return True


def _record_observation(tenant: Tenant, row: PersonObservation, *, verb: str, by: Actor) -> None:
    """Restricted: neither the person nor what was noticed stands in the event log, which can be exported."""
    audit.record(
        tenant,
        verb=verb,
        by=by,
        account_id=row.account_id,
        object_type="scoring.personobservation",
        object_id=str(row.pk),
        object_label="Observation on a person",
    )


def _check_sees(account: Account, by: Actor) -> None:
    if by.membership is None or not may_see_observations(by.membership, account):
        raise Refused("contact", "Only the account's CSM, managers and operations admins note such things.")


@transaction.atomic
def add_person(
    tenant: Tenant, *, account: Account, name: str, role: str, since: date, title: str = "", by: Actor
) -> Contact:
    """A person at the account whom no source has named yet, such as the new champion."""
    if not name.strip():
        raise Refused("name", "Write the person's name.")
    if role not in Contact.Role.values:
        raise Refused("role", "Choose the person's role.")
    if since > tenant_today(tenant):
        raise Refused("since", "Choose today or an earlier day.")
    row = Contact.objects.create(
        tenant=tenant,
        account=account,
        external_id=f"holdfast-{secrets.token_hex(8)}",
        source="person",
        name=name.strip(),
        title=title.strip(),
        role=role,
        joined_at=datetime.combine(since, time(), UTC),
    )
    audit.record(
        tenant,
        verb="scoring.person_added",
        by=by,
        account_id=account.pk,
        object_type="accounts.contact",
        object_id=str(row.pk),
        object_label=f"A person at {account}"[:300],
        after={"role": role, "since": str(since)},
    )
    return row


def _check_end(field: str, until: date, today: date) -> None:
    if not today <= until <= today + timedelta(days=LONGEST_DAYS):
        raise Refused(field, f"Choose a day from today to {LONGEST_DAYS} days ahead.")
