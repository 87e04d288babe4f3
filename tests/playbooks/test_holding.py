"""A source falls silent: triggers wait, and go on once when it is back."""

from datetime import date, timedelta

import pytest

from audit import consumers
from playbooks import services, tasks
from playbooks.models import Recommendation
from scoring.automation import holds, levels
from scoring.automation.models import PausedAutomation
from scoring.catalogue import SOURCES
from scoring.models import ScoreRun
from tests.playbooks.makers import low, open_of, verbs
from tests.playbooks.test_triggers import health_changed

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 19)


@pytest.fixture
def here(acme):
    with acme.here():
        yield acme


def scored(world, *, day=DAY, late=(), accounts=40, **counts):
    """A finished run that found these sources late, and each for so many accounts."""
    sources = {
        key: {
            "accounts": counts.get(key, accounts),
            "fresh": 0 if key in late else counts.get(key, accounts),
            "latest": str(day - timedelta(days=1)),
            "late": key in late,
        }
        for key in SOURCES
    }
    sources = levels.marked(world.tenant, day=day, customers=accounts, found=sources)
    return ScoreRun.objects.create(
        tenant=world.tenant, as_of=day, policy_versions={}, fingerprint="f", accounts=accounts,
        summary={"sources": sources},
    )  # fmt: skip


def waiting(world):
    return list(PausedAutomation.objects.for_tenant(world.tenant).filter(ended_at=None))


def follow(world):
    consumers.consume_now(world.tenant, tasks.TRIGGERS)


def resume(world):
    return tasks.resume_held(world.tenant, lambda done: None)


def test_while_a_source_is_late_a_signal_waits_and_nothing_is_suggested(here):
    account = here.add_account()
    scored(here, late=["usage"])
    health_changed(here, account, low())
    follow(here)
    assert open_of(here, account) is None
    [row] = waiting(here)
    assert (row.account_id, row.reasons[0]["key"]) == (account.pk, "source_late:usage")
    assert verbs(here, account) == ["scoring.health_changed"]
    assert not tasks.may_resume(here.tenant)
    assert resume(here) == {"resumed": 0}


def test_it_goes_on_exactly_once_when_the_source_is_back(here):
    accounts = [here.add_account(f"Waits {number}") for number in range(3)]
    scored(here, late=["usage"])
    for account in accounts:
        health_changed(here, account, low())
    follow(here)
    scored(here, day=DAY + timedelta(days=1))
    assert tasks.may_resume(here.tenant)
    assert resume(here) == {"resumed": 3}
    assert resume(here) == {"resumed": 0}
    assert not tasks.may_resume(here.tenant)
    assert Recommendation.objects.for_tenant(here.tenant).count() == 3
    for account in accounts:
        assert verbs(here, account).count("playbooks.recommended") == 1


def test_a_runner_that_breaks_off_has_taken_nothing(here, monkeypatch):
    account = here.add_account()
    scored(here, late=["usage"])
    health_changed(here, account, low())
    follow(here)
    scored(here, day=DAY + timedelta(days=1))

    def breaks(*args, **kwargs):
        raise RuntimeError("the worker died")

    with monkeypatch.context() as patch:
        patch.setattr("playbooks.services.holding.suggest", breaks)
        with pytest.raises(RuntimeError):
            services.resume_held(here.tenant)
    assert len(waiting(here)) == 1
    assert resume(here) == {"resumed": 1}


def test_only_the_newest_signal_of_an_account_waits(here):
    account = here.add_account()
    scored(here, late=["usage"])
    health_changed(here, account, low(), health=38.0)
    follow(here)
    health_changed(here, account, low(score=3.0), health=21.0)
    follow(here)
    assert [row.signal["health"] for row in waiting(here)] == ["21.0"]
    scored(here, day=DAY + timedelta(days=1))
    resume(here)
    assert open_of(here, account).cause[0]["score"] == 3.0


def test_what_scoring_says_afterwards_overtakes_what_waited(here):
    account = here.add_account()
    scored(here, late=["usage"])
    health_changed(here, account, low())
    follow(here)
    scored(here, day=DAY + timedelta(days=1))
    health_changed(here, account, band="healthy", health=82.0)
    assert resume(here) == {"resumed": 0}
    assert open_of(here, account) is None
    ended = PausedAutomation.objects.for_tenant(here.tenant).get()
    assert ended.ended == PausedAutomation.Ended.OVERTAKEN


@pytest.mark.parametrize(
    ("counts", "kind"), [({"usage": 0}, "empty"), ({"usage": 15}, "shifted"), ({"usage": 30}, None)]
)
def test_an_empty_or_halved_source_holds_as_well(here, counts, kind):
    scored(here, day=DAY - timedelta(days=1))
    scored(here, **counts)
    found = [(each.source, each.kind) for each in holds.reasons(here.tenant)]
    assert found == ([("usage", kind)] if kind else [])


def test_a_source_that_nothing_rests_on_holds_nothing(here):
    scored(here, late=["competitors"])
    assert "competitors" not in holds.needed_sources(here.tenant)
    assert holds.reasons(here.tenant) == []


def test_the_other_tenant_goes_on(here, globex):
    scored(here, late=["usage"])
    with globex.here():
        account = globex.add_account()
        scored(globex)
        health_changed(globex, account, low())
        follow(globex)
        assert open_of(globex, account) is not None
