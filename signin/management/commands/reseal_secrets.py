"""Puts the secrets of second factors under the key of today, after HOLDFAST_SECRET_KEY changed."""

from typing import Any

from django.core.management.base import BaseCommand

from signin import services


class Command(BaseCommand):
    help = "Seal second factors under today's HOLDFAST_SECRET_KEY; the old is in HOLDFAST_OLD_SECRET_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{services.reseal_factors()} sealed anew.")
