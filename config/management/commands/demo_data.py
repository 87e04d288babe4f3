"""Fills an empty installation with the demo's customers, through the same doors that users have."""

import json
import secrets
import shutil
import socket
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services as accounts
from audit import consumers
from integrations import services as integrations
from integrations.exceptions import EndpointRefused
from jobs import services as jobs
from scoring import follow_up, pipeline
from tenants import services as tenants
from tenants.access import Actor
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scoping import tenant_transaction

SLUG = "demo"
SEED = 20
PASSWORD = "holdfast-demo-1"  # noqa: S105  printed on purpose; the demo listens on loopback only
PEOPLE = [
    ("csm", "csm01@vendor.example", "Priya Raman"),
    ("csm", "csm02@vendor.example", "Tom Okafor"),
    ("manager", "dana@vendor.example", "Dana Whitlock"),
    ("ops_admin", "ola@vendor.example", "Ola Nyberg"),
    ("executive", "ruth@vendor.example", "Ruth Adeyemi"),
    ("auditor", "avi@vendor.example", "Avi Stern"),
    ("finance", "fay@vendor.example", "Fay Moreau"),
]
BY = Actor.command("demo_data")
RATES = {"EUR": Decimal("1.09"), "GBP": Decimal("1.27")}


class Command(BaseCommand):
    help = "Makes the demo's tenant, people, customers and scores; does nothing when they are there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--accounts", type=int, default=400)
        parser.add_argument("--days", type=int, default=640)
        parser.add_argument(
            "--weeks", type=int, default=13, help="weekly scores of the past, today's included"
        )

    def handle(self, *args: Any, accounts: int, days: int, weeks: int, **options: Any) -> None:
        self.var: Path = settings.HOLDFAST_VAR
        done = self.var / "demo_done"
        if done.exists() and tenant_by_slug(SLUG):
            return
        if tenant_by_slug(SLUG):
            raise CommandError(
                "The demo's data is there in part: an earlier start was cut off. Run make demo-reset."
            )
        started = time.monotonic()
        tenant = self._tenant()
        self._people(tenant)
        self._endpoint(tenant)
        end = datetime.now(UTC).date() - timedelta(days=1)
        self._import(end, accounts, days)
        self._score(tenant, as_of=end + timedelta(days=1), weeks=weeks)
        self._learn(tenant, as_of=end + timedelta(days=1))
        done.write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n")
        self._say(f"done in {time.monotonic() - started:.0f} s")

    def _say(self, message: str) -> None:
        print(f"demo: {message}", file=sys.stderr, flush=True)

    def _tenant(self) -> Tenant:
        tenant, _ = tenants.create_tenant(
            organization="Harbor Software",
            slug=SLUG,
            environment="production",
            currency="USD",
            time_zone="UTC",
            by=BY,
        )
        with tenant_transaction(tenant.pk):
            for currency, rate in RATES.items():
                accounts.set_fx_rate(tenant, currency=currency, day=date(2020, 1, 1), rate=rate, by=BY)
        return tenant

    def _people(self, tenant: Tenant) -> None:
        """The people who sign in, and the other CSMs who own accounts and do not."""
        with tenant_transaction(tenant.pk):
            for role, email, name in PEOPLE:
                tenants.ensure_member(tenant, email=email, role=role, name=name, password=PASSWORD, by=BY)
            for number in range(3, 13):
                tenants.ensure_member(tenant, email=f"csm{number:02}@vendor.example", role="csm", by=BY)
        lines = [f"{role}  {email}  {PASSWORD}\n" for role, email, _ in PEOPLE]
        (self.var / "demo_people.txt").write_text("".join(lines))

    def _endpoint(self, tenant: Tenant) -> None:
        """Where approved writes go: the receiver that make demo starts on this machine."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        secret = integrations.new_secret()
        with tenant_transaction(tenant.pk):
            try:
                integrations.create_endpoint(
                    tenant,
                    name="Demo receiver",
                    url=f"http://127.0.0.1:{port}/hook",
                    secret=secret,
                    is_sandbox=False,
                    by=BY,
                )
            except EndpointRefused as error:
                raise CommandError(
                    f"{error} The demo's receiver is on this machine: run `make demo`, or set "
                    "HOLDFAST_OUTBOUND_ALLOWED_NETWORKS=127.0.0.0/8."
                ) from error
        path = self.var / "demo_receiver.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"port": port, "secret": secret}))

    def _import(self, end: date, number: int, days: int) -> None:
        bundle = self.var / f"demo_bundle_{secrets.token_hex(4)}"
        self._say(f"making {number} customers over {days} days")
        size = {"accounts": str(number), "days": str(days), "seed": str(SEED), "end": end.isoformat()}
        arguments = [part for name, value in size.items() for part in (f"--{name}", value)]
        call_command("simulate_bundle", str(bundle), *arguments, stdout=sys.stderr)
        self._say("importing them through the public format")
        call_command("import_bundle", str(bundle), "--tenant", SLUG, stdout=sys.stderr)
        shutil.rmtree(bundle)
        shutil.rmtree(bundle.with_name(f"{bundle.name}.truth"), ignore_errors=True)

    def _score(self, tenant: Tenant, *, as_of: date, weeks: int) -> None:
        """A quarter of weekly scores, so that changes and sparklines have a past; then today's queue."""
        for week in range(weeks - 1, -1, -1):
            day = as_of - timedelta(weeks=week)
            self._say(f"scoring {day} ({weeks - week} of {weeks})")
            pipeline.score_day(tenant, as_of=day, by=BY)
        follow_up.ask(tenant, by=BY)
        consumers.consume_now(tenant, "playbooks.triggers")

    def _learn(self, tenant: Tenant, *, as_of: date) -> None:
        """In the background: the queue stands at once, and goes by what is at stake when the model has been judged."""
        with tenant_transaction(tenant.pk):
            jobs.enqueue(tenant, kind="scoring.train", args={"as_of": as_of.isoformat()}, by=BY)
        self._say("chances of leaving are being learnt in the background; the page Jobs says how far")
