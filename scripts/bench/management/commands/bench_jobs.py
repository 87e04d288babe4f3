"""`bench_jobs --ours N | --bare N`: that many jobs that do nothing; part of the bench, not of the product."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django_q.tasks import async_task

from jobs.services import enqueue
from tenants.models import Tenant
from tenants.scoping import tenant_transaction


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ours", type=int, default=0)
        parser.add_argument("--bare", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.get(slug="jobs")
        with tenant_transaction(tenant.pk):
            for _ in range(options["ours"]):
                enqueue(tenant, kind="bench.nothing")
        with transaction.atomic():
            for _ in range(options["bare"]):
                async_task("scripts.bench.apps.bare")
