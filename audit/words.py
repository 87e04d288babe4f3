"""Words that people typed, kept beside the event that tells of them, so that a name in them can be erased (ADR 0016).

An event cannot be changed, and must not hold what the law may have erased one day. So a typed text stands in a row of
its own, and the event keeps a reference with the text's salted fingerprint. Readers get the text put back; the seals
and `audit_verify` see the reference, and the fingerprint shows a text that was changed by anybody else. When a
person is erased, text and salt are replaced (`erase_text`, the only way to it), and the chain still holds.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

from audit.models import EventWords
from tenants.models import Tenant

ALWAYS = frozenset({"comment", "note", "task", "q", "text_typed"})
# under these names stand short codes too ("handled", "expired"); a text has a space or an address in it
UNLESS_CODE = frozenset({"reason", "why", "error", "refused", "offer"})
REFERENCE = "$words"
GONE = "(no longer kept)"


def put_aside(tenant: Tenant, diff: dict[str, Any], *, account_id: int | None) -> dict[str, Any]:
    """The diff with each typed text replaced by a reference; the texts are written in the same transaction."""
    return {name: _aside(tenant, name, value, account_id) for name, value in diff.items()}


def _aside(tenant: Tenant, name: str, value: Any, account_id: int | None) -> Any:
    if isinstance(value, dict):
        return {key: _aside(tenant, str(key), inner, account_id) for key, inner in value.items()}
    if isinstance(value, str) and _is_typed(name, value):
        return _keep(tenant, value, account_id)
    return value


def _is_typed(name: str, value: str) -> bool:
    if name in UNLESS_CODE:
        return " " in value or "@" in value
    return name in ALWAYS and value != ""


def _keep(tenant: Tenant, text: str, account_id: int | None) -> dict[str, Any]:
    salt = os.urandom(16)
    row = EventWords.objects.create(tenant=tenant, account_id=account_id, salt=salt, text=text)
    return {REFERENCE: row.pk, "sha256": fingerprint(salt, text)}


def fingerprint(salt: bytes, text: str) -> str:
    return hashlib.sha256(salt + text.encode()).hexdigest()


def put_back(diffs: Iterable[dict[str, Any]]) -> None:
    """Texts in the place of their references, in these diffs of the active tenant: one query, or none."""
    holders = [holder for diff in diffs for holder in _holders(diff)]
    if not holders:
        return
    wanted = {inner[name][REFERENCE] for inner, name in holders}
    texts = dict(EventWords.objects.filter(pk__in=wanted).values_list("pk", "text"))
    for inner, name in holders:
        inner[name] = texts.get(inner[name][REFERENCE], GONE)


def references(diff: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """(row, fingerprint) of every text that the stored diff refers to."""
    for inner, name in _holders(diff):
        yield inner[name][REFERENCE], inner[name]["sha256"]


def _holders(values: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            if set(value) == {REFERENCE, "sha256"}:
                yield values, name
            else:
                yield from _holders(value)


def altered(wanted: dict[int, str]) -> list[int]:
    """Of these rows (row to fingerprint) those whose text is gone or another one, unless an erasure replaced it."""
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, encode(sha256(salt || convert_to(text, 'UTF8')), 'hex'), erased_at IS NOT NULL "
            "FROM audit_eventwords WHERE id = ANY(%s)",
            [list(wanted)],
        )
        found = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    return sorted(
        key
        for key, mark in wanted.items()
        if key not in found or not (found[key][1] or found[key][0] == mark)
    )


def run(tenant: Tenant, progress: Any) -> dict[str, int]:
    """The nightly job."""
    return {"texts": forget_orphans(tenant)}


def forget_orphans(tenant: Tenant) -> int:
    """Blank the texts of events whose month was dropped; how many. The rows stay, empty, as nobody may delete here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT erase_text('audit_eventwords', w.id, 'text', '') FROM audit_eventwords w "
            "WHERE w.tenant_id = %(tenant)s AND w.text <> '' AND w.at < "
            "(SELECT min(e.at) FROM audit_event e WHERE e.tenant_id = %(tenant)s) - interval '1 day'",
            {"tenant": tenant.pk},
        )
        return int(cursor.rowcount)
