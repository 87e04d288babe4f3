"""`install_playbooks --tenant SLUG`: the default playbooks that a workspace has not got; its own stay as they are."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from playbooks.services import install_defaults
from tenants.access import Actor
from tenants.commands import REFUSED
from tenants.queries import tenant_by_slug
from tenants.scoping import tenant_transaction


class Command(BaseCommand):
    help = "Add the default playbooks that a workspace has not got, as a new one has them. Its own stay as they are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no workspace {options['tenant']}.", returncode=REFUSED)
        with tenant_transaction(tenant.pk):
            added = install_defaults(tenant, by=Actor.command("install_playbooks"))
        self.stdout.write(f"{added} playbook{'' if added == 1 else 's'} added to {tenant}.")
