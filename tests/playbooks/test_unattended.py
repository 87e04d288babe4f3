"""Plays start without a click only where a model has earned it, and nothing else speaks against it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from jobs.models import Job
from playbooks import services, tasks
from playbooks.models import Play, Playbook, Recommendation
from playbooks.queries import unattended as queries
from playbooks.services import unattended
from scoring.automation.models import ModelGate
from scoring.learning import registry
from scoring.models import AccountHealth, ChanceSettings, ChurnModel
from scoring.people.models import Notice
from tenants.access import SYSTEM, Actor
from tenants.models import Membership
from tests.playbooks.makers import NOW, health_row, playbook, signal, suggest
from tests.playbooks.test_holding import DAY, scored
from tests.scoring import models_by_hand
from tests.scoring.automation.made import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(acme):
    """An automatic version that meets its gates, a playbook that may start alone, sources that are all there."""
    with acme.here():
        acme.model = models_by_hand.register(acme, models_by_hand.by_hand())
        registry.promote(
            acme.tenant, model_id=acme.model.pk, by=SYSTEM, why="a test", to=ChurnModel.State.AUTOMATIC
        )
        Playbook.objects.filter(pk=playbook(acme).pk).update(starts_alone=True)
        scored(acme)
        checked(acme, acme.model)
        yield acme


def at_risk(world, name="Northwind", *, p90="0.85", owner="csm", **standing):
    """A suggestion that waits on an account of this chance."""
    account = world.add_account(name, owner=owner)
    health_row(world, account, p90=Decimal(p90), model_id=world.model.pk, **{"as_of": DAY, **standing})
    assert suggest(world, account) is not None
    return account


def plays(world, account):
    return list(Play.objects.for_tenant(world.tenant).filter(account=account))


def test_a_sure_case_starts_once_and_its_owner_is_told(here):
    account = at_risk(here)
    assert unattended.may_start_any(here.tenant)
    assert tasks.start_earned(here.tenant, None) == {"started": 1}
    assert tasks.start_earned(here.tenant, None) == {"started": 0}
    [play] = plays(here, account)
    assert (play.is_unattended, play.owner, play.recommendation.state) == (True, here.csm.user, "accepted")
    assert play.recommendation.decided_by is None
    assert play.recommendation.decided_by_label == "Holdfast, by itself"
    notice = Notice.objects.for_tenant(here.tenant).get(user=here.csm.user)
    assert "started by itself at Northwind: a chance of leaving within 90 days of 85%" in notice.text
    event = AuditEvent.objects.get(tenant=here.tenant, verb="playbooks.accepted")
    assert event.diff["after"]["unattended"] == {"chance_90": 0.85, "needed": 0.7, "model_version": 1}
    job = Job.objects.for_tenant(here.tenant).get(kind="playbooks.start_play")
    assert job.args == {"play_id": play.pk}


AGAINST = {
    "below the limit": {"p90": "0.699999"},
    "a chance of another day": {"as_of": DAY - timedelta(days=1)},
    "something was missing": {"chance_flags": ["source_late:usage"]},
    "a person overrode it": {"override_band": "watch"},
    "nobody owns it": {"owner": None},
    "another version's chance": {"model_id": None},
}


@pytest.mark.parametrize("why", AGAINST)
def test_what_is_not_sure_waits_for_a_person(here, why):
    values = dict(AGAINST[why])
    standing = {
        name: values.pop(name) for name in ("as_of", "chance_flags", "override_band") if name in values
    }
    other = values.pop("model_id", here)
    account = at_risk(here, **values, **standing)
    if other is None:
        AccountHealth.objects.filter(account=account).update(model_id=None)
    assert unattended.start_earned(here.tenant, now=NOW) == 0
    assert plays(here, account) == []
    assert Recommendation.objects.get(account=account).state == "suggested"


def test_a_model_that_was_taken_back_starts_nothing(here):
    at_risk(here)
    registry.take_back(here.tenant, by=SYSTEM, why="drift")
    assert not unattended.may_start_any(here.tenant)
    assert unattended.start_earned(here.tenant, now=NOW) == 0


def test_while_a_source_is_late_nothing_starts(here):
    at_risk(here)
    scored(here, late=["usage"])
    checked(here, here.model)
    assert not unattended.may_start_any(here.tenant)
    assert unattended.start_earned(here.tenant, now=NOW) == 0


@pytest.mark.parametrize("key", ["precision", "calibration", "drift"])
def test_while_a_gate_fails_nothing_starts(here, key):
    """It was promoted when all were met; what counts is the newest check."""
    at_risk(here)
    checked(here, here.model, failing=(key,))
    assert not unattended.may_start_any(here.tenant)
    assert unattended.start_earned(here.tenant, now=NOW) == 0
    checked(here, here.model)
    assert unattended.start_earned(here.tenant, now=NOW) == 1


@pytest.mark.parametrize("gone", ["all", "one"])
def test_without_gates_nothing_starts(here, gone):
    at_risk(here)
    rows = ModelGate.objects.for_tenant(here.tenant)
    (rows if gone == "all" else rows.filter(key="precision")).delete()
    assert not unattended.may_start_any(here.tenant)
    assert unattended.start_earned(here.tenant, now=NOW) == 0


def test_gates_of_an_older_scoring_start_nothing(here):
    at_risk(here)
    scored(here)
    assert unattended.start_earned(here.tenant, now=NOW) == 0


def test_a_higher_precision_stops_it_at_once(here):
    """Until the gates were checked against it."""
    at_risk(here)
    ChanceSettings.objects.update_or_create(tenant=here.tenant, defaults={"precision_wanted": "0.95"})
    assert unattended.start_earned(here.tenant, now=NOW) == 0
    checked(here, here.model)
    assert unattended.start_earned(here.tenant, now=NOW) == 1


@pytest.mark.parametrize("values", [{"starts_alone": False}, {"state": "paused"}])
def test_a_playbook_that_may_not_starts_not(here, values):
    at_risk(here)
    Playbook.objects.filter(key="usage_recovery").update(**values)
    assert not queries.any_may_start_alone(here.tenant)
    assert unattended.start_earned(here.tenant, now=NOW) == 0


def test_an_owner_gets_no_more_a_week_than_may_be_flagged(here):
    ChanceSettings.objects.update_or_create(tenant=here.tenant, defaults={"flags_per_csm_week": 2})
    likelihoods = ["0.75", "0.95", "0.85"]
    accounts = [at_risk(here, f"Account {each}", p90=each) for each in likelihoods]
    now = timezone.now()
    assert unattended.start_earned(here.tenant, now=now) == 2
    assert [len(plays(here, each)) for each in accounts] == [0, 1, 1]
    assert unattended.start_earned(here.tenant, now=now + timedelta(days=6)) == 0
    assert unattended.start_earned(here.tenant, now=now + timedelta(days=8)) == 1


def test_an_owner_who_may_not_see_or_work_it_is_not_told(here):
    hidden = at_risk(here)
    Membership.objects.filter(pk=here.csm.pk).update(regions=["apac"])
    reader = at_risk(here, "Read only", owner="account_executive")
    assert unattended.start_earned(here.tenant, now=NOW) == 0
    assert plays(here, hidden) == plays(here, reader) == []
    assert not Notice.objects.for_tenant(here.tenant).exists()


def test_whoever_cannot_stop_it_does_not_stand_before_others(here, monkeypatch):
    """The run takes the likeliest alone; those that could never start must not be all of them, run after run."""
    monkeypatch.setattr(unattended, "AT_MOST", 1)
    at_risk(here, "Read only", owner="account_executive", p90="0.99")
    at_risk(here, "Out of scope", owner="csm2", p90="0.98")
    Membership.objects.filter(pk=here.csm2.pk).update(regions=["apac"])
    runs = at_risk(here, "Runs already", p90="0.97")
    row = Recommendation.objects.get(account=runs)
    Play.objects.create(tenant=here.tenant, account=runs, playbook=row.playbook, starts_at=NOW)
    within = here.add_account("Within the scope", owner="csm2", region="apac")
    health_row(here, within, p90=Decimal("0.90"), model_id=here.model.pk, as_of=DAY)
    suggest(here, within)
    other = at_risk(here, "Other", p90="0.80")
    assert [unattended.start_earned(here.tenant, now=NOW) for _ in range(3)] == [1, 1, 0]
    assert [len(plays(here, each)) for each in (within, other)] == [1, 1]


def test_what_is_locked_does_not_grow_with_the_scopes_of_a_team(here):
    """A scope whose owner has nothing to start is not asked."""
    account = at_risk(here)

    def asked():
        with CaptureQueriesContext(connection) as context:
            rows = queries.earned(here.tenant, model=here.model, chance_from=Decimal("0.5"), full=[], limit=9)
            assert [row.account_id for row in rows] == [account.pk]
        return next(each["sql"] for each in context.captured_queries if "FOR UPDATE" in each["sql"])

    before = asked()
    others = Membership.objects.filter(tenant=here.tenant).exclude(pk=here.csm.pk)
    assert others.update(regions=["apac"]) > 1
    assert len(asked()) == len(before)
    Membership.objects.filter(pk=here.csm.pk).update(regions=[account.region])
    assert len(asked()) == len(before)


def test_a_version_without_skill_starts_nothing(here):
    """Also one that became automatic before skill was asked for."""
    at_risk(here)
    ChurnModel.objects.for_tenant(here.tenant).update(report={})
    assert not unattended.may_start_any(here.tenant)
    assert unattended.start_earned(here.tenant, now=NOW) == 0


def test_what_a_person_took_back_is_not_started_again(here):
    account = at_risk(here)
    now = timezone.now()
    unattended.start_earned(here.tenant, now=now)
    row = Recommendation.objects.get(account=account)
    services.undo(
        here.tenant, recommendation_id=row.pk, version=row.version, by=Actor.person(here.csm), now=now
    )
    assert Recommendation.objects.get(account=account).state == "suggested"
    assert unattended.start_earned(here.tenant, now=now + timedelta(days=1)) == 0
    services.suggest(here.tenant, signals=[signal(account)], now=now + timedelta(days=1))
    assert [each.state for each in plays(here, account)] == ["cancelled"]
