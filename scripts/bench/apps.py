"""A job kind that does nothing, registered the way every app registers its own."""

from typing import Any

from django.apps import AppConfig


class Bench(AppConfig):
    name = "scripts.bench"
    label = "bench"

    def ready(self) -> None:
        from jobs import registry

        registry.register("bench.nothing", nothing, mode="transactional", label="Nothing")


def nothing(tenant: Any, progress: Any) -> None:
    """The job that measures the runner and not the work."""


def bare() -> None:
    """The same for django-q2 alone."""
