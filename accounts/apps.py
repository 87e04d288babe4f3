from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import erasure_places, grants, page_panels, tasks
        from accounts.queries import visible_account, visible_accounts
        from audit import registry as audit
        from jobs import registry as jobs
        from tenants import hooks
        from tenants.nav import Destination, register
        from tenants.roles import Right

        page_panels.register_panels()
        erasure_places.register_places()
        register(Destination("Accounts", "accounts:list", 20, Right.VIEW_ACCOUNTS))
        hooks.when_membership_changed(grants.sync_person)
        hooks.when_asked_who_sees(
            "account_id",
            lambda tenant, viewer, value: visible_account(tenant, viewer, account_id=value) is not None,
        )
        audit.set_account_visibility(lambda tenant, viewer: visible_accounts(tenant, viewer).values("pk"))
        jobs.register(
            "accounts.grants_drift",
            tasks.grants_drift,
            mode="transactional",
            label="Compare access with owners",
        )
        jobs.schedule("accounts.grants_drift", kind="accounts.grants_drift", at_hour=3)
