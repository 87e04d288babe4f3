"""Settings of the integrations that cannot work are found at start-up."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from integrations.clients.addresses import parse_networks


@register()
def outbound_networks_are_networks(app_configs: Any, **kwargs: Any) -> list[Error]:
    """A slip in the list would stop every webhook when it is sent."""
    try:
        parse_networks(settings.OUTBOUND_ALLOWED_NETWORKS)
    except ValueError as error:
        return [
            Error(
                f"HOLDFAST_OUTBOUND_ALLOWED_NETWORKS cannot be read: {error}.",
                hint="Write networks such as 10.20.0.0/16, separated by commas, or leave it empty.",
                id="holdfast.E020",
            )
        ]
    return []
