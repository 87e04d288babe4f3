"""Typed readers for environment variables. A missing or malformed one says which, and how to mend it."""

import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent


class BadSetting(SystemExit):
    """A setting that cannot be used; printed as one line, without a traceback."""

    def __init__(self, name: str, value: str, cure: str) -> None:
        super().__init__(f"holdfast: the variable {name} is {value!r}: {cure}")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "") or default


def flag(name: str, *, default: bool = False) -> bool:
    """True for 1/true/yes/on, False for 0/false/no/off."""
    value = os.environ.get(name, "")
    if value == "":
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(name, value, "set it to true or false")


def number(name: str, default: int, *, low: int, high: int) -> int:
    value = os.environ.get(name, "")
    if value == "":
        return default
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise BadSetting(name, value, f"set it to a whole number from {low} to {high}")
    return int(value)


def seconds(name: str, default: float, *, low: float, high: float) -> float:
    value = os.environ.get(name, "")
    if value == "":
        return default
    try:
        found = float(value) if value.isascii() else float("nan")
    except ValueError:
        found = float("nan")
    if not low <= found <= high:  # also false for what is no number
        raise BadSetting(name, value, f"set it to seconds from {low:g} to {high:g}")
    return found


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str, default: str = "") -> list[str]:
    """A comma-separated list of networks such as 10.0.0.0/8."""
    found = words(name, default)
    for each in found:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise BadSetting(name, each, "write networks such as 10.0.0.0/8, with commas between") from None
    return found


def choice(name: str, default: str, *, allowed: set[str]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise BadSetting(name, value, f"set it to one of {', '.join(sorted(allowed))}")
    return value


def var_dir() -> Path:
    """Where the embedded database, uploads and logs live."""
    return Path(text("HOLDFAST_VAR", str(ROOT / "var"))).resolve()


def database_from_url(name: str, url: str) -> dict[str, object]:
    """Django's DATABASES entry from postgresql://user:password@host:port/name?option=value."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise BadSetting(name, parts.scheme + "://…", "write postgresql://USER:PASSWORD@HOST:PORT/NAME")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def oidc() -> dict[str, Any]:
    """The company's sign-in by OpenID Connect; empty without HOLDFAST_OIDC_ISSUER."""
    issuer = text("HOLDFAST_OIDC_ISSUER").rstrip("/")
    if not issuer:
        return {}
    parts = urlsplit(issuer)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise BadSetting("HOLDFAST_OIDC_ISSUER", issuer, "write an https address")
    for name in ("HOLDFAST_OIDC_CLIENT_ID", "HOLDFAST_OIDC_CLIENT_SECRET"):
        if not text(name):
            raise BadSetting(name, "", "it is needed with HOLDFAST_OIDC_ISSUER; your provider shows it")
    return {
        "id": text("HOLDFAST_OIDC_ID", "company"),
        "name": text("HOLDFAST_OIDC_NAME", "your company"),
        "issuer": issuer,
        "client_id": text("HOLDFAST_OIDC_CLIENT_ID"),
        "secret": text("HOLDFAST_OIDC_CLIENT_SECRET"),
        "groups_claim": text("HOLDFAST_OIDC_GROUPS_CLAIM", "groups"),
        "scope": words("HOLDFAST_OIDC_SCOPE", "openid,profile,email"),
        "trusted": flag("HOLDFAST_OIDC_TRUSTED"),
        "workspaces": words("HOLDFAST_OIDC_WORKSPACES"),
        "origins": [f"{parts.scheme}://{parts.netloc}", *words("HOLDFAST_OIDC_ORIGINS")],
    }


def oidc_app(company: dict[str, Any]) -> dict[str, Any]:
    """The same as django-allauth wants it."""
    return {
        "provider_id": company["id"],
        "name": company["name"],
        "client_id": company["client_id"],
        "secret": company["secret"],
        "settings": {
            "server_url": company["issuer"],
            "scope": company["scope"],
            "groups_claim": company["groups_claim"],
            "fetch_userinfo": False,
            "oauth_pkce_enabled": True,
        },
    }
