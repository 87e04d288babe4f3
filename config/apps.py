import gc

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Holdfast"

    def ready(self) -> None:
        from datetime import timedelta

        from config import checks, gauges, retention  # noqa: F401  registers the system checks
        from jobs import registry

        registry.chore("config.figures", every=timedelta(seconds=10), run=gauges.gather)
        registry.chore("config.figures_by_tenant", every=timedelta(minutes=1), run=gauges.gather_by_tenant)
        retention.register()
        # what is loaded by now stays for good: left alone by the collector, forked processes go on sharing it
        gc.collect()
        gc.freeze()
