"""create_service_token --tenant SLUG --name N --scope S [--scope S…] [--expires DATE]"""

from datetime import UTC, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date

from tenants import identities
from tenants.access import Actor
from tenants.commands import REFUSED, USAGE, find_tenant
from tenants.exceptions import Refused
from tenants.scopes import Scope
from tenants.scoping import tenant_transaction


class Command(BaseCommand):
    help = (
        "Let a program into a workspace and print its token, this once. Only a hash of it is kept; rotate and revoke "
        "it on the page Services."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--name", required=True, help="what the program is called here and in the event log"
        )
        parser.add_argument(
            "--scope", required=True, action="append", choices=Scope.values, metavar="SCOPE",
            help=f"what it may do; give it several times for several: {', '.join(Scope.values)}",
        )  # fmt: skip
        parser.add_argument(
            "--expires", metavar="DATE", help="the last day it works, in UTC; 90 days from now unless given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        expires_at = end_of(options["expires"]) if options["expires"] else None
        try:
            with tenant_transaction(tenant.pk):
                identity, token = identities.create_identity(
                    tenant,
                    name=options["name"],
                    scopes=options["scope"],
                    expires_at=expires_at,
                    by=Actor.command("create_service_token"),
                )
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from refusal
        last = (expires_at or timezone.now() + identities.GOOD_FOR).date()
        self.stderr.write(f"{identity} may now: {', '.join(identity.scopes)}; until {last}, in {tenant}.")
        self.stderr.write("This is its token. It is not shown again:")
        self.stdout.write(token)


def end_of(text: str) -> datetime:
    """The last moment of that day, in UTC."""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"--expires {text!r} is not a date: write it as 2027-01-31.", returncode=USAGE)
    return datetime.combine(day, time.max, tzinfo=UTC)
