"""The text of a service token: hf_<environment>_<key>_<secret>. Pure functions; no table is touched.

The key is public and finds the row; the secret is 32 random bytes, of which only the SHA-256 is stored. A slow hash
would protect a guessable secret, and this one is not (ADR 0014).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

KEY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are taken for one another
KEY_LENGTH = 12
_SHAPE = re.compile(r"hf_(production|sandbox)_([a-z0-9]{12})_([0-9a-f]{64})")


@dataclass(frozen=True)
class TokenText:
    """A token's three parts. `whole` is shown once and never kept."""

    environment: str
    key: str
    secret: str

    @property
    def whole(self) -> str:
        return f"hf_{self.environment}_{self.key}_{self.secret}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def __repr__(self) -> str:  # a traceback or a log line must not carry the secret
        return f"TokenText({self.environment}, {self.key}, …)"


def new_token(environment: str) -> TokenText:
    key = "".join(secrets.choice(KEY_LETTERS) for _ in range(KEY_LENGTH))
    return TokenText(environment, key, secrets.token_hex(32))


def read_token(text: str) -> TokenText | None:
    """The parts of a token, or None for anything that is not shaped like one: no query is spent on it."""
    found = _SHAPE.fullmatch(text)
    return TokenText(*found.groups()) if found else None


def is_same(digest: str, other: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(digest, other)
