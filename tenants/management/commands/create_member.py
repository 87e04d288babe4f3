"""create_member --tenant SLUG --email E --role ROLE [--name N] [--team T] [--password-stdin]"""

import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from tenants import addresses, invitations, services
from tenants.access import Actor
from tenants.commands import REFUSED, USAGE, add_json_option, find_tenant, write_json
from tenants.exceptions import Refused
from tenants.models import User
from tenants.roles import Role
from tenants.scoping import tenant_transaction


class Command(BaseCommand):
    help = (
        "Let a person into a workspace, or change role and team. Without a password, somebody who has none yet "
        "gets an invitation link, which is printed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--role", required=True, choices=Role.values, metavar="ROLE", help=", ".join(Role.values)
        )
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--team", default="", help="made if it is not there; the default team unless given"
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password's one line from there"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = find_tenant(options["tenant"])
        email = _checked_email(options["email"])
        for name in ("name", "team"):
            if len(options[name]) > 200 or not options[name].isprintable():
                raise CommandError(
                    f"--{name} is longer than 200 characters or not plain text.", returncode=USAGE
                )
        password = _password(email, options["name"]) if options["password_stdin"] else None
        try:
            with tenant_transaction(tenant.pk):
                membership, created = services.ensure_member(
                    tenant,
                    email=email,
                    role=options["role"],
                    by=Actor.command("create_member"),
                    name=options["name"].strip(),
                    team=options["team"].strip(),
                    password=password,
                    may_take_place=True,
                )
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from refusal
        user = membership.user
        link = invitations.link_for(user, tenant) if invitations.is_waiting(user) else None
        self.stderr.write(_said(email, options["role"], str(tenant), created=created))
        if link:
            self.stderr.write(f"Hand over this link; it works once, for {invitations.GOOD_FOR_DAYS} days:")
            if options["json"] != "-":
                self.stdout.write(link)
        write_json(
            options["json"],
            {
                "tenant": tenant.slug,
                "email": email,
                "role": membership.role,
                "created": created,
                "invitation": link,
            },
        )


def _said(email: str, role: str, tenant: str, *, created: bool) -> str:
    label = Role(role).label
    return f"{email} is in {tenant} now, as {label}." if created else f"{email} is in {tenant} as {label}."


def _checked_email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise CommandError(f"{text!r} is not an e-mail address.", returncode=USAGE) from error
    if not addresses.is_usable(text):
        raise CommandError(f"{text!r} is not an e-mail address.", returncode=USAGE)
    return email


def _password(email: str, name: str) -> str:
    """The first line of standard input, held to the same rules as a password typed in the browser."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("--password-stdin: standard input is empty.", returncode=USAGE)
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise CommandError(
            f"The password is refused. {' '.join(error.messages)}", returncode=REFUSED
        ) from error
    return password
