"""Readers of the log inside the test's transaction; late commits need real ones (test_settled.py)."""

import pytest

from audit import consumers, registry, services
from audit.models import AuditCursor
from jobs import runner
from jobs import services as services_of_jobs
from tenants.access import SYSTEM


@pytest.fixture
def heard(monkeypatch):
    """A consumer of `tests.said` that notes what it gets; set `.fail` to make it raise."""

    class Heard(list):
        fail = False

        def __call__(self, tenant, events):
            self.extend((tenant.slug, event.after["word"]) for event in events)
            if self.fail:
                raise RuntimeError("not now")

    heard = Heard()
    monkeypatch.setattr(registry, "consumers", {"test": registry.Consumer("test", ("tests.said",), heard)})
    return heard


def say(world, word, verb="tests.said"):
    with world.here():
        services.record(world.tenant, verb=verb, by=SYSTEM, after={"word": word})


def test_a_consumer_gets_its_verbs_of_its_tenant_in_order_and_once(acme, globex, heard):
    say(acme, "one")
    say(acme, "other", verb="tests.whispered")
    say(globex, "foreign")
    say(acme, "two")
    with acme.here():
        assert consumers.has_news(acme.tenant, "test")
        assert consumers.consume_now(acme.tenant, "test") == 2
        assert not consumers.has_news(acme.tenant, "test")
        assert consumers.consume_now(acme.tenant, "test") == 0
    assert heard == [("acme", "one"), ("acme", "two")]
    with globex.here():
        assert consumers.consume_now(globex.tenant, "test") == 1


def test_a_failing_batch_leaves_the_cursor_and_is_given_again(acme, heard):
    say(acme, "one")
    heard.fail = True
    with acme.here():
        with pytest.raises(RuntimeError):
            consumers.consume_now(acme.tenant, "test")
        cursor = AuditCursor.objects.for_tenant(acme.tenant).filter(consumer="test").first()
        assert cursor is None or cursor.event_id == 0
        heard.fail = False
        assert consumers.consume_now(acme.tenant, "test") == 1


def test_many_events_come_in_batches(acme, heard, monkeypatch):
    monkeypatch.setattr(consumers, "BATCH", 3)
    for number in range(7):
        say(acme, str(number))
    with acme.here():
        assert consumers.consume_now(acme.tenant, "test") == 7
    assert [word for _, word in heard] == list("0123456")


def test_events_of_other_verbs_are_passed_by_without_a_job(acme, heard):
    for _ in range(3):
        say(acme, "other", verb="tests.whispered")
    with acme.here():
        assert not consumers.has_news(acme.tenant, "test")
        passed = AuditCursor.objects.for_tenant(acme.tenant).get(consumer="test").event_id
        assert passed > 0
    say(acme, "one")
    with acme.here():
        assert consumers.has_news(acme.tenant, "test")
        assert AuditCursor.objects.for_tenant(acme.tenant).get(consumer="test").event_id == passed
        assert consumers.consume_now(acme.tenant, "test") == 1


def test_a_job_hands_the_events_over(acme, heard):
    say(acme, "one")
    with acme.here():
        job = services_of_jobs.enqueue(acme.tenant, kind=consumers.KIND, args={"consumer": "test"})
        assert runner.run_now(job.pk).result == {"events": 1}
    assert heard == [("acme", "one")]
