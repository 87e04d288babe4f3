"""Health that has clearly improved: by margin or two scorings, the customer's own, told once, and what follows."""

from datetime import timedelta
from decimal import Decimal

import pytest

from audit import consumers
from audit.models import AuditEvent
from playbooks import services, tasks
from playbooks.models import Playbook, Recommendation
from scoring.growth import improving
from scoring.growth.models import GrowthItem
from scoring.models import AccountHealth, ScoreRun
from tests.growth.snapshots import scored, stands
from tests.playbooks.makers import low, open_of, running_play, signal, verbs
from tests.scoring.evidence import DAY

pytestmark = pytest.mark.django_db


def renewed(world):
    with world.here():
        improving.renew(world.tenant, DAY)
        rows = GrowthItem.objects.for_tenant(world.tenant).filter(kind="improving")
        return sorted(rows.values_list("account__name", "pattern"))


def risen(world, name="Alder", *, before=50, after=80, **values):
    """Both indicators went from `before` to `after` in 30 days."""
    account = world.add_account(name)
    scored(world, account, 30, before, before)
    run = scored(world, account, 0, after, after)
    stands(world, account, run, after, **values)
    return account


def told(world):
    return AuditEvent.objects.filter(tenant=world.tenant, verb="scoring.improved")


@pytest.mark.parametrize(("after", "improves"), [(64, False), (65, True)])
def test_a_rise_at_one_scoring_needs_the_margin(acme, after, improves):
    risen(acme, after=after)
    assert bool(renewed(acme)) is improves


@pytest.mark.parametrize(("week_ago", "improves"), [(59, False), (60, True)])
def test_ten_points_need_two_scorings(acme, week_ago, improves):
    account = acme.add_account("Alder")
    for days, points in ((37, 50), (30, 50), (7, week_ago), (0, 60)):
        run = scored(acme, account, days, points, points)
    stands(acme, account, run, 60)
    assert bool(renewed(acme)) is improves


def test_only_the_customers_own_values_count(acme):
    """40 and 80 made 60; without the first 80 are left: 20 points more and nothing got better."""
    account = acme.add_account("Alder")
    scored(acme, account, 30, 40, 80)
    run = scored(acme, account, 0, None, 80)
    stands(acme, account, run, 80)
    assert renewed(acme) == []


def test_an_override_in_force_is_somebodys_own_word(acme):
    risen(acme, override_health=Decimal(30), override_band="critical", override_until=DAY + timedelta(days=9))
    risen(acme, "Birch", override_health=Decimal(30), override_until=DAY - timedelta(days=1))
    assert renewed(acme) == [("Birch", "improved.health")]


@pytest.mark.parametrize(
    ("was", "now", "values", "improves"),
    [
        ("0.340000", "0.280000", {}, True),
        ("0.310000", "0.295000", {}, False),  # under the margin of two points
        ("0.340000", "0.280000", {"model_id": 2}, False),
        ("0.340000", "0.280000", {"chance_flags": ["source_late:usage"]}, False),
        (
            "0.340000",
            "0.280000",
            {"chance_flags": ["pooled:3"]},
            True,
        ),  # whose it is, not that anything is missing
        ("0.340000", "0.280000", {"chance_flags": ["pooled:3", "source_late:usage"]}, False),
        ("0.340000", "0.280000", {"risk_level": "high"}, False),  # the level that is routed by has not moved
    ],
)
def test_a_chance_has_fallen_with_its_level(acme, was, now, values, improves):
    account = acme.add_account("Alder")
    scored(acme, account, 30, 60, 60, p90=was, level="high")
    run = scored(acme, account, 0, 60, 60, p90=now, level="medium")
    stands(acme, account, run, 60, **({"p90": now, "risk_level": "medium", "model_id": 1} | values))
    assert bool(renewed(acme)) is improves


def test_it_is_told_once_with_its_words_and_a_sign_of_growth(acme):
    account = risen(acme)
    with acme.here():
        GrowthItem.objects.create(
            tenant=acme.tenant, kind="expansion", account=account, pattern="seats", product="Core"
        )
        GrowthItem.objects.create(
            tenant=acme.tenant, kind="expansion", account=account, pattern="similar", product="Alike"
        )
    assert renewed(acme) == [("Alder", "improved.health"), ("Alder", "improved.sign")]
    renewed(acme)
    with acme.here():
        event = told(acme).get()
    assert [each["text"] for each in event.diff["after"]["gains"]] == [
        "Health rose 30 points since 1 Sep 2026, from 50 to 80", "Shows a sign that it may buy more: Core",
    ]  # fmt: skip


def test_a_tenant_without_a_day_to_compare_with_has_none(acme, globex):
    account = acme.add_account("Alder")
    run = scored(acme, account, 0, 80, 80)
    stands(acme, account, run, 80)
    risen(globex, "Fir")
    assert renewed(acme) == []
    assert renewed(globex) == [("Fir", "improved.health")]


class TestPlays:
    """From the event to the suggestion."""

    @pytest.fixture
    def here(self, acme):
        with acme.here():
            yield acme

    def follow(self, world):
        consumers.consume_now(world.tenant, tasks.GAINS)

    def test_a_reference_is_asked_of_a_healthy_account(self, here):
        account, watched = risen(here), risen(here, "Birch", band="watch")
        renewed(here)
        self.follow(here)
        row = open_of(here, account)
        assert (row.playbook.key, row.cause[0]["key"]) == ("reference_request", "improved.health")
        assert verbs(here, account) == ["scoring.improved", "playbooks.recommended"]
        assert open_of(here, watched) is None

    def test_with_a_sign_it_is_the_conversation_about_more(self, here):
        account = risen(here, band="watch")
        GrowthItem.objects.create(tenant=here.tenant, kind="expansion", account=account, pattern="seats")
        renewed(here)
        self.follow(here)
        assert open_of(here, account).playbook.key == "expansion_talk"

    def test_nothing_is_offered_beside_a_suggestion_or_a_play(self, here):
        asked, played = risen(here), risen(here, "Birch")
        services.suggest(here.tenant, signals=[signal(asked, low())])
        running_play(here, played)
        renewed(here)
        self.follow(here)
        assert open_of(here, asked).playbook.key == "usage_recovery"
        assert open_of(here, played) is None

    def test_it_stays_while_the_account_is_healthy_and_gives_way_to_trouble(self, here):
        account, other = risen(here), risen(here, "Birch")
        renewed(here)
        self.follow(here)
        services.suggest(here.tenant, signals=[signal(account, health="82", band="healthy")])
        assert open_of(here, account).playbook.key == "reference_request"
        services.suggest(here.tenant, signals=[signal(account), signal(other, low("x.y", 1), band="watch")])
        assert open_of(here, account).playbook.key == "usage_recovery"
        assert open_of(here, other) is None
        assert Recommendation.objects.get(account=other).state == "expired"

    def test_it_waits_while_a_source_is_late_and_looks_again_afterwards(self, here):
        account, fallen = risen(here), risen(here, "Birch")
        renewed(here)
        late = {"usage": {"accounts": 40, "latest": "2026-09-20", "late": True}}
        ScoreRun.objects.filter(as_of=DAY).update(summary={"sources": late})
        self.follow(here)
        assert open_of(here, account) is None
        assert not tasks.may_resume(here.tenant)
        AccountHealth.objects.filter(account=fallen).update(band="at_risk")
        ScoreRun.objects.filter(as_of=DAY).update(summary={})
        assert tasks.may_resume(here.tenant)
        tasks.resume_held(here.tenant, lambda done: None)
        assert open_of(here, account).playbook.key == "reference_request"
        assert open_of(here, fallen) is None
        assert not tasks.may_resume(here.tenant)

    def test_a_dismissed_one_rests(self, here):
        account = risen(here)
        renewed(here)
        self.follow(here)
        row = open_of(here, account)
        services.dismiss(
            here.tenant, recommendation_id=row.pk, version=row.version, reason="other", by=here.actor("csm")
        )
        GrowthItem.objects.all().delete()
        renewed(here)
        self.follow(here)
        assert open_of(here, account) is None

    def test_a_paused_playbook_offers_nothing(self, here):
        account = risen(here)
        Playbook.objects.filter(trigger_on="improved").update(state="paused")
        renewed(here)
        self.follow(here)
        assert open_of(here, account) is None
