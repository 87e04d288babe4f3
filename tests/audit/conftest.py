"""Events on demand, and files of the test's own."""

import pytest

from audit import services
from tenants.access import SYSTEM


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """Exports and anchors of this test."""
    settings.HOLDFAST_VAR = tmp_path
    settings.EXPORT_DIR = tmp_path / "exports"


@pytest.fixture
def say():
    """`say(world, "word")` writes one event in that world."""

    def write(world, word="hello", *, verb="tests.said", by=SYSTEM, **about):
        with world.here():
            return services.record(world.tenant, verb=verb, by=by, after={"word": word}, **about)

    return write
