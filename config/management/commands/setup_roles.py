"""Sets up roles and database on a PostgreSQL server of your own."""

import json
import secrets
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from psycopg.conninfo import conninfo_to_dict

from config import roles

VARIABLES = {
    "DATABASE_URL": "app",
    "HOLDFAST_WORKER_URL": "worker",
    "HOLDFAST_OWNER_URL": "owner",
    "HOLDFAST_BACKUP_URL": "backup",
}
# How the address was reached; who we were there is the administrator's business.
_NOT_PASSED_ON = {"user", "password", "dbname", "host", "port", "passfile", "service"}


class Command(BaseCommand):
    help = (
        "Creates Holdfast's roles and database on your PostgreSQL 18 and prints the addresses to configure."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--admin-url", required=True, metavar="postgresql://…")
        parser.add_argument("--database", default=roles.DATABASE, metavar="NAME")
        parser.add_argument(
            "--new-passwords",
            action="store_true",
            help="also for roles that exist: whoever uses the old must follow",
        )
        parser.add_argument(
            "--json", metavar="FILE", help="write the addresses there (- for standard output)"
        )

    def handle(
        self,
        *args: Any,
        admin_url: str,
        database: str,
        new_passwords: bool,
        json: str | None,
        **options: Any,
    ) -> None:
        try:
            server = conninfo_to_dict(admin_url)
        except psycopg.ProgrammingError as error:
            raise CommandError(
                "--admin-url is not an address: write postgresql://USER:PASSWORD@HOST:PORT/postgres",
                returncode=2,
            ) from error
        try:
            passwords = _set_up(admin_url, database, new_passwords=new_passwords)
        except roles.RolesError as error:
            raise CommandError(str(error)) from error
        except psycopg.OperationalError as error:
            raise CommandError(
                f"Cannot reach the server: {error}\nCheck host, port, user and password."
            ) from error
        except psycopg.Error as error:
            raise CommandError(
                f"The server refused: {error}\nNothing is lost: mend it and run this again."
            ) from error
        _print(_addresses(server, database, passwords), json)


def _set_up(admin_url: str, database: str, *, new_passwords: bool) -> dict[str, str]:
    """The passwords made just now. Roles that exist keep theirs, because running programs use them."""
    with psycopg.connect(admin_url, connect_timeout=10) as connection:
        roles.check_server(connection)
        present = set() if new_passwords else roles.existing_logins(connection)
    passwords = {role: secrets.token_urlsafe(24) for role in roles.LOGINS if role not in present}
    roles.set_up(admin_url, database=database, passwords=passwords)
    return passwords


def _addresses(server: dict[str, Any], database: str, passwords: dict[str, str]) -> dict[str, str]:
    """Variable name to address, for the roles whose password is new."""
    options = {name: str(value) for name, value in server.items() if name not in _NOT_PASSED_ON}
    host, port = str(server.get("host") or ""), str(server.get("port") or "")
    if "/" in host or not host:  # a socket folder cannot stand between @ and /
        options |= {name: value for name, value in (("host", host), ("port", port)) if value}
        place = ""
    else:
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    query = f"?{urlencode(options)}" if options else ""
    return {
        variable: (
            f"postgresql://{roles.LOGINS[role]}:{quote(passwords[role], safe='')}"
            f"@{place}/{quote(database)}{query}"
        )
        for variable, role in VARIABLES.items()
        if role in passwords
    }


def _print(addresses: dict[str, str], file: str | None) -> None:
    if file is not None and file != "-":
        path = Path(file)
        path.touch(mode=0o600)
        path.write_text(json.dumps(addresses, indent=2) + "\n")
    elif file == "-":
        print(json.dumps(addresses, indent=2))
    else:
        for variable, address in addresses.items():
            print(f"{variable}={address}")
    if len(addresses) < len(VARIABLES):
        kept = ", ".join(variable for variable in VARIABLES if variable not in addresses)
        print(f"Unchanged, because the roles exist: {kept} (--new-passwords replaces them).", file=sys.stderr)
    if addresses:
        print(
            "These passwords are shown only now: keep them where the app reads its variables.",
            file=sys.stderr,
        )
