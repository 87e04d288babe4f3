"""create_tenant --organization NAME --slug SLUG [--environment …] [--currency USD] [--timezone UTC]"""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug

from tenants import queries, services
from tenants.access import Actor
from tenants.commands import REFUSED, USAGE, add_json_option, write_json
from tenants.forms import check_currency, check_time_zone
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Make a workspace: one environment of one organisation. The same call again changes nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--organization", required=True, metavar="NAME")
        parser.add_argument("--slug", required=True, help="its part of the address, such as acme")
        parser.add_argument("--environment", choices=["production", "sandbox"])
        parser.add_argument("--currency", metavar="CODE", help="three letters; USD unless given")
        parser.add_argument("--timezone", metavar="NAME", help="such as Europe/Berlin; UTC unless given")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        given = _checked(options)
        existing = queries.tenant_by_slug(given["slug"])
        if existing is None:
            tenant, created = services.create_tenant(
                **_with_defaults(given), by=Actor.command("create_tenant")
            )
        else:
            tenant, created = existing, False
            _check_same(existing, given)
        said = (
            f"Created {tenant} at /t/{tenant.slug}/." if created else f"{tenant} at /t/{tenant.slug}/ exists."
        )
        self.stderr.write(said)
        write_json(options["json"], {**_facts(tenant), "created": created})


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """The values as given, None for what was not; a usage error for what cannot be."""
    given = {
        "organization": options["organization"].strip(),
        "slug": options["slug"].strip(),
        "environment": options["environment"],
        "currency": options["currency"],
        "time_zone": options["timezone"],
    }
    if not 1 <= len(given["organization"]) <= 180 or not given["organization"].isprintable():
        raise CommandError("--organization needs a name of 1 to 180 characters.", returncode=USAGE)
    try:
        validate_slug(given["slug"])
    except ValidationError as error:
        raise CommandError("--slug takes letters, digits, - and _ only.", returncode=USAGE) from error
    if len(given["slug"]) > 60:
        raise CommandError("--slug is longer than 60 characters.", returncode=USAGE)
    try:
        given["currency"] = given["currency"] and check_currency(given["currency"])
        given["time_zone"] = given["time_zone"] and check_time_zone(given["time_zone"])
    except ValidationError as error:
        raise CommandError(error.messages[0], returncode=USAGE) from error
    return given


def _with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    defaults = {"environment": "production", "currency": "USD", "time_zone": "UTC"}
    return {name: value or defaults[name] for name, value in given.items()}


def _facts(tenant: Tenant) -> dict[str, Any]:
    return {
        "organization": tenant.organisation.name,
        "slug": tenant.slug,
        "environment": tenant.environment,
        "currency": tenant.currency,
        "time_zone": tenant.time_zone,
    }


def _check_same(tenant: Tenant, given: dict[str, Any]) -> None:
    """An address is never silently given to somebody else, nor a setting silently kept."""
    stands = _facts(tenant)
    other = [name for name, value in given.items() if value is not None and value != stands[name]]
    if other:
        differs = "; ".join(f"{name} is {stands[name]!r}, not {given[name]!r}" for name in other)
        raise CommandError(
            f"{tenant.slug} exists and stays as it is: {differs}. Choose another slug, or change currency and "
            "time zone in the admin.",
            returncode=REFUSED,
        )
