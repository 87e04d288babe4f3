"""Plays before a renewal: days to the end of the main term, once a term, with a chance and without."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from accounts.models import Outcome, Subscription
from jobs.models import Job
from jobs.services import enqueue
from playbooks import services, tasks
from playbooks.models import Cue, Playbook, Recommendation
from playbooks.queries.cues import main_terms
from playbooks.services import cues, renewals
from scoring.models import AccountHealth, ChanceSettings
from scoring.queries import newest_run
from tests.playbooks.makers import NOW, health_row, low, open_of, playbook, suggest, verbs
from tests.playbooks.test_holding import DAY, scored
from tests.scoring import models_by_hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(acme):
    with acme.here():
        scored(acme)
        yield acme


@pytest.fixture
def modelled(here):
    """A version in force, so that chances to renew decide."""
    here.model = models_by_hand.register(here, models_by_hand.by_hand())
    return here


def renewing(world, days, name="Northwind", *, renew=None, band="healthy", **standing):
    """An account whose main term ends in so many days, perhaps with a chance to renew."""
    account = world.add_account(name)
    values = {"as_of": DAY, "renewal": DAY + timedelta(days=days), "band": band, "health": "81.00"}
    if renew is not None:
        values |= {"p_renew": Decimal(renew), "p90": Decimal("0.25"), "model_id": world.model.pk}
    health_row(world, account, **values | standing)
    return account


def look(world, *, day=DAY, now=NOW):
    """What the job does after a scoring; as of a later day where one is given."""
    if day != DAY:
        scored(world, day=day)
        AccountHealth.objects.for_tenant(world.tenant).update(as_of=day)
    run = newest_run(world.tenant)
    renewals.end_passed(world.tenant, run=run)
    return renewals.look_at(world.tenant, run=run, now=now)[0]


def a_week(world, number):
    """So many a CSM and week."""
    ChanceSettings.objects.update_or_create(tenant=world.tenant, defaults={"flags_per_csm_week": number})


def key_of(world, account):
    row = open_of(world, account)
    return row.playbook.key if row else None


def term(world, account, *, ends, arr="50000", starts=None, product="Core", external_id="T-1"):
    return Subscription.objects.create(
        tenant=world.tenant, account=account, external_id=external_id, product=product, arr=Decimal(arr),
        currency="USD", started_at=starts or NOW - timedelta(days=300), renewal_date=ends,
    )  # fmt: skip


class TestByDate:
    @pytest.mark.parametrize(
        ("days", "band", "wanted"),
        [
            (181, "at_risk", None),
            (180, "at_risk", "renewal_check"),
            (180, "unknown", "renewal_check"),
            (180, "healthy", None),  # without a chance health decides, half a year ahead
            (121, "watch", "renewal_check"),
            (120, "healthy", "renewal_plan"),
            (0, "critical", "renewal_plan"),
            (-1, "critical", None),
        ],
    )
    def test_within_so_many_days_the_nearest_play_first(self, here, days, band, wanted):
        account = renewing(here, days, band=band)
        assert look(here) == (wanted is not None)
        assert key_of(here, account) == wanted

    def test_it_says_when_and_that_there_is_no_chance_yet(self, here):
        plan, check = renewing(here, 100), renewing(here, 150, "Early", band="watch")
        look(here)
        ends = DAY + timedelta(days=100)
        assert [each["text"] for each in open_of(here, plan).cause] == [
            f"Main term ends on {ends.day} {ends:%b %Y}, within 120 days",
            "Chance to renew: not yet calibrated, the date alone decided",
        ]
        assert open_of(here, check).cause[1]["text"] == "Chance to renew: not yet calibrated, health decided"
        assert verbs(here, plan) == ["playbooks.recommended"]

    def test_once_a_term_however_many_days_pass(self, here):
        account = renewing(here, 100)
        look(here)
        row = open_of(here, account)
        services.dismiss(
            here.tenant, recommendation_id=row.pk, version=1, reason="handled", by=here.actor("csm"), now=NOW
        )
        for later in (1, 40, 99):
            now = NOW + timedelta(days=later)
            assert look(here, day=DAY + timedelta(days=later), now=now) == 0

    def test_a_hundred_and_eighty_days_then_a_hundred_and_twenty(self, here):
        account = renewing(here, 170, band="watch")
        look(here)
        row = open_of(here, account)
        services.dismiss(
            here.tenant, recommendation_id=row.pk, version=1, reason="handled", by=here.actor("csm"), now=NOW
        )
        assert look(here, day=DAY + timedelta(days=30)) == 0
        assert look(here, day=DAY + timedelta(days=50)) == 1
        assert key_of(here, account) == "renewal_plan"

    def test_never_the_wider_play_behind_the_nearer_one(self, here):
        account = renewing(here, 100, band="watch")
        look(here)
        Recommendation.objects.update(
            state="dismissed", reason="handled", decided_at=NOW - timedelta(days=60)
        )
        assert look(here, day=DAY + timedelta(days=1)) == 0
        assert open_of(here, account) is None

    def test_the_next_term_is_told_of_again_and_the_passed_one_ends(self, here):
        account = renewing(here, 100)
        look(here)
        row = open_of(here, account)
        later = DAY + timedelta(days=101)
        AccountHealth.objects.update(renewal_date=DAY + timedelta(days=465))
        assert look(here, day=later) == 0
        row.refresh_from_db()
        assert row.state == "expired"
        assert look(here, day=DAY + timedelta(days=350)) == 1
        assert Cue.objects.for_tenant(here.tenant).filter(account=account, state="given").count() == 2


class TestTerms:
    def test_a_corrected_date_is_no_new_term(self, here):
        account = renewing(here, 100)
        row = term(here, account, ends=DAY + timedelta(days=100))
        look(here)
        Recommendation.objects.update(
            state="dismissed", reason="handled", decided_at=NOW - timedelta(days=60)
        )
        row.renewal_date = DAY + timedelta(days=110)
        row.save()
        AccountHealth.objects.update(renewal_date=row.renewal_date)
        assert look(here, day=DAY + timedelta(days=1)) == 0

    def test_the_largest_term_is_the_main_one(self, here):
        account = renewing(here, 100)
        ends = DAY + timedelta(days=100)
        term(here, account, ends=ends, arr="10000", external_id="SMALL")
        term(here, account, ends=ends, arr="90000", external_id="LARGE")
        found = main_terms(here.tenant, AccountHealth.objects.all(), DAY)
        assert found[account.pk].key == "LARGE"

    def test_what_rolls_on_or_is_renewed_already_asks_for_nothing(self, here):
        monthly, signed = renewing(here, 20, "Monthly"), renewing(here, 60, "Signed")
        term(here, monthly, ends=DAY + timedelta(days=20), starts=NOW - timedelta(days=11), external_id="T-0")
        term(here, signed, ends=DAY + timedelta(days=60))
        term(here, signed, ends=DAY + timedelta(days=425), starts=NOW - timedelta(days=5), external_id="T-2")
        assert look(here) == 0

    @pytest.mark.parametrize(
        ("kind", "names", "effective", "is_told"),
        [
            ("renewed", "T-1", -1, False),
            ("renewed", "T-1", 1, True),  # not yet so on the scored day
            ("renewed", "T-9", -1, True),  # another term
            ("expanded", "T-1", -1, True),
        ],
    )
    def test_what_an_outcome_calls_renewed_asks_for_nothing(self, here, kind, names, effective, is_told):
        account = renewing(here, 60)
        term(here, account, ends=DAY + timedelta(days=60))
        Outcome.objects.create(
            tenant=here.tenant, account=account, external_id="O-1", kind=kind, subscription_external_id=names,
            effective_at=datetime.combine(DAY, time(), UTC) + timedelta(days=effective),
        )  # fmt: skip
        assert look(here) == is_told

    def test_a_suggestion_ends_once_its_term_is_called_renewed(self, here):
        account = renewing(here, 60)
        term(here, account, ends=DAY + timedelta(days=60))
        look(here)
        Outcome.objects.create(
            tenant=here.tenant, account=account, external_id="O-1", kind="renewed",
            subscription_external_id="T-1", effective_at=NOW,
        )  # fmt: skip
        assert look(here, day=DAY + timedelta(days=2)) == 0
        assert open_of(here, account) is None

    def test_a_term_that_is_signed_but_has_not_begun_follows(self, here):
        account = renewing(here, 60)
        term(here, account, ends=DAY + timedelta(days=60))
        starts = NOW + timedelta(days=61)
        term(here, account, ends=DAY + timedelta(days=425), starts=starts, external_id="T-2")
        assert look(here) == 0

    def test_a_term_that_has_not_begun_is_not_the_main_one(self, here):
        account = renewing(here, 60)
        term(here, account, ends=DAY + timedelta(days=60), external_id="RUNS")
        term(
            here, account, ends=DAY + timedelta(days=60), arr="90000", starts=NOW + timedelta(days=5),
            external_id="LATER",
        )  # fmt: skip
        found = main_terms(here.tenant, AccountHealth.objects.all(), DAY)
        assert found[account.pk].key == "RUNS"

    def test_another_product_bought_later_is_no_renewal(self, here):
        account = renewing(here, 60)
        term(here, account, ends=DAY + timedelta(days=60))
        term(
            here, account, ends=DAY + timedelta(days=400), starts=NOW - timedelta(days=5), product="Extra",
            external_id="T-2",
        )  # fmt: skip
        assert look(here) == 1


class TestByChance:
    def test_a_low_chance_to_renew_is_suggested_half_a_year_ahead_in_its_turn(self, modelled):
        doubtful = renewing(modelled, 170, "Doubtful", renew="0.62")
        renewing(modelled, 170, "Safe", renew="0.80", band="critical")  # the chance decides, not the band
        assert look(modelled) == 1
        assert open_of(modelled, doubtful) is None
        assert cues.give_turns(modelled.tenant, now=NOW) == 1
        row = open_of(modelled, doubtful)
        assert row.playbook.key == "renewal_check"
        assert row.cause[1]["text"] == "Chance to renew 62%, below the 80% that the play asks for"
        assert Recommendation.objects.for_tenant(modelled.tenant).count() == 1

    def test_a_play_for_everybody_names_the_chance_and_waits_for_nothing(self, modelled):
        account = renewing(modelled, 100, renew="0.91")
        assert look(modelled) == 1
        row = open_of(modelled, account)
        assert row.playbook.key == "renewal_plan"
        assert row.cause[1]["text"] == "Chance to renew 91%"
        assert not Cue.objects.get(account=account).is_flag

    def test_what_is_safe_again_waits_no_more(self, modelled):
        account = renewing(modelled, 170, renew="0.62")
        look(modelled)
        AccountHealth.objects.update(p_renew=Decimal("0.85"))
        assert cues.give_turns(modelled.tenant, now=NOW) == 0
        assert not Cue.objects.filter(account=account).exists()

    def test_a_chance_that_went_and_came_back_is_told_again(self, modelled):
        account = renewing(modelled, 170, renew="0.62", band="watch")
        look(modelled)
        known = {"p90": Decimal("0.25"), "p_renew": Decimal("0.62"), "model_id": modelled.model.pk}
        AccountHealth.objects.update(p90=None, p_renew=None, model_id=None, risk_level="")
        assert cues.give_turns(modelled.tenant, now=NOW) == 0
        assert not Cue.objects.filter(account=account, state="waiting").exists()
        AccountHealth.objects.update(**known)
        assert look(modelled) == 1
        assert cues.give_turns(modelled.tenant, now=NOW) == 1
        assert key_of(modelled, account) == "renewal_check"

    def test_a_version_that_is_only_watched_decides_nothing(self, modelled):
        account = renewing(modelled, 170, renew="0.62")
        type(modelled.model).objects.filter(pk=modelled.model.pk).update(state="shadow")
        assert look(modelled) == 0
        assert open_of(modelled, account) is None

    def test_while_a_source_is_away_chances_wait_and_dates_do_not(self, modelled):
        scored(modelled, late=["usage"])
        doubtful, plan = (
            renewing(modelled, 170, "Doubtful", renew="0.62"),
            renewing(modelled, 100, renew="0.9"),
        )
        assert look(modelled) == 1
        assert key_of(modelled, plan) == "renewal_plan"
        assert open_of(modelled, plan).cause[1]["text"] == "Chance to renew 90%, from late data"
        assert not Cue.objects.filter(account=doubtful).exists()

    def test_without_terms_no_date_is_sure(self, here):
        scored(here, day=DAY - timedelta(days=1))
        scored(here, subscriptions=0)
        renewing(here, 100)
        assert look(here) == 0


class TestTurns:
    """What the date alone speaks for is given in turns, as flags are: nobody finds four months in one morning."""

    MONDAY = NOW + timedelta(days=3)  # of the next week

    @pytest.fixture
    def line(self, here):
        """Three of this month, of which the largest is not the nearest, and a larger one of a later month."""
        a_week(here, 2)
        found = {}
        for name, days, arr in (("Far", 100, 900), ("Small", 3, 10), ("Middle", 20, 50), ("Large", 29, 70)):
            found[name] = renewing(here, days, name, arr_reporting=Decimal(arr))
        return found

    def given(self, world, line):
        return {name for name, account in line.items() if open_of(world, account)}

    def test_the_nearest_month_first_and_in_it_the_largest(self, here, line):
        assert look(here) == 4
        assert self.given(here, line) == {"Large", "Middle"}
        assert look(here, now=NOW + timedelta(days=1)) == 0, "in the same week nothing more"
        assert self.given(here, line) == {"Large", "Middle"}
        assert look(here, now=self.MONDAY) == 0
        assert self.given(here, line) == set(line)
        assert not Cue.objects.filter(state="waiting").exists()

    def test_sixty_terms_of_one_csm_are_no_morning_of_sixty(self, here):
        """By the settings as they come: five."""
        accounts = [renewing(here, 1 + 2 * at, f"A{at}") for at in range(60)]
        assert look(here) == 60
        assert [at for at, each in enumerate(accounts) if open_of(here, each)] == [0, 1, 2, 3, 4]

    def test_each_csm_and_the_accounts_without_one_have_their_own(self, here):
        a_week(here, 1)
        for owner in ("csm", "csm2", None):
            for number in range(2):
                account = here.add_account(f"{owner} {number}", owner=owner)
                health_row(here, account, as_of=DAY, renewal=DAY + timedelta(days=60), band="healthy")
        look(here)
        given = Cue.objects.filter(state="given").values_list("account__owner", "given_to")
        assert len(given) == 3
        assert all(owner == to for owner, to in given)

    def test_flags_have_a_week_of_their_own(self, modelled):
        a_week(modelled, 1)
        flag, plan = renewing(modelled, 170, "Doubtful", renew="0.62"), renewing(modelled, 60, renew="0.9")
        assert look(modelled) == 2
        assert key_of(modelled, plan) == "renewal_plan"
        assert cues.give_turns(modelled.tenant, now=NOW) == 1
        assert key_of(modelled, flag) == "renewal_check"

    def test_a_turn_stays_taken_where_trouble_came_instead(self, here, line):
        look(here)
        suggest(here, line["Large"], low(), band="at_risk")
        assert key_of(here, line["Large"]) == "usage_recovery"
        look(here, now=NOW + timedelta(days=1))
        assert self.given(here, line) == {"Large", "Middle"}

    def test_whose_place_is_taken_keeps_nobody_from_a_turn(self, here, line):
        suggest(here, line["Large"], low(), band="at_risk")
        look(here)
        assert self.given(here, line) == {"Large", "Middle", "Small"}

    def test_an_account_that_two_playbooks_wait_for_takes_one_place(self, here):
        """While a source is away nothing is forgotten: the wider play goes on waiting beside the nearer one."""
        account, other = (
            renewing(here, 130, "Twice", band="watch"),
            renewing(here, 140, "Other", band="watch"),
        )
        a_week(here, 0)
        look(here)
        scored(here, day=DAY + timedelta(days=14), late=["usage"])
        AccountHealth.objects.update(as_of=DAY + timedelta(days=14))
        a_week(here, 2)
        renewals.look_at(here.tenant, run=newest_run(here.tenant), now=NOW)
        assert Cue.objects.filter(account=account, state="given").count() == 1
        assert key_of(here, account) == "renewal_plan"
        assert key_of(here, other) == "renewal_check"
        assert not Cue.objects.filter(state="waiting").exists()

    @pytest.mark.parametrize("away", [False, True])
    def test_what_is_not_suggested_takes_no_place(self, here, line, away):
        """Renewed since the accounts were looked at: the next one moves up; while a source is away it is kept."""
        a_week(here, 0)
        look(here)
        for name in ("Large", "Middle"):
            ends = AccountHealth.objects.get(account=line[name]).renewal_date
            term(here, line[name], ends=ends, external_id=f"{name}-1")
            term(
                here, line[name], ends=ends + timedelta(days=365), starts=NOW - timedelta(days=5),
                external_id=f"{name}-2",
            )  # fmt: skip
        if away:
            scored(here, late=["usage"])
        a_week(here, 2)
        assert renewals.give_dates(here.tenant, run=newest_run(here.tenant), now=NOW) == 2
        assert self.given(here, line) == {"Small", "Far"}
        waits = set(Cue.objects.filter(state="waiting").values_list("account__name", flat=True))
        assert waits == ({"Large", "Middle"} if away else set())

    def test_the_places_of_a_week_are_given_over_blocks(self, here, line, monkeypatch):
        a_week(here, 0)
        look(here)
        monkeypatch.setattr(renewals, "BLOCK", 1)
        a_week(here, 3)
        assert renewals.give_dates(here.tenant, run=newest_run(here.tenant), now=NOW) == 3
        assert self.given(here, line) == {"Large", "Middle", "Small"}

    def test_what_is_renewed_meanwhile_waits_no_more(self, here, line):
        look(here)
        AccountHealth.objects.filter(account=line["Small"]).update(renewal_date=DAY + timedelta(days=368))
        look(here, now=NOW + timedelta(days=1))
        waits = Cue.objects.filter(state="waiting").values_list("account__name", flat=True)
        assert list(waits) == ["Far"]

    def test_once_a_chance_decides_it_is_a_flag(self, here):
        a_week(here, 1)
        for name, arr in (("First", 9), ("Second", 1)):
            account = renewing(here, 170, name, band="watch", arr_reporting=Decimal(arr))
        look(here)
        assert not Cue.objects.get(account=account, state="waiting").is_flag
        model = models_by_hand.register(here, models_by_hand.by_hand())
        known = {"p_renew": Decimal("0.62"), "p90": Decimal("0.25"), "model_id": model.pk}
        AccountHealth.objects.filter(account=account).update(**known)
        look(here, now=self.MONDAY)
        assert open_of(here, account) is None
        assert Cue.objects.get(account=account, state="waiting").is_flag
        AccountHealth.objects.filter(account=account).update(p_renew=None)
        look(here, now=self.MONDAY)
        assert key_of(here, account) == "renewal_check", "the date alone again, and its turn has come"

    def test_without_terms_none_is_given(self, here, line):
        scored(here, day=DAY - timedelta(days=1))
        look(here)
        scored(here, subscriptions=0)
        look(here, now=self.MONDAY)
        assert self.given(here, line) == {"Large", "Middle"}


class TestOnePlace:
    def test_trouble_comes_first_and_the_term_is_told_of_afterwards(self, here):
        account = renewing(here, 100, band="at_risk")
        look(here)
        row = suggest(here, account, low(), band="at_risk")
        assert (row.playbook.key, row.version) == ("usage_recovery", 2)
        assert look(here, day=DAY + timedelta(days=1)) == 0
        services.dismiss(
            here.tenant, recommendation_id=row.pk, version=2, reason="handled", by=here.actor("csm"), now=NOW
        )
        assert look(here, day=DAY + timedelta(days=2)) == 1
        assert key_of(here, account) == "renewal_plan"

    def test_an_account_that_is_healthy_keeps_it(self, here):
        account = renewing(here, 100)
        look(here)
        suggest(here, account, band="healthy", health="90")
        assert key_of(here, account) == "renewal_plan"

    def test_a_paused_playbook_is_passed_over(self, here):
        Playbook.objects.filter(key="renewal_plan").update(state="paused")
        account = renewing(here, 100, band="watch")
        look(here)
        assert key_of(here, account) == "renewal_check"

    def test_the_other_tenant_is_left_alone(self, here, globex):
        with globex.here():
            theirs = renewing(globex, 100)
        look(here)
        with globex.here():
            assert open_of(globex, theirs) is None

    def test_reads_do_not_grow_with_accounts(self, here, query_count):
        a_week(here, 50)

        def cost(names):
            for name in names:
                renewing(here, 100, name)
            return query_count(lambda: look(here))

        cost(["A0"])
        few = cost(["A1", "A2"])
        assert cost([f"B{at}" for at in range(10)]) - few == 8, "one event a suggestion, nothing else"


def test_the_job_looks_once_a_scoring(here):
    assert tasks.is_there_a_new_scoring(here.tenant)
    account = renewing(here, 100)
    found = tasks.look_ahead(here.tenant, lambda done: None)
    assert (found["begun"], found["run"]) == (1, newest_run(here.tenant).pk)
    assert key_of(here, account) == "renewal_plan"
    job = enqueue(here.tenant, kind=tasks.LOOK_AHEAD)
    values = {"result": found, "state": "done", "started_at": NOW, "finished_at": NOW}
    Job.objects.for_tenant(here.tenant).filter(pk=job.pk).update(**values)
    assert not tasks.is_there_a_new_scoring(here.tenant)
    scored(here, day=DAY + timedelta(days=1))
    assert tasks.is_there_a_new_scoring(here.tenant)


def test_two_default_playbooks_before_renewals(here):
    rows = {each.key: each for each in Playbook.objects.filter(trigger_on="renewal")}
    assert {key: each.trigger_days for key, each in rows.items()} == {
        "renewal_check": 180,
        "renewal_plan": 120,
    }
    assert rows["renewal_check"].trigger_chance_below == Decimal("0.8")
    assert playbook(here, "renewal_plan").trigger_chance_below is None
