"""Erasing a person on request (docs/erasure.md, ADR 0016): who is meant, where their traces are, and taking them out.

Apps above register the places of their own at start-up. What can be deleted is deleted; a text of somebody else keeps
its sense and loses the name; counts go on adding up under a made-up id.
"""
# ruff: noqa: S608  statements are put together from the registered places; values are always parameters

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection

from accounts.models import Contact
from accounts.suppression import ERASED
from tenants.models import Tenant

SHORTEST_PART = 3
_OF_ACCOUNT = "t.account_id = ANY(%(accounts)s)"


@dataclass(frozen=True)
class Subject:
    """The person: every contact row of theirs (the same address may stand at several accounts)."""

    tenant: Tenant
    contacts: tuple[Contact, ...]
    pseudonyms: dict[str, str] = field(default_factory=dict)

    @property
    def accounts(self) -> list[int]:
        return sorted({contact.account_id for contact in self.contacts})

    @cached_property
    def names(self) -> list[str]:
        return sorted({" ".join(each.name.split()) for each in self.contacts if each.name.strip()})

    @cached_property
    def emails(self) -> list[str]:
        return sorted({each.email.strip().lower() for each in self.contacts if each.email.strip()})

    @cached_property
    def parts(self) -> list[str]:
        """Single words of the name, as it is written; too short ones would hit everything."""
        words = {word for name in self.names for word in re.split(r"[\s,.]+", name)}
        return sorted(word for word in words if len(word) >= SHORTEST_PART)

    @cached_property
    def needles(self) -> list[str]:
        """What a text must hold to be looked at, for ILIKE."""
        escaped = (re.sub(r"([\\%_])", r"\\\1", each) for each in [*self.names, *self.emails, *self.parts])
        return [f"%{each}%" for each in escaped]

    @cached_property
    def _everywhere(self) -> re.Pattern[str]:
        return _pattern([*self.emails, *[name for name in self.names if " " in name]], re.IGNORECASE)

    @cached_property
    def _at_home(self) -> re.Pattern[str]:
        return _pattern([*self.names, *self.parts], re.NOFLAG)

    def scrub(self, text: str, *, at_home: bool = True) -> str:
        """The text without the person; single words of the name only in texts of their own accounts."""
        text = self._everywhere.sub(ERASED, text)
        return self._at_home.sub(ERASED, text) if at_home else text

    def scrub_json(self, value: Any, *, at_home: bool = True) -> Any:
        if isinstance(value, str):
            return self.pseudonyms.get(value) or self.scrub(value, at_home=at_home)
        if isinstance(value, list):
            return [self.scrub_json(each, at_home=at_home) for each in value]
        if isinstance(value, dict):
            return {name: self.scrub_json(each, at_home=at_home) for name, each in value.items()}
        return value


def _pattern(words: list[str], flags: re.RegexFlag) -> re.Pattern[str]:
    """Any of the words as a whole, longest first; nothing at all when there are none."""
    longest_first = sorted(filter(None, words), key=len, reverse=True)
    either = "|".join(r"\s+".join(map(re.escape, each.split())) for each in longest_first)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)" if either else r"(?!)", flags)


@dataclass(frozen=True)
class Place:
    """Columns of one table that may name the person. `frozen` rows change through `erase_text` alone."""

    label: str
    table: str
    texts: tuple[str, ...] = ()
    jsons: tuple[str, ...] = ()
    where: str = _OF_ACCOUNT
    frozen: bool = False
    at_home: bool = True
    delete: bool = False  # the row goes as a whole

    def changes(self, subject: Subject) -> list[tuple[int, dict[str, str]]]:
        """(row, its columns as they shall read) of every row that names the person."""
        columns = [*(f't."{name}"' for name in self.texts), *(f't."{name}"::text' for name in self.jsons)]
        looked_at = " OR ".join(f"{column} ILIKE ANY(%(needles)s)" for column in columns)
        values: dict[str, Any] = {
            "tenant": subject.tenant.pk,
            "accounts": subject.accounts,
            "ids": list(subject.pseudonyms),
            "needles": [*subject.needles, *(f'%"{each}"%' for each in subject.pseudonyms)],
        }
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.id, {', '.join(columns)} FROM {self.table} t "
                f"WHERE t.tenant_id = %(tenant)s AND {self.where} AND ({looked_at})",
                values,
            )
            rows = cursor.fetchall()
        return [(row[0], wanted) for row in rows if (wanted := self._wanted(subject, row[1:]))]

    def _wanted(self, subject: Subject, cells: tuple[str | None, ...]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, cell in zip([*self.texts, *self.jsons], cells, strict=True):
            if cell is None:
                continue
            if name in self.texts:
                after = subject.scrub(cell, at_home=self.at_home)
            else:
                before = json.loads(cell)
                scrubbed = subject.scrub_json(before, at_home=self.at_home)
                after = cell if scrubbed == before else json.dumps(scrubbed, ensure_ascii=False)
            if after != cell:
                found[name] = after
        return found

    def count(self, subject: Subject) -> int:
        return len(self.changes(subject))

    def erase(self, subject: Subject) -> int:
        changes = self.changes(subject)
        with connection.cursor() as cursor:
            for row_id, wanted in changes:
                self._write(cursor, subject, row_id, wanted)
        return len(changes)

    def _write(self, cursor: Any, subject: Subject, row_id: int, wanted: dict[str, str]) -> None:
        if self.delete:
            cursor.execute(
                f"DELETE FROM {self.table} WHERE tenant_id = %s AND id = %s", [subject.tenant.pk, row_id]
            )
        elif self.frozen:
            for name, text in wanted.items():
                cursor.execute("SELECT erase_text(%s, %s, %s, %s)", [self.table, row_id, name, text])
        else:
            sets = ", ".join(f'"{name}" = %s' + ("::jsonb" if name in self.jsons else "") for name in wanted)
            cursor.execute(
                f"UPDATE {self.table} SET {sets} WHERE tenant_id = %s AND id = %s",
                [*wanted.values(), subject.tenant.pk, row_id],
            )


@dataclass(frozen=True)
class Eraser:
    """Traces that need more than another text: counted for the preview, then taken out. Both answer how many."""

    label: str
    count: Callable[[Subject], int]
    erase: Callable[[Subject], int]


_before: list[Eraser] = []
_places: list[Place | Eraser] = []


def register(*places: Place | Eraser, first: bool = False) -> None:
    """Add places; those that must act while the texts are still whole come `first`."""
    if first:
        _before.extend(each for each in places if isinstance(each, Eraser))
    else:
        _places.extend(places)


def places() -> list[Place | Eraser]:
    return [*_before, *_places]


def subject_of(tenant: Tenant, contact: Contact) -> Subject:
    """The person behind a contact: this row, and every other of the same address."""
    rows = Contact.objects.for_tenant(tenant).filter(erased_at=None)
    same = rows.filter(email__iexact=contact.email).exclude(pk=contact.pk) if contact.email else rows.none()
    contacts = (contact, *same.select_related("account").order_by("pk"))
    return Subject(
        tenant, contacts, {each.external_id: f"erased-{secrets.token_hex(8)}" for each in contacts}
    )


def preview(subject: Subject) -> list[tuple[str, int]]:
    """What would change, by kind; what holds nothing of the person is left out."""
    counts: dict[str, int] = {}
    for place in places():
        counts[place.label] = counts.get(place.label, 0) + place.count(subject)
    return [(label, number) for label, number in counts.items() if number]


def erase(subject: Subject) -> dict[str, int]:
    """Take everything out, in the caller's transaction."""
    counts: dict[str, int] = {}
    for place in places():
        counts[place.label] = counts.get(place.label, 0) + place.erase(subject)
    return {label: number for label, number in counts.items() if number}
