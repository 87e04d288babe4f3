from datetime import timedelta

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        from integrations import checks, erasure, meters, panels, tasks  # noqa: F401  checks register themselves
        from integrations.importing import uploads
        from jobs import registry as jobs
        from tenants import nav
        from tenants.roles import Right

        meters.register()
        # what comes in
        jobs.register(
            "integrations.import_bundle",
            tasks.import_bundle,
            mode="stepwise",
            label="Importing a bundle",
            seconds=tasks.IMPORT_SECONDS,
        )
        jobs.chore("integrations.uploads", every=timedelta(hours=1), run=uploads.forget_old)
        nav.register(nav.Destination("Imports", "integrations:imports", 55, Right.IMPORT, place="menu"))
        # what goes out
        jobs.register("integrations.dispatch", tasks.dispatch, mode="stepwise", label="Sending webhooks")
        jobs.register(
            "integrations.sweep", tasks.sweep, mode="transactional", label="Looking for unsent webhooks"
        )
        jobs.schedule("integrations.sweep", kind="integrations.sweep", every=timedelta(minutes=10))
        panels.register_panels()
        erasure.register_places()
        for order, (label, url_name) in enumerate(
            [("Endpoints", "integrations:endpoints"), ("Deliveries", "integrations:deliveries")], start=60
        ):
            nav.register(nav.Destination(label, url_name, order, Right.INTEGRATIONS, place="menu"))
