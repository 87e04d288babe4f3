"""`bench_crowd --tenants N`: empty tenants crowd-0 to crowd-N with an admin each; part of the bench alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from scripts.bench.crowd import PASSWORD
from tenants import services
from tenants.access import SYSTEM
from tenants.scoping import tenant_context


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenants", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        for number in range(options["tenants"]):
            with transaction.atomic():
                self.make(number)

    @staticmethod
    def make(number: int) -> None:
        slug = f"crowd-{number}"
        tenant, _ = services.create_tenant(
            organization=slug, slug=slug, environment="production", currency="USD", time_zone="UTC", by=SYSTEM
        )
        with tenant_context(tenant.pk):
            services.ensure_member(
                tenant, email=f"ops@{slug}.example", role="ops_admin", password=PASSWORD, by=SYSTEM
            )
