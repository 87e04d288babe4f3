"""Keeps erased people out: an import asks here whether a row is about one of them, and what to put in a name's place.

Only keyed fingerprints are kept (`config.secrets.marks`), so the list itself names nobody. Texts of an account with an
erased person are read word by word; those of all other accounts are not looked at.
"""

import re
from collections import defaultdict
from functools import cached_property

from accounts.models import Account, ErasedMark
from config.secrets import marks
from tenants.models import Tenant

PURPOSE = "accounts.erased"
ERASED = "[erased]"
MOST_WORDS = 4  # of a name
_TOKEN = re.compile(r"[\w.+'’-]+@[\w.-]+\w|[^\W_][\w'’-]*")
Kind = ErasedMark.Kind


def normal(kind: str, value: str) -> str:
    """The form in which a value is compared: only a single word of a name keeps its capitals."""
    words = " ".join(value.split())
    return words if kind in (Kind.NAME_PART, Kind.EXTERNAL_ID) else words.casefold()


def marks_of(tenant: Tenant, kind: str, value: str) -> list[str]:
    return marks(f"{tenant.pk}:{kind}:{normal(kind, value)}", purpose=PURPOSE)


def remember(tenant: Tenant, kind: str, value: str, *, pseudonym: str, account_id: int | None = None) -> None:
    """Keep a fingerprint; one that is kept already stays."""
    if value.strip():
        ErasedMark.objects.for_tenant(tenant).get_or_create(
            tenant=tenant, kind=kind, mark=marks_of(tenant, kind, value)[0], account_id=account_id,
            defaults={"pseudonym": pseudonym},
        )  # fmt: skip


class Suppressed:
    """The list as it stands, for one import."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._ids: dict[str, str] = {}
        self._emails: set[str] = set()
        self._names: dict[int, set[str]] = defaultdict(set)
        for row in ErasedMark.objects.for_tenant(tenant):
            if row.kind == Kind.EXTERNAL_ID:
                self._ids[row.mark] = row.pseudonym
            elif row.kind == Kind.EMAIL:
                self._emails.add(row.mark)
            if row.kind != Kind.EXTERNAL_ID and row.account_id is not None:
                self._names[row.account_id].add(row.mark)

    def __bool__(self) -> bool:
        return bool(self._ids or self._emails)

    @cached_property
    def accounts(self) -> dict[str, int]:
        """External ids of the accounts with an erased person."""
        rows = Account.objects.for_tenant(self.tenant).filter(pk__in=self._names)
        return dict(rows.values_list("external_id", "pk"))

    def pseudonym_of(self, external_id: str) -> str | None:
        found = (self._ids.get(mark) for mark in marks_of(self.tenant, Kind.EXTERNAL_ID, external_id))
        return next((each for each in found if each), None)

    def is_erased(self, *, external_id: str, email: str) -> bool:
        if external_id and self.pseudonym_of(external_id):
            return True
        return bool(email) and not self._emails.isdisjoint(marks_of(self.tenant, Kind.EMAIL, email))

    def scrub(self, account_external_id: str, text: str) -> str:
        """The text without the names and addresses of the account's erased people."""
        account_id = self.accounts.get(account_external_id)
        if account_id is None or not text:
            return text
        known, words = self._names[account_id], list(_TOKEN.finditer(text))
        pieces: list[str] = []
        at, place = 0, 0
        while place < len(words):
            length = self._match(known, words, place)
            if length:
                pieces += [text[at : words[place].start()], ERASED]
                at = words[place + length - 1].end()
            place += length or 1
        return "".join([*pieces, text[at:]])

    def _match(self, known: set[str], words: list[re.Match[str]], place: int) -> int:
        """How many words from here on are a name on the list; 0: none."""
        for length in range(min(MOST_WORDS, len(words) - place), 0, -1):
            value = " ".join(word.group() for word in words[place : place + length])
            kinds = [Kind.NAME] if length > 1 else [Kind.NAME, Kind.NAME_PART, Kind.EMAIL]
            if any(mark in known for kind in kinds for mark in marks_of(self.tenant, kind, value)):
                return length
        return 0
