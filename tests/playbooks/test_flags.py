"""A level of risk that rises: suggested by a version in force, so many a CSM and week, the largest at stake first."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from audit import consumers
from audit.services import record
from playbooks import services, tasks
from playbooks.models import Cue, Play, Playbook, Recommendation
from playbooks.queries.cues import week_began
from playbooks.services import cues, renewals
from scoring.models import AccountHealth, ChanceSettings, ChurnModel
from scoring.people.models import Notice
from scoring.queries import newest_run
from tenants.access import SYSTEM
from tenants.models import Membership
from tests.playbooks.makers import health_row, last_event, low, open_of, signal, suggest, verbs
from tests.playbooks.test_holding import DAY, scored
from tests.scoring import models_by_hand

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
THURSDAY = MONDAY + timedelta(days=3, hours=9)
NEXT_MONDAY = MONDAY + timedelta(days=7, hours=1)


@pytest.fixture
def here(acme):
    """A version in force that was shown to beat the base rate, sources that are all there, five flags a week."""
    with acme.here():
        acme.model = models_by_hand.register(acme, models_by_hand.by_hand())
        scored(acme)
        yield acme


def stands(
    world, name, level, *, p90="0.42", stake=None, owner="csm", account=None, band="healthy", **values
):
    """An account at this level of risk now, in the newest scoring."""
    account = account or world.add_account(name, owner=owner)
    health_row(
        world, account, health="82.00", band=band, risk_level=level, p90=Decimal(p90), model_id=world.model.pk,
        at_stake=None if stake is None else Decimal(stake), **{"as_of": DAY, **values},
    )  # fmt: skip
    return account


def moved(world, account, was, level):
    """The event as scoring writes it."""
    before = {"risk_level": was} if was else None
    after = {
        "risk_level": level,
        "p90": 0.42,
        "at_stake": None,
        "as_of": str(DAY),
        "model_version": "churn v1",
    }
    return record(
        world.tenant, verb="scoring.risk_changed", by=SYSTEM, subject=account, account_id=account.pk,
        before=before, after=after,
    )  # fmt: skip


def rose(world, name="Northwind", was="low", level="high", **standing):
    account = stands(world, name, level, **standing)
    moved(world, account, was, level)
    return account


def follow(world):
    consumers.consume_now(world.tenant, tasks.RISK)


def give(world, now=THURSDAY):
    follow(world)
    return cues.give_turns(world.tenant, now=now)


def key_of(world, account):
    row = open_of(world, account)
    return row.playbook.key if row else None


class TestCrossing:
    @pytest.mark.parametrize(
        ("was", "level", "is_suggested"),
        [
            ("low", "high", True),
            ("low", "critical", True),
            ("medium", "critical", True),
            ("", "high", True),  # the first chance that there ever was
            ("low", "medium", False),
            ("high", "critical", False),  # it stood there already
            ("critical", "high", False),
            ("high", "low", False),
        ],
    )
    def test_up_to_the_level_that_the_playbook_asks_for(self, here, was, level, is_suggested):
        account = rose(here, was=was, level=level)
        assert give(here) == is_suggested
        assert key_of(here, account) == ("risk_review" if is_suggested else None)

    def test_it_is_suggested_with_its_cause_whatever_the_band(self, here):
        account = rose(here, p90="0.424", band="healthy")
        give(here)
        assert open_of(here, account).cause == [
            {
                "key": "risk.high", "dimension": "risk", "score": None, "day": str(DAY),
                "text": "Risk rose from low to high: 42% chance of leaving within 90 days",
            }
        ]  # fmt: skip
        assert verbs(here, account) == ["scoring.risk_changed", "playbooks.recommended"]
        assert give(here) == 0, "read once, given once"

    def test_the_owner_is_told(self, here):
        rose(here)
        give(here)
        notice = Notice.objects.for_tenant(here.tenant).get(user=here.csm.user)
        assert notice.text == (
            "Risk rose from low to high at Northwind: 42% chance of leaving within 90 days. "
            "Risk review is suggested in the queue."
        )

    def test_who_may_not_see_the_account_is_not_told(self, here):
        Membership.objects.filter(pk=here.csm.pk).update(regions=["apac"])
        account = rose(here)
        assert give(here) == 1
        assert key_of(here, account) == "risk_review"
        assert not Notice.objects.for_tenant(here.tenant).exists()

    def test_where_it_stands_now_decides(self, here):
        account = rose(here)
        AccountHealth.objects.update(risk_level="medium")
        assert give(here) == 0
        assert open_of(here, account) is None
        assert not Cue.objects.exists()

    def test_a_suggestion_ends_when_the_level_falls_again(self, here):
        account = rose(here)
        give(here)
        row = open_of(here, account)
        stands(here, "", "medium", account=account)
        moved(here, account, "high", "medium")
        follow(here)
        row.refresh_from_db()
        assert row.state == "expired"
        assert (
            last_event(here, "playbooks.expired").diff["after"]["why"]
            == "the risk has fallen again, to medium"
        )

    def test_without_an_active_playbook_nothing_is_kept(self, here):
        Playbook.objects.filter(key="risk_review").update(state="paused")
        rose(here)
        assert give(here) == 0
        assert not Cue.objects.exists()


class TestVersions:
    @pytest.mark.parametrize(
        ("state", "given"), [("advisory", 1), ("automatic", 1), ("shadow", 0), ("draft", 0)]
    )
    def test_a_version_in_force_suggests_and_one_that_is_watched_does_not(self, here, state, given):
        ChurnModel.objects.filter(pk=here.model.pk).update(state=state)
        rose(here)
        assert give(here) == given

    def test_one_taken_back_in_between_gives_nothing(self, here):
        rose(here)
        follow(here)
        ChurnModel.objects.filter(pk=here.model.pk).update(state="shadow")
        assert cues.give_turns(here.tenant, now=THURSDAY) == 0
        AccountHealth.objects.update(risk_level="", p90=None, model_id=None)
        assert cues.give_turns(here.tenant, now=THURSDAY) == 0
        assert Cue.objects.get().ended_why == "no chance is known any more"

    def test_what_one_has_suggested_ends_when_it_is_taken_back(self, here):
        account = rose(here, renewal=None)
        give(here)
        row = open_of(here, account)
        assert tasks.look_ahead(here.tenant, lambda done: None)["ended"] == 0
        AccountHealth.objects.update(risk_level="", p90=None, model_id=None)
        assert tasks.look_ahead(here.tenant, lambda done: None)["ended"] == 1
        row.refresh_from_db()
        assert row.state == "expired"
        assert last_event(here, "playbooks.expired").diff["after"]["why"] == "no chance is known any more"

    def test_a_weak_one_says_so(self, here):
        ChurnModel.objects.filter(pk=here.model.pk).update(report={})
        account = rose(here)
        give(here)
        assert open_of(here, account).cause[0]["text"].endswith("Weak: not shown to beat the base rate.")
        assert "Weak: not shown to beat the base rate." in Notice.objects.get().text


class TestSources:
    def test_while_one_is_late_the_rise_waits_and_goes_on_once(self, here):
        account = rose(here)
        scored(here, late=["usage"])
        follow(here)
        assert not Cue.objects.exists()
        scored(here, day=DAY + timedelta(days=1))
        AccountHealth.objects.update(as_of=DAY + timedelta(days=1))
        assert tasks.resume_held(here.tenant, lambda done: None) == {"resumed": 1}
        assert tasks.resume_held(here.tenant, lambda done: None) == {"resumed": 0}
        assert give(here) == 1
        assert key_of(here, account) == "risk_review"

    def test_two_steps_up_while_it_is_away_are_one_rise(self, here):
        Playbook.objects.filter(key="risk_review").update(trigger_level="high")
        account = stands(here, "Northwind", "critical")
        scored(here, late=["usage"])
        moved(here, account, "low", "high")
        follow(here)
        moved(here, account, "high", "critical")
        follow(here)
        scored(here)
        tasks.resume_held(here.tenant, lambda done: None)
        assert give(here) == 1
        assert "Risk rose from low to critical" in open_of(here, account).cause[0]["text"]

    def test_what_waits_for_its_turn_is_not_given_while_one_is_late(self, here):
        rose(here)
        follow(here)
        scored(here, late=["usage"])
        assert not cues.may_give(here.tenant, now=THURSDAY)
        assert cues.give_turns(here.tenant, now=THURSDAY) == 0

    @pytest.mark.parametrize(
        "values", [{"as_of": DAY - timedelta(days=1)}, {"chance_flags": ["model_unreadable"]}]
    )
    def test_a_chance_that_is_not_of_now_waits(self, here, values):
        rose(here, **values)
        assert give(here) == 0
        assert Cue.objects.get().state == "waiting"

    def test_while_a_scoring_is_being_written_nothing_is_given(self, here):
        account = rose(here)
        follow(here)
        AccountHealth.objects.update(run_id=10**9)
        assert cues.give_turns(here.tenant, now=THURSDAY) == 0
        AccountHealth.objects.update(run_id=1)
        assert cues.give_turns(here.tenant, now=THURSDAY) == 1
        assert open_of(here, account)


class TestWeek:
    @pytest.fixture
    def two(self, here):
        ChanceSettings.objects.update_or_create(tenant=here.tenant, defaults={"flags_per_csm_week": 2})
        return here

    def test_the_largest_at_stake_first_and_the_rest_on_monday(self, two):
        stakes = {"B": "20", "D": "40", "A": "10", "C": "30"}
        accounts = {name: rose(two, name, stake=stake) for name, stake in stakes.items()}
        assert give(two) == 2
        assert [name for name in "ABCD" if open_of(two, accounts[name])] == ["C", "D"]
        assert not cues.may_give(two.tenant, now=THURSDAY)
        assert give(two, THURSDAY + timedelta(days=3)) == 0
        assert cues.may_give(two.tenant, now=NEXT_MONDAY)
        assert give(two, NEXT_MONDAY) == 2
        assert Recommendation.objects.count() == 4

    def test_the_largest_may_come_last(self, two):
        """Events come in batches in the order of accounts: no turn is taken before all of a scoring is read."""
        rose(two, "Small", stake="1")
        rose(two, "Middle", stake="2")
        assert Cue.objects.count() == 0
        large = rose(two, "Large", stake="9")
        assert tasks.give_turns(two.tenant, None) == {"given": 2}
        assert open_of(two, large)

    def test_without_rates_the_likeliest_to_leave_comes_first(self, two):
        accounts = [rose(two, name, p90=p) for name, p in (("A", "0.31"), ("B", "0.55"), ("C", "0.44"))]
        give(two)
        assert [bool(open_of(two, each)) for each in accounts] == [False, True, True]

    def test_each_csm_and_the_accounts_without_one_have_their_own(self, two):
        for owner in ("csm", "csm2", None):
            for number in range(3):
                rose(two, f"{owner} {number}", owner=owner)
        assert give(two) == 6
        given = Cue.objects.filter(state="given").values_list("given_to", flat=True)
        assert sorted(given, key=str).count(None) == 2

    def test_what_waited_and_fell_takes_no_turn(self, two):
        accounts = [rose(two, name, stake=stake) for name, stake in (("A", "30"), ("B", "20"), ("C", "10"))]
        give(two)
        stands(two, "", "low", account=accounts[2])
        moved(two, accounts[2], "high", "low")
        assert give(two, NEXT_MONDAY) == 0
        assert Cue.objects.get(account=accounts[2]).ended_why == "the risk has fallen again"

    def test_a_term_with_a_low_chance_stands_in_the_same_line(self, two):
        term = stands(
            two,
            "Term",
            "low",
            stake="99",
            renewal=DAY + timedelta(days=170),
            p_renew=Decimal("0.6"),
            p90="0.05",
        )
        rises = [rose(two, name, stake="50", renewal=None) for name in "AB"]
        renewals.look_at(two.tenant, run=newest_run(two.tenant), now=THURSDAY)
        assert give(two) == 2
        assert key_of(two, term) == "renewal_check"
        assert [key_of(two, each) for each in rises] == ["risk_review", None]

    def test_a_turn_stays_taken_where_trouble_came_instead(self, two):
        """The flag gives way and may be told again; the CSM was given it all the same."""
        term = stands(
            two, "Term", "low", stake="99", renewal=DAY + timedelta(days=170), p_renew=Decimal("0.6"), p90="0.05"
        )  # fmt: skip
        run = newest_run(two.tenant)
        renewals.look_at(two.tenant, run=run, now=THURSDAY)
        rises = [rose(two, name, stake=stake, renewal=None) for name, stake in (("A", "50"), ("B", "40"))]
        assert give(two) == 2
        suggest(two, term, low(), band="at_risk", now=THURSDAY)
        assert key_of(two, term) == "usage_recovery"
        assert not cues.may_give(two.tenant, now=THURSDAY)
        assert give(two) == 0
        assert give(two, NEXT_MONDAY) == 1
        assert key_of(two, rises[1]) == "risk_review"
        services.dismiss(
            two.tenant, recommendation_id=open_of(two, term).pk, version=2, reason="handled",
            by=two.actor("csm"), now=NEXT_MONDAY,
        )  # fmt: skip
        assert renewals.look_at(two.tenant, run=run, now=NEXT_MONDAY)[0] == 1
        assert give(two, NEXT_MONDAY) == 1
        assert key_of(two, term) == "renewal_check"

    def test_low_indicators_do_not_count(self, two):
        for name in "AB":
            suggest(two, two.add_account(name))
        for name in "CD":
            rose(two, name)
        assert give(two) == 2

    def test_a_week_begins_on_monday_where_the_tenant_works(self, two):
        two.tenant.time_zone = "America/New_York"
        assert week_began(two.tenant, MONDAY).isoformat() == "2026-11-09T00:00:00-05:00"
        assert (
            week_began(two.tenant, NEXT_MONDAY + timedelta(hours=4)).isoformat()
            == "2026-11-23T00:00:00-05:00"
        )


class TestWhetherToAsk:
    """No job every five minutes for what would have to wait anyway."""

    def asked(self, world):
        """Whether the job would begin, and how many it gives if it runs all the same."""
        may = cues.may_give(world.tenant, now=THURSDAY)
        return may, cues.give_turns(world.tenant, now=THURSDAY)

    @pytest.mark.parametrize(
        "values",
        [
            {"as_of": DAY - timedelta(days=1)},
            {"model_id": None},
            {"chance_flags": ["usage late"]},
            {"chance_flags": ["pooled:5", "usage late"]},
        ],
    )
    def test_not_for_a_chance_that_must_wait(self, here, values):
        rose(here)
        follow(here)
        AccountHealth.objects.update(**values)
        assert self.asked(here) == (False, 0)
        assert Cue.objects.get().state == "waiting"

    @pytest.mark.parametrize("flags", [[], ["pooled:5"]])
    def test_for_a_chance_of_now(self, here, flags):
        rose(here, chance_flags=flags)
        follow(here)
        assert self.asked(here) == (True, 1)

    def test_for_what_is_to_be_forgotten(self, here):
        rose(here)
        follow(here)
        AccountHealth.objects.update(p90=None, model_id=None)
        assert self.asked(here) == (True, 0)
        assert not cues.may_give(here.tenant, now=THURSDAY)

    def test_not_for_a_term_whose_place_is_taken(self, here):
        account = stands(here, "Term", "low", renewal=DAY + timedelta(days=170), p_renew=Decimal("0.6"))
        renewals.look_at(here.tenant, run=newest_run(here.tenant), now=THURSDAY)
        assert cues.may_give(here.tenant, now=THURSDAY)
        suggest(here, account, low(), band="at_risk", now=THURSDAY)
        assert self.asked(here) == (False, 0)
        assert Cue.objects.get().state == "waiting"


class TestBesideOthers:
    def test_where_a_play_is_suggested_already_the_owner_is_told_of_the_rise(self, here):
        account = stands(here, "Northwind", "high")
        suggest(here, account, low())
        moved(here, account, "low", "high")
        assert give(here) == 1
        assert (key_of(here, account), open_of(here, account).version) == ("usage_recovery", 1)
        assert Notice.objects.get().text.endswith("Usage recovery is suggested in the queue.")

    def test_a_snoozed_one_wakes(self, here):
        account = stands(here, "Northwind", "critical")
        row = suggest(here, account, low())
        services.snooze(
            here.tenant, recommendation_id=row.pk, version=1, until=THURSDAY.date() + timedelta(days=30),
            reason="waiting", by=here.actor("csm"), now=THURSDAY,
        )  # fmt: skip
        moved(here, account, "medium", "critical")
        give(here)
        assert open_of(here, account).state == "suggested"
        assert last_event(here, "playbooks.woken").diff["after"]["why"] == "risk rose from medium to critical"

    def test_good_news_gives_way(self, here):
        account = stands(here, "Northwind", "high")
        gain = {"key": "improved.health", "dimension": "improved", "text": "Health rose", "day": str(DAY)}
        told = services.Signal(account.pk, Decimal(90), "healthy", [], [1, 1, 1], gains=[gain])
        services.suggest_or_hold(here.tenant, signals=[told], what="playbooks.gains")
        assert key_of(here, account) == "reference_request"
        moved(here, account, "low", "high")
        give(here)
        assert (key_of(here, account), open_of(here, account).version) == ("risk_review", 2)

    def test_a_term_that_ends_gives_way_and_is_told_of_again(self, here):
        account = stands(here, "Northwind", "low", renewal=DAY + timedelta(days=100))
        renewals.look_at(here.tenant, run=newest_run(here.tenant), now=THURSDAY)
        assert key_of(here, account) == "renewal_plan"
        stands(here, "", "high", account=account, renewal=DAY + timedelta(days=100))
        moved(here, account, "low", "high")
        give(here)
        assert key_of(here, account) == "risk_review"
        Recommendation.objects.update(state="dismissed", reason="handled", decided_at=THURSDAY)
        renewals.look_at(here.tenant, run=newest_run(here.tenant), now=THURSDAY)
        assert key_of(here, account) == "renewal_plan"

    def test_health_neither_ends_it_nor_takes_its_place(self, here):
        account = rose(here)
        give(here)
        services.suggest(here.tenant, signals=[signal(account, band="healthy", health="90")], now=THURSDAY)
        services.suggest(here.tenant, signals=[signal(account, low())], now=THURSDAY)
        assert (key_of(here, account), open_of(here, account).version) == ("risk_review", 1)

    def test_an_answer_rests_thirty_days_and_a_higher_level_ends_the_rest(self, here):
        account = rose(here)
        give(here)
        row = open_of(here, account)
        services.dismiss(
            here.tenant, recommendation_id=row.pk, version=1, reason="not_a_risk", by=here.actor("csm"),
            now=THURSDAY,
        )  # fmt: skip
        moved(here, account, "medium", "high")
        assert give(here) == 0
        assert Cue.objects.order_by("pk").last().ended_why == "answered lately"
        stands(here, "", "critical", account=account)
        moved(here, account, "medium", "critical")
        assert give(here) == 1

    def test_while_its_play_runs_the_owner_is_told_alone(self, here):
        account = stands(here, "Northwind", "high")
        review = Playbook.objects.get(key="risk_review")
        Play.objects.create(
            tenant=here.tenant, account=account, playbook=review, state="in_progress", starts_at=THURSDAY
        )
        moved(here, account, "low", "high")
        assert give(here) == 1
        assert open_of(here, account) is None
        assert Notice.objects.get().text.endswith("A play for it is running already.")

    def test_the_other_tenant_is_left_alone(self, here, globex):
        with globex.here():
            globex.model = models_by_hand.register(globex, models_by_hand.by_hand())
            scored(globex)
            theirs = rose(globex)
        rose(here)
        assert give(here) == 1
        with globex.here():
            assert open_of(globex, theirs) is None
            assert give(globex) == 1


def test_both_jobs_and_the_reader_are_there():
    from jobs.registry import kinds, schedules

    assert {tasks.GIVE_TURNS, tasks.LOOK_AHEAD} <= set(kinds)
    assert schedules[tasks.GIVE_TURNS].every == timedelta(minutes=5)
    assert f"audit.consume:{tasks.RISK}" in schedules
