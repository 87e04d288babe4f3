from datetime import timedelta

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        from integrations import tasks
        from jobs import registry as jobs

        # what goes out
        jobs.register("integrations.dispatch", tasks.dispatch, mode="stepwise", label="Sending webhooks")
        jobs.register(
            "integrations.sweep", tasks.sweep, mode="transactional", label="Looking for unsent webhooks"
        )
        jobs.schedule("integrations.sweep", kind="integrations.sweep", every=timedelta(minutes=10))
