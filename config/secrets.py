"""The installation's own secret, and encryption of secrets at rest with keys derived from it."""

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken


def installation_secret(var: Path) -> str:
    """The secret key kept in `var/secret_key` (0600), made on first use."""
    path = var / "secret_key"
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(64))
        try:
            os.link(fresh, path)  # whoever links first wins; a concurrent starter reads the winner's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


class SecretUnreadable(Exception):
    """A stored secret was encrypted under another HOLDFAST_SECRET_KEY."""


def _fernet(purpose: str) -> Fernet:
    from django.conf import settings

    digest = hashlib.sha256(f"{purpose}:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(value: str, *, purpose: str) -> str:
    """Encrypt `value` for storage; `purpose` separates the keys of different uses."""
    return _fernet(purpose).encrypt(value.encode()).decode()


def unseal(stored: str, *, purpose: str) -> str:
    """The value sealed under the same purpose and installation secret; raises SecretUnreadable."""
    try:
        return _fernet(purpose).decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable(
            f"a secret for {purpose} cannot be read: restore HOLDFAST_SECRET_KEY"
        ) from error
