from datetime import timedelta
from typing import Any

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Workspace"

    def ready(self) -> None:
        from tenants import hooks, meters, nav, thresholds
        from tenants.roles import Right

        hooks.when_responded(_record_denied)
        _register_upkeep()
        meters.register()
        nav.register(nav.Destination("Usage", "tenants:usage", 65, Right.INTEGRATIONS, place="menu"))
        nav.register(nav.Destination("Services", "tenants:services", 91, Right.CONFIGURE, place="menu"))
        nav.register(nav.Destination("People", "tenants:people", 90, Right.CONFIGURE, place="menu"))
        nav.register(
            nav.Destination(
                "Mailbox",
                "tenants:mailbox",
                92,
                Right.CONFIGURE,
                place="menu",
                when=lambda tenant: tenant.is_sandbox,
            )
        )
        thresholds.register(
            "Rejected rows that stop an import file",
            "admin:tenants_tenant_changelist",
            value=lambda tenant: f"{tenant.rejected_rows_limit_pct.normalize():f} %",
            help="A file with a larger share of bad rows does not land at all.",
        )


def _record_denied(request: Any, response: Any) -> None:
    """A 403 inside a tenant goes on record; a foreign tenant's 404 belongs to nobody's log."""
    from tenants import services

    if response.status_code == 403:
        services.record_denied(
            request.tenant, path=request.path, by=request.actor, request_id=request.request_id
        )


def _register_upkeep() -> None:
    from jobs import registry
    from tenants import idempotency

    kind = "tenants.forget_answers"
    registry.register(
        kind, idempotency.forget_old, mode="transactional", label="Forget answers kept for repeats"
    )
    registry.schedule(kind, kind=kind, every=timedelta(hours=1), when=idempotency.has_old)
