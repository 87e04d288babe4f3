#!/usr/bin/env python
"""Holdfast's command line. Starts the embedded database first where a command needs one."""

import os
import sys

OWNER_COMMANDS = {"migrate", "sqlmigrate", "showmigrations", "makemigrations", "optimizemigration"}
WORKER_COMMANDS = {"qcluster", "sweeper"}
# These never touch the database, or start it themselves.
WITHOUT_DATABASE = {
    "makemigrations", "check", "collectstatic", "help", "version", "serve", "setup_roles", "simulate_bundle",
}  # fmt: skip


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    role = "owner" if command in OWNER_COMMANDS else "worker" if command in WORKER_COMMANDS else "app"
    os.environ.setdefault("HOLDFAST_DB_ROLE", role)
    if command not in {"serve", *WORKER_COMMANDS}:  # somebody reads along
        os.environ.setdefault("HOLDFAST_LOG_FORMAT", "line")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config import bootstrap, embedded

    try:
        with bootstrap.database_for(command, needed=command not in WITHOUT_DATABASE):
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(f"holdfast: {error}")


if __name__ == "__main__":
    main()
