"""`bench_adopt --from A --to B`: the newest model of one tenant in force in another; part of the bench alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scoring import commands
from scoring.learning import registry
from scoring.models import ChurnModel
from tenants.access import SYSTEM
from tenants.scoping import tenant_transaction


class Command(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="source", required=True)
        parser.add_argument("--to", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = commands.the_tenant(options["source"]), commands.the_tenant(options["to"])
        with tenant_transaction(source.pk):
            newest = registry.versions(source)[0].pk
            model = ChurnModel.objects.for_tenant(source).get(pk=newest)
        with tenant_transaction(target.pk):
            row = registry.register(
                target, document=model.document, kind=model.kind, as_of=model.as_of, report={}, by=SYSTEM
            )
            registry.promote(target, model_id=row.pk, by=SYSTEM, why="The bench scores with it.")
