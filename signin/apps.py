from django.apps import AppConfig
from django.core import checks


class SignInConfig(AppConfig):
    name = "signin"
    verbose_name = "Sign-in"

    def ready(self) -> None:
        from signin import listeners, passwords

        listeners.connect()
        checks.register(passwords.check_breached_list)
