"""Job kinds that exist for one test."""

import pytest

from jobs import registry


@pytest.fixture
def kind(monkeypatch):
    """`kind(handler, mode=…)` registers a kind for this test and returns its name."""

    def register(handler, *, mode="transactional", name="test.kind", max_attempts=5):
        registered = registry.Kind(name, handler, mode, "A test's work", max_attempts)
        monkeypatch.setitem(registry.kinds, name, registered)
        return name

    return register
