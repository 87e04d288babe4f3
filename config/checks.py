"""Settings that contradict each other are found at start-up, not in production."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register


@register(Tags.security)
def bind_needs_tls(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Anything but loopback needs a public https address, or cookies would not be sent (DECISIONS 18)."""
    if settings.IS_LOOPBACK or settings.HOLDFAST_PUBLIC_URL.startswith("https://"):
        return []
    return [
        Error(
            f"HOLDFAST_BIND is {settings.HOLDFAST_BIND}, but HOLDFAST_PUBLIC_URL is not an https address.",
            hint="Set HOLDFAST_PUBLIC_URL=https://… and put a TLS proxy in front, or bind to 127.0.0.1.",
            id="holdfast.E001",
        )
    ]
