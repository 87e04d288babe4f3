from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit.services import record
        from tenants import hooks

        hooks.set_recorder(record)
