"""forget_member --tenant SLUG --email E: take address, name and factors from somebody who left (docs/erasure.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signin.leaving import forget_member
from tenants import queries
from tenants.access import Actor
from tenants.commands import REFUSED, find_tenant
from tenants.exceptions import Refused
from tenants.scoping import tenant_transaction


class Command(BaseCommand):
    help = "Take name, address, password and factors from a member who left. What they did keeps their name."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="a workspace that they were in")
        parser.add_argument("--email", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        place = queries.place_kept_for(tenant, options["email"].strip().lower())
        user = place.user if place else queries.user_by_email(options["email"])
        if user is None or not queries.was_member(tenant, user):
            raise CommandError("Nobody of that address is or was a member there.", returncode=REFUSED)
        try:
            with tenant_transaction(tenant.pk):
                forget_member(tenant, user=user, by=Actor.command("forget_member"))
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from refusal
        self.stdout.write("Forgotten. What they did keeps their name of that day.")
