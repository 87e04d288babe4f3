from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import page_panels
        from tenants.nav import Destination, register
        from tenants.roles import Right

        page_panels.register_panels()
        register(Destination("Accounts", "accounts:list", 20, Right.VIEW_ACCOUNTS))
