from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import consumers
        from audit.services import record
        from jobs import registry
        from tenants import hooks

        hooks.set_recorder(record)
        registry.register(consumers.KIND, consumers.run, mode="stepwise", label="Read the event log along")
