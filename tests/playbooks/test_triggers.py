"""From an event in the log to a suggestion: the consumer, through the real log."""

import pytest

from audit import consumers
from audit.services import record
from jobs.registry import kinds, schedules
from playbooks.models import Recommendation
from tenants.access import SYSTEM
from tests.playbooks.makers import low, open_of, verbs

pytestmark = pytest.mark.django_db


def health_changed(world, account, *lows, health=38.0, band="critical", before=None):
    """Write the event as scoring does."""
    return record(
        world.tenant,
        verb="scoring.health_changed",
        by=SYSTEM,
        subject=account,
        account_id=account.pk,
        before=before,
        after={
            "health": health, "band": band, "as_of": "2026-11-19", "run_id": 7, "priority": 1200.5,
            "low": list(lows),
        },
    )  # fmt: skip


@pytest.fixture
def here(acme):
    with acme.here():
        yield acme


def test_an_event_becomes_a_suggestion_that_points_back_at_it(here):
    account = here.add_account()
    key = health_changed(here, account, low("satisfaction.ticket_spike", 10.5))
    assert consumers.consume_now(here.tenant, "playbooks.triggers") == 1
    row = open_of(here, account)
    assert row.playbook.key == "support_recovery"
    assert row.event_key == list(key)
    assert verbs(here, account) == ["scoring.health_changed", "playbooks.recommended"]


def test_reading_on_finds_only_news(here):
    account = here.add_account()
    health_changed(here, account, low())
    consumers.consume_now(here.tenant, "playbooks.triggers")
    assert consumers.consume_now(here.tenant, "playbooks.triggers") == 0
    health_changed(here, account, band="healthy", health=82.0)
    assert consumers.consume_now(here.tenant, "playbooks.triggers") == 1
    assert open_of(here, account) is None


def test_an_account_without_health_is_left_alone(here):
    account = here.add_account()
    health_changed(here, account, health=None, band="unknown")
    consumers.consume_now(here.tenant, "playbooks.triggers")
    assert not Recommendation.objects.exists()


def test_the_other_tenants_events_are_not_read(here, globex):
    with globex.here():
        theirs = globex.add_account()
        health_changed(globex, theirs, low())
    assert consumers.consume_now(here.tenant, "playbooks.triggers") == 0
    with globex.here():
        assert consumers.consume_now(globex.tenant, "playbooks.triggers") == 1
        assert open_of(globex, theirs) is not None
    assert not Recommendation.objects.exists()


def test_the_morning_wakes_sleepers_and_both_readers_are_scheduled():
    assert schedules["playbooks.wake_snoozed"].at_hour == 5
    assert {"playbooks.wake_snoozed", "playbooks.start_play"} <= set(kinds)
    for name in ("playbooks.triggers", "playbooks.writeback"):
        assert f"audit.consume:{name}" in schedules
