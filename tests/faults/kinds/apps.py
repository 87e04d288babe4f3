from django.apps import AppConfig


class KindsConfig(AppConfig):
    """A test-only app: it registers kinds of jobs that misbehave, through the registry that every app uses."""

    name = "tests.faults.kinds"
    label = "faults_kinds"

    def ready(self) -> None:
        from tests.faults.kinds import handlers

        handlers.register()
