"""The installation's own secret, and encryption of secrets at rest with keys derived from it."""

import base64
import hashlib
import hmac
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


def _key(purpose: str, secret: str) -> bytes:
    return hashlib.sha256(f"{purpose}:{secret}".encode()).digest()


def _key_id(key: bytes) -> str:
    """Tells which key a value is under, and nothing about the key."""
    return hashlib.sha256(b"key id:" + key).hexdigest()[:8]


def _keys(purpose: str) -> dict[str, bytes]:
    """By id: the key of today first, then those of HOLDFAST_OLD_SECRET_KEYS, which still open what they closed."""
    from django.conf import settings

    keys = [_key(purpose, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return {_key_id(key): key for key in keys}


def _fernet(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key))


def seal(value: str, *, purpose: str) -> str:
    """Encrypt `value` for storage, as `<key id>.<token>`; `purpose` separates the keys of different uses."""
    key_id, key = next(iter(_keys(purpose).items()))
    return f"{key_id}.{_fernet(key).encrypt(value.encode()).decode()}"


def unseal(stored: str, *, purpose: str) -> str:
    """The value sealed under the same purpose and an installation secret still known; raises SecretUnreadable."""
    keys = _keys(purpose)
    key_id, dot, token = stored.rpartition(".")
    # values from before keys had ids are under the one of today, or one of the old
    candidates = [keys[key_id]] if key_id in keys else list(keys.values()) if not dot else []
    for key in candidates:
        try:
            return _fernet(key).decrypt(token.encode()).decode()
        except InvalidToken:
            continue
    raise SecretUnreadable(
        f"a secret for {purpose} cannot be read: restore HOLDFAST_SECRET_KEY, or name it in HOLDFAST_OLD_SECRET_KEYS"
    )


def is_current(stored: str, *, purpose: str) -> bool:
    """Whether the value is under the key of today; else it wants sealing anew (`manage.py reseal_secrets`)."""
    return stored.partition(".")[0] == next(iter(_keys(purpose)))


def marks(value: str, *, purpose: str) -> list[str]:
    """Keyed fingerprints of `value`, under today's key first and then under the old ones that are still known.

    Whoever reads them without the installation's secret cannot try out values against them.
    """
    return [hmac.new(key, value.encode(), hashlib.sha256).hexdigest() for key in _keys(purpose).values()]
