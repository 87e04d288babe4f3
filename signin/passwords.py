"""What a new password may not be, beside Django's own rules: words of its context, and what is known from breaches."""

import hashlib
import logging
import os
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error
from django.core.exceptions import ValidationError

from tenants.models import Membership, User

log = logging.getLogger(__name__)

# what has to be left when the words of the context are taken away: so many letters, or so many characters
LEAST_LETTERS, LEAST_CHARACTERS = 4, 12
WORDS = (
    "holdfast",
    "customer",
    "success",
    "churn",
    "renewal",
    "account",
    "health",
    "password",
    "welcome",
    "admin",
)
_LOOKS_LIKE = str.maketrans("0134578@$!|", "oieastbasil")
_SHORTEST = 4  # of a word that counts


class ContextWordsValidator:
    """Refuses a password that is little more than the product's name, its subject, or the names of one's workspaces."""

    def validate(self, password: str, user: Any = None) -> None:
        whole = password.lower()
        rest = _without(whole, _context_of(user))
        if rest == whole or len(rest) >= LEAST_CHARACTERS:
            return
        if sum(letter.isalpha() for letter in rest) < LEAST_LETTERS:
            raise ValidationError(self.get_help_text(), code="password_of_context")

    def get_help_text(self) -> str:
        return "Your password can’t be made up of the names of this product, your company or your work."


def _without(password: str, words: set[str]) -> str:
    """What is left of it, in its own characters; `h0ldf4st` is taken for the word it looks like."""
    read = password.translate(_LOOKS_LIKE)
    for word in sorted(words, key=len, reverse=True):
        while (at := read.find(word)) >= 0:
            read, password = (text[:at] + text[at + len(word) :] for text in (read, password))
    return password


def _context_of(user: Any) -> set[str]:
    """Words that whoever guesses tries first; of somebody who is kept, with the names of their workspaces."""
    names = [*WORDS, getattr(user, "email", "").rpartition("@")[2].rpartition(".")[0]]
    if isinstance(user, User) and user.pk:
        rows = Membership.objects.filter(user=user).select_related("tenant__organisation")
        names += [
            each for row in rows for each in (row.tenant.slug, row.tenant.name, row.tenant.organisation.name)
        ]
    words = {part for name in names for part in re.split(r"[^a-z]+", name.lower().translate(_LOOKS_LIKE))}
    return {word for word in words if len(word) >= _SHORTEST}


class BreachedPasswordValidator:
    """Refuses what stands in the file that `HOLDFAST_BREACHED_PASSWORDS` names; without one it refuses nothing.

    The file has a line a password, in order: its SHA-1 in capitals, then perhaps a colon and a count, as the published
    lists of breached passwords have it. It is searched by halves, so that its size costs nothing.
    """

    def validate(self, password: str, user: Any = None) -> None:
        path = settings.BREACHED_PASSWORDS
        if path and _is_known(Path(path), password):
            raise ValidationError(
                "This password is known from a breach of another service. Choose another one.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return (
            "Your password can’t be one that is known from a breach." if settings.BREACHED_PASSWORDS else ""
        )


def _is_known(path: Path, password: str) -> bool:
    """Raises ValidationError where the list cannot be read: nothing is taken unchecked, and no form fails."""
    try:
        return _is_in(path, _digest(password))
    except OSError as error:
        log.error("the list of breached passwords cannot be read: %s", error)
        raise ValidationError(
            "New passwords cannot be checked now, so that none can be set. Tell whoever runs this installation.",
            code="password_unchecked",
        ) from error


def check_breached_list(**_: Any) -> list[Error]:
    """System check: a list that is named can be read."""
    path = settings.BREACHED_PASSWORDS
    if not path:
        return []
    try:
        with Path(path).open("rb"):
            return []
    except OSError as error:
        hint = "Put the list there, or take HOLDFAST_BREACHED_PASSWORDS out: until then nobody can set a password."
        return [Error(f"The list of breached passwords cannot be read: {error}", hint=hint, id="signin.E001")]


def _digest(password: str) -> bytes:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()


def _is_in(path: Path, wanted: bytes) -> bool:
    """Binary search by bytes for the line that begins with `wanted`. Raises OSError where the file cannot be read."""
    with path.open("rb") as file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            file.seek(middle)
            if middle:
                file.seek(middle - 1)
                file.readline()  # to the beginning of the next line
            line = file.readline()
            if line and line[:40].upper() < wanted:
                low = max(file.tell(), middle + 1)
            elif line[:40].upper() == wanted:
                return True
            else:
                high = middle
    return False
