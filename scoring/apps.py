from typing import Any

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    name = "scoring"

    def ready(self) -> None:
        from scoring import policy_setup
        from tenants import hooks

        policy_setup.register()
        hooks.when_tenant_created(_install_default_policy)


def _install_default_policy(tenant: Any) -> None:
    from scoring.services import install_default_policy

    install_default_policy(tenant)
