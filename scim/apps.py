from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "Identity provider"

    def ready(self) -> None:
        from scim import services
        from tenants import hooks

        hooks.when_person_forgotten(services.forget_person)
