"""Late commits: readers and sealers wait for them instead of passing them by. Needs real commits and two sessions."""

import pytest

from audit import consumers, registry, sealing, verification
from audit.models import AuditSeal
from tenants.access import SYSTEM
from tenants.scoping import tenant_transaction
from tests.audit import real


@pytest.fixture
def world(quiet_db):
    return real.committed_world()


@pytest.fixture
def other(world, quiet_server):
    """Another session of the same database, with a transaction to hold open."""
    with real.in_other_session(real.app_params(quiet_server)) as session:
        yield session


@pytest.fixture
def heard(monkeypatch):
    heard = []
    handler = lambda tenant, events: heard.extend(event.after["word"] for event in events)  # noqa: E731
    monkeypatch.setattr(registry, "consumers", {"test": registry.Consumer("test", ("tests.said",), handler)})
    return heard


def seals(world):
    with tenant_transaction(world.tenant.pk):
        return list(AuditSeal.objects.order_by("seq"))


def test_a_consumer_does_not_pass_by_a_transaction_that_commits_late(world, other, heard):
    real.raw_say(other, world.tenant.pk, "early, committed late")
    real.say(world, "late, committed early")
    assert consumers.consume_now(world.tenant, "test") == 0, "the older transaction is still open"
    other.commit()
    real.wait_until_settled(world, real.say(world, "last"))
    consumers.consume_now(world.tenant, "test")
    assert heard == ["early, committed late", "late, committed early", "last"]


def test_reading_by_the_newest_id_would_have_lost_it(world, other):
    """That the race exists: what a cursor on committed ids sees first is newer than what comes after."""
    real.raw_say(other, world.tenant.pk, "early, committed late")
    real.say(world, "late, committed early")
    assert real.words(world) == ["late, committed early"]
    other.commit()
    assert real.words(world) == ["early, committed late", "late, committed early"]


def test_the_cursor_moves_with_the_work_or_not_at_all(world, monkeypatch):
    calls = []

    def handler(tenant, events):
        calls.append([event.after["word"] for event in events])
        real.record(tenant, verb="tests.handled", by=SYSTEM)
        if len(calls) == 1:
            raise RuntimeError("lost the power")

    monkeypatch.setattr(registry, "consumers", {"test": registry.Consumer("test", ("tests.said",), handler)})
    real.wait_until_settled(world, real.say(world, "one", "two"))
    with pytest.raises(RuntimeError):
        consumers.consume_now(world.tenant, "test")
    assert consumers.consume_now(world.tenant, "test") == 2
    assert calls == [["one", "two"]] * 2
    with tenant_transaction(world.tenant.pk):
        from audit.models import AuditEvent

        assert AuditEvent.objects.filter(tenant_id=world.tenant.pk, verb="tests.handled").count() == 1


def test_inside_an_open_transaction_reading_along_is_refused(world, heard):
    with pytest.raises(Exception, match="opens its own transactions"), tenant_transaction(world.tenant.pk):
        consumers.consume_now(world.tenant, "test")


def test_a_seal_does_not_pass_by_a_transaction_that_commits_late(world, other):
    # the world's own events first: another test's open transaction on this server may still hold them back
    real.wait_until_settled(world, real.say(world, "before both"))
    while sealing.seal_next(world.tenant):
        pass
    real.raw_say(other, world.tenant.pk, "early, committed late")
    last = real.say(world, "late, committed early")
    assert sealing.seal_next(world.tenant) is None
    sealed = sum(seal.event_count for seal in seals(world))
    other.commit()
    real.wait_until_settled(world, last)
    assert sealing.seal_next(world.tenant).event_count == 2
    assert sum(seal.event_count for seal in seals(world)) == sealed + 2
    report = verification.verify(world.tenant, by=SYSTEM)
    assert report.ok
    assert report.events == sealed + 2


def test_a_failing_consumer_rests_after_its_job_has_failed_for_good(world, monkeypatch):
    from datetime import timedelta

    from django.utils import timezone

    from jobs.models import Job

    def handler(tenant, events):
        raise RuntimeError("bad code")

    monkeypatch.setattr(registry, "consumers", {"test": registry.Consumer("test", ("tests.said",), handler)})
    real.wait_until_settled(world, real.say(world, "one"))
    with tenant_transaction(world.tenant.pk):
        assert consumers.has_news(world.tenant, "test")
        dead = Job.objects.create(
            tenant=world.tenant, kind=consumers.KIND, state="dead", finished_at=timezone.now(),
            dedupe_key="schedule:audit.consume:test",
        )  # fmt: skip
        assert not consumers.has_news(world.tenant, "test")
        dead.finished_at -= timedelta(hours=2)
        dead.save()
        assert consumers.has_news(world.tenant, "test")
