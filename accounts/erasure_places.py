"""Where accounts itself keeps traces of a person: texts on their account, references by id, files, the row itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import suppression
from accounts.erasure import Eraser, Place, Subject, register
from accounts.models import Contact, ContactChange, ErasedMark

ANYWHERE = "true"
_OF_OPPORTUNITY = (
    "t.opportunity_id IN (SELECT id FROM accounts_opportunity o WHERE o.tenant_id = %(tenant)s "
    "AND o.account_id = ANY(%(accounts)s))"
)
TEXTS = (
    Place("Notes", "accounts_note", ("text",)),
    Place("Shares", "accounts_accountshare", ("reason",)),
    Place("Tickets", "accounts_ticket", ("subject", "body", "resolution")),
    Place("Mails, calls and meetings", "accounts_activity", ("subject", "body")),
    Place("Surveys", "accounts_survey", ("comment",)),
    Place("Opportunities", "accounts_opportunity", ("name", "next_step")),
    Place("Opportunities", "accounts_opportunitychange", ("old_value", "new_value"), where=_OF_OPPORTUNITY),
    Place("Goals", "accounts_objective", ("name",)),
    Place("Goals", "accounts_milestone", ("name",)),
    Place("Contract", "accounts_subscription", ("cancel_reason",)),
    Place("Contract", "accounts_outcome", ("reason",)),
    Place("News", "accounts_companyevent", ("headline",)),
    Place("Account fields", "accounts_account", jsons=("attributes",), where="t.id = ANY(%(accounts)s)"),
    Place("Event log", "audit_eventwords", ("text",), frozen=True),
    Place(
        "Event log", "audit_eventwords", ("text",), where="t.account_id IS NULL", frozen=True, at_home=False
    ),
    Place(
        "Mailbox",
        "tenants_mailboxmessage",
        ("to", "subject", "text"),
        where=ANYWHERE,
        at_home=False,
        delete=True,
    ),
    Place("Jobs", "jobs_job", ("last_error", "message"), ("args", "result"), where=ANYWHERE, at_home=False),
)

_REFERENCES = {
    "Surveys": "UPDATE accounts_survey SET contact_external_id = %(new)s WHERE tenant_id = %(tenant)s "
    "AND account_id = %(account)s AND contact_external_id = %(old)s",
    "Mails, calls and meetings": "UPDATE accounts_activity SET contact_external_ids = array_replace("
    "contact_external_ids, %(old)s::varchar, %(new)s::varchar) WHERE tenant_id = %(tenant)s "
    "AND account_id = %(account)s AND %(old)s = ANY(contact_external_ids)",
    "Usage by person": "UPDATE accounts_usage_detail SET contact_external_id = %(new)s WHERE tenant_id = %(tenant)s "
    "AND account_id = %(account)s AND contact_external_id = %(old)s",
}


def _references(statement: str) -> tuple[Callable[[Subject], int], Callable[[Subject], int]]:
    """Counting and replacing the person's id in one table; the same rows by the same condition."""
    table, condition = statement.split(" SET ")[0].removeprefix("UPDATE "), statement.split(" WHERE ")[1]

    def count(subject: Subject) -> int:
        return _each(subject, f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608  constants of this file

    def erase(subject: Subject) -> int:
        return _each(subject, statement)

    return count, erase


def _each(subject: Subject, statement: str) -> int:
    total = 0
    with connection.cursor() as cursor:
        for contact in subject.contacts:
            values: dict[str, Any] = {
                "tenant": subject.tenant.pk, "account": contact.account_id, "old": contact.external_id,
                "new": subject.pseudonyms[contact.external_id],
            }  # fmt: skip
            cursor.execute(statement, values)
            total += int(cursor.fetchone()[0]) if statement.startswith("SELECT") else cursor.rowcount
    return total


def _number_of_contacts(subject: Subject) -> int:
    return len(subject.contacts)


def _changes(subject: Subject) -> Any:
    """What imports kept of the person's earlier roles and titles."""
    rows = ContactChange.objects.for_tenant(subject.tenant)
    return rows.filter(contact__in=[each.pk for each in subject.contacts])


def _empty_contacts(subject: Subject) -> int:
    """The row stays under its made-up id, for counts and for the keys of what names it; nothing else of it does."""
    for contact in subject.contacts:
        _keep_out(subject, contact)
        Contact.objects.for_tenant(subject.tenant).filter(pk=contact.pk).update(
            external_id=subject.pseudonyms[contact.external_id], name="", email="", title="", role="", seniority="",
            department="", joined_at=None, departed_at=None, time_zone="", language="", do_not_contact=True,
            attributes={}, row_hash=b"", erased_at=timezone.now(),
        )  # fmt: skip
    return len(subject.contacts)


def _keep_out(subject: Subject, contact: Contact) -> None:
    """The fingerprints by which a later import knows them again."""
    kinds, tenant = ErasedMark.Kind, subject.tenant
    pseudonym = subject.pseudonyms[contact.external_id]
    suppression.remember(tenant, kinds.EXTERNAL_ID, contact.external_id, pseudonym=pseudonym)
    at_home: dict[str, Any] = {"pseudonym": pseudonym, "account_id": contact.account_id}
    suppression.remember(tenant, kinds.EMAIL, contact.email, **at_home)
    suppression.remember(tenant, kinds.NAME, contact.name, **at_home)
    for part in subject.parts:
        suppression.remember(tenant, kinds.NAME_PART, part, **at_home)


def _exports(subject: Subject) -> list[Path]:
    """All stored exports of the tenant: one can be made again in a minute, and searching them would miss encodings."""
    folder = Path(settings.EXPORT_DIR) / str(subject.tenant.pk)
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def _delete_exports(subject: Subject) -> int:
    found = _exports(subject)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def register_places() -> None:
    """Called once at start-up. The contact goes last of ours: the others need its name and id."""
    register(*TEXTS)
    for label, statement in _REFERENCES.items():
        register(Eraser(label, *_references(statement)))
    register(Eraser("Stored exports", lambda subject: len(_exports(subject)), _delete_exports))
    register(
        Eraser(
            "Earlier roles and titles",
            lambda subject: _changes(subject).count(),
            lambda subject: _changes(subject).delete()[0],
        )
    )
    register(Eraser("Contacts", _number_of_contacts, _empty_contacts))
