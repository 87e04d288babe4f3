"""Job kinds that exist for one test."""

import pytest

from jobs import registry


@pytest.fixture
def kind(monkeypatch):
    """`kind(handler, mode=…)` registers a kind for this test and returns its name."""
    known = dict(registry.kinds)
    monkeypatch.setattr(registry, "kinds", known)
    monkeypatch.setattr("jobs.services.kinds", known)
    monkeypatch.setattr("jobs.runner.kinds", known)

    def register(handler, *, mode="transactional", name="test.kind", max_attempts=5):
        known[name] = registry.Kind(name, handler, mode, "A test's work", max_attempts)
        return name

    return register
