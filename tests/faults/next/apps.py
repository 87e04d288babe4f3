from django.apps import AppConfig


class NextConfig(AppConfig):
    """The next release, as far as its migrations go: they touch tables that the present one works on."""

    name = "tests.faults.next"
    label = "faults_next"
    default_auto_field = "django.db.models.BigAutoField"
