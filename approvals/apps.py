from datetime import timedelta

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        from approvals import limits, queries, services, tasks
        from jobs import registry as jobs
        from tenants import hooks, nav
        from tenants.access import Right

        jobs.register(
            "approvals.expire", tasks.expire_requests, mode="transactional", label="Lapse old requests"
        )
        jobs.schedule("approvals.expire", kind="approvals.expire", every=timedelta(hours=1))
        hooks.when_tenant_created(services.install_default_policies)
        nav.register(
            nav.Destination("Approvals", "approvals:inbox", 40, Right.SEE_ARR, count=queries.waiting_for)
        )
        hooks.when_asked_who_sees(
            "ref",
            lambda tenant, viewer, value: (
                queries.readable_requests(tenant, viewer).filter(ref=value).exists()
            ),
        )
        limits.register()
