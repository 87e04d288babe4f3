"""move_address --email E [--to E2]: free an address that somebody else's account holds (docs/operations.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signin.addresses import move_address
from tenants.access import Actor
from tenants.commands import REFUSED
from tenants.exceptions import Refused


class Command(BaseCommand):
    help = "Give an account another address, or none that works, so that its address is free for its owner."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--email", required=True, help="the address that is to be free")
        parser.add_argument(
            "--to", default="", metavar="EMAIL", help="the account's new address; without: none"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = move_address(options["email"], to=options["to"], by=Actor.command("move_address"))
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from refusal
        self.stdout.write(f"The address is free. Its account has {user.email} now; its sessions have ended.")
