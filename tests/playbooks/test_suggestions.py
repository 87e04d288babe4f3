"""Which signals open, refresh, wake and expire suggestions."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from playbooks import services
from playbooks.gains import GAINS
from playbooks.models import Play, Playbook, Recommendation
from playbooks.services.setup import install_defaults
from scoring.catalogue import BY_KEY
from tests.playbooks.makers import (
    NOW,
    TODAY,
    health_row,
    last_event,
    low,
    open_of,
    playbook,
    signal,
    suggest,
    verbs,
)

pytestmark = pytest.mark.django_db
State = Recommendation.State


@pytest.fixture
def here(acme):
    with acme.here():
        yield acme


@pytest.fixture
def account(here):
    return here.add_account()


def decide(world, row, what, now=NOW, **answer):
    service = getattr(services, what)
    return service(
        world.tenant, recommendation_id=row.pk, version=row.version, by=world.actor("csm"), now=now, **answer
    )


class TestDefaults:
    def test_a_new_tenant_has_its_playbooks_some_with_a_concession(self, here):
        rows = Playbook.objects.order_by("position")
        keys = ["support_recovery", "usage_recovery", "sentiment_decline", "champion_change"]
        keys += ["expansion_talk", "reference_request", "risk_review", "renewal_check", "renewal_plan"]
        assert [row.key for row in rows] == keys
        for row in rows:
            steps = services_steps(here, row)
            assert 4 <= len(steps) <= 5
            offers = [step for step in steps if step.kind == "concession"]
            assert bool(offers) == (row.key in {*keys[:3], "renewal_plan"})  # a price wins nobody
            assert all({"discount_pct", "months"} <= set(step.defaults) for step in offers)
            assert [step.due_days for step in steps] == sorted(step.due_days for step in steps)

    def test_installing_again_adds_nothing_and_keeps_edits(self, here):
        Playbook.objects.filter(key="usage_recovery").update(name="Ours")
        Playbook.objects.get(key="sentiment_decline").delete()
        assert install_defaults(here.tenant) == 1
        assert install_defaults(here.tenant) == 0
        assert playbook(here).name == "Ours"

    def test_a_workspace_from_before_gets_the_new_ones_by_command(self, here):
        Playbook.objects.filter(key__in=["risk_review", "renewal_check", "renewal_plan"]).delete()
        said = StringIO()
        call_command("install_playbooks", tenant="acme", stdout=said)
        assert said.getvalue().startswith("3 playbooks added to Acme")
        assert Playbook.objects.filter(trigger_on="renewal").count() == 2
        with pytest.raises(CommandError, match="There is no workspace nowhere"):
            call_command("install_playbooks", tenant="nowhere")

    def test_every_trigger_names_something_in_the_catalogue(self, here):
        for row in Playbook.objects.all():
            for pattern in row.trigger_indicators:
                known = GAINS if row.trigger_on == "improved" else BY_KEY
                assert any(key == pattern or key.startswith(pattern.rstrip("*")) for key in known), pattern


def services_steps(world, row):
    from playbooks.queries.playbooks import steps_of_playbook

    return list(steps_of_playbook(world.tenant, playbook_id=row.pk))


class TestMatching:
    @pytest.mark.parametrize(
        ("key", "wanted"),
        [
            ("usage.breadth", "usage_recovery"),
            ("satisfaction.ticket_spike", "support_recovery"),
            ("satisfaction.open_escalations", "support_recovery"),
            ("satisfaction.nps_latest", "sentiment_decline"),
            ("satisfaction.change", "sentiment_decline"),
            ("satisfaction.changes", None),
            ("business.overdue_days", None),
            ("nobody.knows_this", None),
        ],
    )
    def test_the_low_indicator_chooses_the_playbook(self, here, account, key, wanted):
        row = suggest(here, account, low(key))
        assert (row.playbook.key if row else None) == wanted

    @pytest.mark.parametrize(
        ("score", "is_suggested"), [(39.99, True), (40, False), (45, False), (None, False)]
    )
    def test_under_the_limit_not_at_it(self, here, account, score, is_suggested):
        assert bool(suggest(here, account, low(score=score))) is is_suggested

    @pytest.mark.parametrize(
        ("band", "is_suggested"),
        [("critical", True), ("at_risk", True), ("watch", True), ("healthy", False), ("unknown", False)],
    )
    def test_only_in_its_bands(self, here, account, band, is_suggested):
        assert bool(suggest(here, account, band=band)) is is_suggested

    def test_the_first_by_position_wins(self, here, account):
        both = (low("usage.breadth", 5), low("satisfaction.ticket_spike", 30))
        assert suggest(here, account, *both).playbook.key == "support_recovery"

    def test_a_paused_playbook_is_passed_over(self, here, account):
        Playbook.objects.filter(key="support_recovery").update(state="paused")
        both = (low("usage.breadth", 5), low("satisfaction.ticket_spike", 30))
        assert suggest(here, account, *both).playbook.key == "usage_recovery"

    def test_the_cause_holds_only_what_speaks_for_the_play(self, here, account):
        row = suggest(
            here,
            account,
            low("usage.breadth", 5),
            low("business.overdue_days", 1),
            low("usage.trend_30d", 45),
        )
        assert [each["key"] for each in row.cause] == ["usage.breadth"]

    def test_strategic_accounts_are_suggested_too(self, here):
        assert suggest(here, here.add_account("Big", strategic=True)) is not None

    def test_an_event_of_an_account_that_is_gone_is_passed_over(self, here, account):
        gone = here.add_account("Gone")
        signals = [signal(gone), signal(account)]
        gone.delete()
        assert services.suggest(here.tenant, signals=signals, now=NOW) == 1

    def test_it_is_told_with_its_cause(self, here, account):
        row = suggest(here, account)
        event = last_event(here, "playbooks.recommended")
        assert (event.actor_kind, event.object_id, event.account_id) == ("system", str(row.pk), account.pk)
        assert event.diff["after"]["cause"][0]["text"].startswith("Usage down")


class TestOneOpen:
    def test_a_second_signal_refreshes_the_cause_and_keeps_the_version(self, here, account):
        first = suggest(here, account, low(score=30))
        second = suggest(here, account, low(score=10))
        assert second.pk == first.pk
        assert (second.cause[0]["score"], second.version) == (10, first.version)
        assert verbs(here, account).count("playbooks.recommended") == 1

    def test_replaying_a_signal_changes_nothing(self, here, account):
        same = signal(account)
        assert services.suggest(here.tenant, signals=[same], now=NOW) == 1
        before = Recommendation.objects.values().get()
        assert services.suggest(here.tenant, signals=[same], now=NOW + timedelta(hours=1)) == 0
        assert Recommendation.objects.values().get() == before

    def test_when_its_own_cause_is_gone_another_playbook_takes_over(self, here, account):
        first = suggest(here, account, low("usage.breadth"))
        second = suggest(here, account, low("satisfaction.ticket_spike"))
        assert (second.pk, second.playbook.key) == (first.pk, "support_recovery")
        assert second.version == first.version + 1, "an answer about the other play must be stale"

    def test_when_nothing_speaks_for_anything_it_stays_until_the_account_is_healthy(self, here, account):
        row = suggest(here, account)
        assert suggest(here, account, low("business.overdue_days"), band="watch") == row
        assert suggest(here, account, band="healthy", health="80") is None
        row.refresh_from_db()
        assert row.state == State.EXPIRED
        assert verbs(here, account)[-1] == "playbooks.expired"

    def test_the_last_signal_of_a_batch_counts(self, here, account):
        batch = [signal(account), signal(account, band="healthy", health="80")]
        assert services.suggest(here.tenant, signals=batch, now=NOW) == 0

    def test_reads_do_not_grow_with_accounts(self, here, query_count):
        def cost(accounts):
            signals = [signal(each) for each in accounts]
            return query_count(lambda: services.suggest(here.tenant, signals=signals, now=NOW))

        few = cost([here.add_account(f"A{at}") for at in range(2)])
        many = cost([here.add_account(f"B{at}") for at in range(12)])
        assert many - few == 10, "one audit event for each suggestion, and nothing else"

    def test_refreshing_costs_the_same_for_two_or_twelve(self, here, query_count):
        def cost(names):
            accounts = [here.add_account(name) for name in names]
            services.suggest(here.tenant, signals=[signal(each, low(score=30)) for each in accounts], now=NOW)
            again = [signal(each, low(score=9)) for each in accounts]
            return query_count(lambda: services.suggest(here.tenant, signals=again, now=NOW))

        assert cost([f"A{at}" for at in range(2)]) == cost([f"B{at}" for at in range(12)])
        assert {row.cause[0]["score"] for row in Recommendation.objects.all()} == {9}


class TestRest:
    def test_no_suggestion_while_its_play_runs_but_another_may_come(self, here, account):
        decide(here, suggest(here, account), "accept")
        assert suggest(here, account) is None
        assert suggest(here, account, low("satisfaction.ticket_spike")).playbook.key == "support_recovery"

    def test_thirty_days_after_a_dismissal_of_the_same_cause(self, here, account):
        decide(here, suggest(here, account), "dismiss", reason="handled")
        assert suggest(here, account, now=NOW + timedelta(days=29)) is None
        assert suggest(here, account, now=NOW + timedelta(days=31)) is not None

    def test_something_new_ends_the_rest(self, here, account):
        decide(here, suggest(here, account, low("usage.trend_30d")), "dismiss", reason="handled")
        assert suggest(here, account, low("usage.trend_30d")) is None
        assert suggest(here, account, low("usage.trend_30d"), low("usage.days_since_last")) is not None

    def test_another_accounts_dismissal_does_not_count(self, here, account):
        other = here.add_account("Other")
        decide(here, suggest(here, other), "dismiss", reason="handled")
        assert suggest(here, account) is not None

    def test_after_a_play_ended_the_same_cause_rests_too(self, here, account):
        play = decide(here, suggest(here, account), "accept")
        play = services.start_play(here.tenant, play_id=play.pk, now=NOW)
        services.close_play(
            here.tenant, play_id=play.pk, version=play.version, outcome="saved", by=here.actor("csm"), now=NOW
        )
        assert suggest(here, account, now=NOW + timedelta(days=3)) is None
        assert suggest(here, account, now=NOW + timedelta(days=31)) is not None

    def test_a_play_taken_back_leaves_no_rest(self, here, account):
        row = suggest(here, account)
        decide(here, row, "accept")
        row.refresh_from_db()
        decide(here, row, "undo")
        row.refresh_from_db()
        decide(here, row, "dismiss", reason="handled", now=NOW - timedelta(days=40))
        assert suggest(here, account) is not None
        assert Play.objects.get().outcome == Play.UNDONE


class TestSleep:
    @pytest.fixture
    def asleep(self, here, account):
        health_row(here, account, health="50")
        row = suggest(here, account, health="50", band="at_risk")
        return decide(here, row, "snooze", until=TODAY + timedelta(days=7), reason="waiting")

    def test_a_small_fall_does_not_wake_it(self, here, account, asleep):
        assert suggest(here, account, health="40.01").state == State.SNOOZED

    def test_ten_points_do(self, here, account, asleep):
        row = suggest(here, account, health="40")
        assert (row.state, row.snoozed_until, row.decided_by) == (State.SUGGESTED, None, None)
        assert last_event(here, "playbooks.woken").diff["after"]["why"] == "health fell 10 points"

    def test_its_day_does_each_morning(self, here, account, asleep):
        assert services.wake_snoozed(here.tenant, now=NOW + timedelta(days=6)) == 0
        assert services.wake_snoozed(here.tenant, now=NOW + timedelta(days=7)) == 1
        assert open_of(here, account).state == State.SUGGESTED
        assert services.wake_snoozed(here.tenant, now=NOW + timedelta(days=7)) == 0

    def test_no_second_suggestion_comes_while_it_sleeps(self, here, account, asleep):
        suggest(here, account, low("satisfaction.ticket_spike"), health="50")
        assert Recommendation.objects.count() == 1

    def test_it_expires_asleep_when_the_account_is_healthy(self, here, account, asleep):
        suggest(here, account, band="healthy", health="80")
        asleep.refresh_from_db()
        assert (asleep.state, asleep.snoozed_until) == (State.EXPIRED, None)

    def test_the_other_tenants_rows_sleep_on(self, here, account, asleep, globex):
        with globex.here():
            assert services.wake_snoozed(globex.tenant, now=NOW + timedelta(days=30)) == 0
        assert open_of(here, account).state == State.SNOOZED
