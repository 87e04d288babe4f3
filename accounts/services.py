"""Writes about accounts: notes, shares, opened bodies, exchange rates."""

from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts import erasure, grants
from accounts.exceptions import AccountError, CannotShare, NotVisible
from accounts.models import Account, AccountShare, Activity, FxRate, Note, Ticket
from accounts.queries import contact_of, sees_by_share_alone, visible_account
from audit import services as audit
from tenants import idempotency
from tenants.access import Actor, Right, check_right
from tenants.models import Membership, Tenant

LONGEST_NOTE = 10_000


def _account_of(tenant: Tenant, *, account_id: int, by: Actor, right: Right) -> Account:
    """The account, if the actor may see it and holds the right; a person without a membership may nothing."""
    if by.membership is None:
        raise NotVisible("Only a person can do this.")
    check_right(by.membership, right)
    account = visible_account(tenant, by.membership, account_id=account_id)
    if account is None:
        raise NotVisible("No such account.")
    return account


def _shareable(tenant: Tenant, *, account_id: int, by: Actor) -> Account:
    """An account of the actor's own reach. Whoever was let in by a share lets in nobody else, and puts nobody out."""
    account = _account_of(tenant, account_id=account_id, by=by, right=Right.SHARE_ACCOUNTS)
    assert by.membership is not None  # asked above
    if sees_by_share_alone(tenant, by.membership, account):
        raise CannotShare(
            "This account was shared with you. Its CSM and the team's managers say who else sees it."
        )
    return account


@transaction.atomic
def add_note(tenant: Tenant, *, account_id: int, text: str, by: Actor) -> Note:
    """Put a note on the account, in the writer's words."""
    account = _account_of(tenant, account_id=account_id, by=by, right=Right.WORK_QUEUE)
    text = text.strip()
    if not text:
        raise AccountError("The note is empty. Write what the next person should know.")
    if len(text) > LONGEST_NOTE:
        raise AccountError(f"The note has {len(text):,} characters; {LONGEST_NOTE:,} is the most.")
    note = Note.objects.create(
        tenant=tenant, account=account, text=text, author=by.user, author_label=by.label
    )
    audit.record(
        tenant, verb="accounts.note_added", by=by, account_id=account.pk,
        object_type="accounts.note", object_id=str(note.pk), object_label=str(account),
    )  # fmt: skip
    return note


@transaction.atomic
def share_account(tenant: Tenant, *, account_id: int, member_id: int, reason: str, by: Actor) -> AccountShare:
    """Let one more member see the account. Sharing again with the same person changes nothing."""
    account = _shareable(tenant, account_id=account_id, by=by)
    reason = reason.strip()
    if not reason:
        raise AccountError("Say why it is shared; the reason stays with the share.")
    member = (
        Membership.objects.select_related("user").filter(tenant=tenant, pk=member_id, is_active=True).first()
    )
    if member is None or not member.user.is_active:
        raise CannotShare("This person is not an active member here.")
    share, created = AccountShare.objects.for_tenant(tenant).get_or_create(
        tenant=tenant,
        account=account,
        user=member.user,
        defaults={"reason": reason, "shared_by_label": by.label},
    )
    if created:
        grants.sync(tenant, account_ids=[account.pk])
        audit.record(
            tenant, verb="accounts.account_shared", by=by, subject=account, account_id=account.pk,
            after={"with": str(member.user), "member_id": member.pk, "reason": reason},
        )  # fmt: skip
    return share


@transaction.atomic
def unshare_account(tenant: Tenant, *, account_id: int, share_id: int, by: Actor) -> None:
    """Take a share back; taking it back twice changes nothing."""
    account = _shareable(tenant, account_id=account_id, by=by)
    share = AccountShare.objects.for_tenant(tenant).filter(pk=share_id, account=account).first()
    if share is None:
        return
    label = str(share.user)
    share.delete()
    grants.sync(tenant, account_ids=[account.pk])
    audit.record(
        tenant,
        verb="accounts.share_ended",
        by=by,
        subject=account,
        account_id=account.pk,
        before={"with": label},
    )


@transaction.atomic
def erase_person(tenant: Tenant, *, account_id: int, contact_id: int, by: Actor) -> dict[str, int]:
    """Erase a customer's person on request: how many rows changed, by kind. Cannot be undone (docs/erasure.md).

    The event that stays says that it happened and how much it touched, and names nobody.
    """
    account = _account_of(tenant, account_id=account_id, by=by, right=Right.CONFIGURE)
    contact = contact_of(tenant, account, contact_id=contact_id, lock=True)
    if contact is None:
        raise NotVisible("No such person.")
    counts = erasure.erase(erasure.subject_of(tenant, contact))
    idempotency.forget_all(tenant)  # kept answers may show the name until they end
    audit.record(
        tenant, verb="accounts.person_erased", by=by, account_id=account.pk, object_type="accounts.contact",
        object_id=str(contact.pk), object_label=f"A person at {account}", after={"rows": counts},
    )  # fmt: skip
    return counts


BODIES: dict[str, type[Activity] | type[Ticket]] = {"activity": Activity, "ticket": Ticket}


@transaction.atomic
def open_body(tenant: Tenant, *, account_id: int, kind: str, evidence_id: int, by: Actor) -> str:
    """The restricted text of a call, mail or ticket. Each opening is an audit event, without the text."""
    account = _account_of(tenant, account_id=account_id, by=by, right=Right.OPEN_BODIES)
    if kind not in BODIES:
        raise NotVisible("This kind of evidence has no text.")
    row = BODIES[kind].objects.for_tenant(tenant).filter(pk=evidence_id, account=account).first()
    if row is None:
        raise NotVisible("No such evidence.")
    audit.record(
        tenant, verb="accounts.body_opened", by=by, account_id=account.pk,
        object_type=f"accounts.{kind}", object_id=row.external_id, object_label=str(account),
    )  # fmt: skip
    return row.body


@transaction.atomic
def set_fx_rate(tenant: Tenant, *, currency: str, day: date, rate: Decimal, by: Actor) -> FxRate:
    """What one unit of `currency` is worth in the tenant's currency from `day` on."""
    if rate <= 0:
        raise AccountError(f"The rate of {currency} is {rate}: it must be above zero.")
    before = FxRate.objects.for_tenant(tenant).filter(currency=currency, day=day).values("rate").first()
    row, _ = FxRate.objects.for_tenant(tenant).update_or_create(
        tenant=tenant, currency=currency, day=day, defaults={"rate": rate}
    )
    audit.record(
        tenant, verb="accounts.fx_rate_set", by=by, object_type="accounts.fxrate", object_id=str(row.pk),
        object_label=f"{currency} from {day}", before=dict(before) if before else None, after={"rate": rate},
    )  # fmt: skip
    return row
