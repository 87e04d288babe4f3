"""Typed readers for environment variables. A missing or malformed one says which, and how to mend it."""

import ipaddress
import os
from pathlib import Path
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
