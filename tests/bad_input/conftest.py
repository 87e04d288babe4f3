"""Two worlds a module, and how many examples hypothesis tries: few in `make test`, more in `make prove`."""

import os

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings

TOO_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "bad_input",
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=TOO_SLOW,
)
settings.register_profile(
    "prove", max_examples=10, derandomize=False, deadline=None, database=None, suppress_health_check=TOO_SLOW
)
EXAMPLES = settings.get_profile("prove" if os.environ.get("HOLDFAST_PROVE") else "bad_input")


@pytest.fixture(scope="module")
def two_worlds(django_db_setup, django_db_blocker):
    """acme and globex, made once for a module, inside a transaction that is never committed."""
    from tests.worlds import make_world

    with django_db_blocker.unblock(), transaction.atomic():
        try:
            yield make_world("acme"), make_world("globex")
        finally:
            transaction.set_rollback(True)


@pytest.fixture
def ground(two_worlds):
    """Both worlds, as they were made, whatever the test before did."""
    with transaction.atomic():
        yield two_worlds
        transaction.set_rollback(True)
