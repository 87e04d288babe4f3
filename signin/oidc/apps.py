from django.apps import AppConfig


class OidcConfig(AppConfig):
    name = "signin.oidc"
    label = "signin_oidc"
    verbose_name = "Company sign-in"
