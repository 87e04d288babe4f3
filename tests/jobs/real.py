"""What tests with real commits share: a world, the worker's role, and processes that run jobs."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction

from tenants.scoping import tenant_transaction
from tests.worlds import make_world

ROOT = Path(__file__).resolve().parent.parent.parent


def committed_world(slug="acme"):
    with transaction.atomic():
        return make_world(slug)


@contextmanager
def as_role(role):
    """This process as another role of the same database."""
    from config import embedded

    params = embedded.connection_params(Path(os.environ["HOLDFAST_VAR"]), role)
    settings = connection.settings_dict
    before = {name: settings[name] for name in ("USER", "PASSWORD")}
    connection.close()
    settings.update({name: params[name] for name in before})
    try:
        yield
    finally:
        connection.close()
        settings.update(before)


def start(database, folder, *job_ids):
    """A process that runs these jobs one after the other."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HOLDFAST_DB_ROLE": "worker",
        "HOLDFAST_DB_NAME": database,
        "JOBS_TEST_FOLDER": str(folder),
    }
    command = [sys.executable, "-m", "tests.jobs.process", *map(str, job_ids)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def here(world):
    return tenant_transaction(world.tenant.pk)


def ran(world):
    """The lines that jobs left in the ledger and committed."""
    from audit.models import AuditEvent

    with here(world):
        rows = AuditEvent.objects.filter(tenant_id=world.tenant.pk, verb="tests.ran")
        return [row.diff["after"]["word"] for row in rows.order_by("at")]
