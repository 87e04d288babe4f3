"""Accept, snooze, dismiss, and taking them back. Times are given, never waited for."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from jobs.models import Job
from playbooks import services
from playbooks.exceptions import BadInput, Missing, Refused, StaleRow
from playbooks.models import Play, PlayStep, Recommendation, Task
from tests.playbooks.makers import NOW, TODAY, health_row, last_event, low, open_of, suggest, verbs

pytestmark = pytest.mark.django_db
State = Recommendation.State


@pytest.fixture
def here(acme):
    with acme.here():
        yield acme


@pytest.fixture
def account(here):
    return here.add_account()


@pytest.fixture
def row(here, account):
    return suggest(here, account)


def accept(world, row, *, role="csm", version=None, now=NOW):
    return services.accept(
        world.tenant,
        recommendation_id=row.pk,
        version=row.version if version is None else version,
        by=world.actor(role),
        now=now,
    )


def snooze(world, row, *, until=TODAY + timedelta(days=7), reason="waiting", version=None, now=NOW):
    return services.snooze(
        world.tenant,
        recommendation_id=row.pk,
        version=row.version if version is None else version,
        until=until,
        reason=reason,
        by=world.actor("csm"),
        now=now,
    )


def dismiss(world, row, *, reason="not_a_risk", comment="", version=None, now=NOW, role="csm"):
    return services.dismiss(
        world.tenant,
        recommendation_id=row.pk,
        version=row.version if version is None else version,
        reason=reason,
        comment=comment,
        by=world.actor(role),
        now=now,
    )


def undo(world, row, *, version=None, now=NOW, role="csm"):
    return services.undo(
        world.tenant,
        recommendation_id=row.pk,
        version=row.version if version is None else version,
        by=world.actor(role),
        now=now,
    )


class TestAccept:
    def test_a_play_waits_for_the_time_of_undo_and_a_job_waits_with_it(self, here, account, row):
        play = accept(here, row)
        assert play.state == Play.State.STARTING
        assert play.starts_at == NOW + timedelta(seconds=10), "two seconds after its Undo left the page"
        assert play.owner == here.csm.user
        assert not PlayStep.objects.exists()
        job = Job.objects.get(kind="playbooks.start_play")
        assert job.args == {"play_id": play.pk}
        assert job.not_before == play.starts_at
        assert verbs(here, account)[-1] == "playbooks.accepted"
        row.refresh_from_db()
        assert (row.state, row.decided_by, row.version) == (State.ACCEPTED, here.csm.user, 2)

    def test_sent_twice_it_is_one_play_one_job_one_event(self, here, account, row):
        assert accept(here, row) == accept(here, row)
        assert Play.objects.count() == Job.objects.filter(kind="playbooks.start_play").count() == 1
        assert verbs(here, account).count("playbooks.accepted") == 1

    def test_another_person_with_the_old_page_is_told_that_it_changed(self, here, row):
        accept(here, row)
        with pytest.raises(StaleRow) as caught:
            accept(here, row, role="manager")
        assert caught.value.row.state == State.ACCEPTED

    def test_a_version_from_before_a_change_is_stale(self, here, row):
        snooze(here, row)
        undo(here, Recommendation.objects.get())
        with pytest.raises(StaleRow):
            accept(here, row)
        assert not Play.objects.exists()

    def test_a_dismissed_suggestion_is_not_open(self, here, row):
        done = dismiss(here, row)
        with pytest.raises(Refused, match="no longer open"):
            accept(here, done)

    def test_the_play_belongs_to_the_accounts_owner_when_a_manager_accepts(self, here, row):
        assert accept(here, row, role="manager").owner == here.csm.user

    def test_a_pooled_accounts_play_belongs_to_whoever_accepts(self, here):
        pooled = here.add_account("Pooled", owner=None)
        assert accept(here, suggest(here, pooled), role="csm2").owner == here.csm2.user

    def test_a_csm_cannot_touch_a_colleagues_account(self, here, row):
        with pytest.raises(Missing):
            accept(here, row, role="csm2")

    @pytest.mark.parametrize("role", ["executive", "auditor", "finance", "support", "ops_admin"])
    def test_seeing_is_not_working(self, here, row, role):
        with pytest.raises(PermissionDenied):
            accept(here, row, role=role)

    def test_the_other_tenant_finds_nothing(self, here, row, globex):
        with globex.here(), pytest.raises(Missing):
            accept(globex, row)

    def test_a_member_of_another_tenant_finds_nothing_here(self, here, row, globex):
        with pytest.raises(Missing):
            services.accept(
                here.tenant, recommendation_id=row.pk, version=1, by=globex.actor("manager"), now=NOW
            )

    def test_without_its_event_nothing_is_written(self, here, row, monkeypatch):
        def fail(*args, **kwargs):
            raise IntegrityError("no event")

        monkeypatch.setattr("audit.services.record", fail)
        with pytest.raises(IntegrityError), transaction.atomic():
            accept(here, row)
        assert not Play.objects.exists()
        assert Recommendation.objects.get().state == State.SUGGESTED


class TestStart:
    def test_steps_and_tasks_appear_with_their_days(self, here, row):
        play = services.start_play(here.tenant, play_id=accept(here, row).pk, now=NOW + timedelta(seconds=10))
        assert play.state == Play.State.IN_PROGRESS
        steps = list(PlayStep.objects.order_by("position"))
        assert [step.position for step in steps] == [1, 2, 3, 4, 5]
        assert steps[0].due_date == TODAY + timedelta(days=2)
        concessions = [step for step in steps if step.kind == "concession"]
        assert [step.proposal for step in concessions] == [{"discount_pct": 10, "months": 6}]
        tasks = Task.objects.order_by("due_date")
        assert len(tasks) == 4, "the concession is not a task"
        assert {task.assignee for task in tasks} == {here.csm.user}

    def test_twice_it_starts_once(self, here, account, row):
        play = accept(here, row)
        services.start_play(here.tenant, play_id=play.pk, now=NOW)
        services.start_play(here.tenant, play_id=play.pk, now=NOW)
        assert PlayStep.objects.count() == 5
        assert verbs(here, account).count("playbooks.play_started") == 1

    def test_a_play_that_was_taken_back_never_starts(self, here, row):
        play = accept(here, row)
        undo(here, Recommendation.objects.get())
        assert services.start_play(here.tenant, play_id=play.pk, now=NOW).state == Play.State.CANCELLED
        assert not PlayStep.objects.exists()


class TestUndo:
    def test_an_accepted_play_goes_back_to_a_suggestion(self, here, account, row):
        play = accept(here, row)
        back = undo(here, Recommendation.objects.get(), now=NOW + timedelta(seconds=7))
        assert (back.state, back.decided_by, back.decided_at) == (State.SUGGESTED, None, None)
        play.refresh_from_db()
        assert (play.state, play.outcome) == (Play.State.CANCELLED, Play.UNDONE)
        assert verbs(here, account)[-1] == "playbooks.undone"

    def test_it_can_be_accepted_again(self, here, row):
        first = accept(here, row)
        again = accept(here, undo(here, Recommendation.objects.get()))
        assert again.pk != first.pk
        assert again.state == Play.State.STARTING

    def test_once_started_it_is_too_late(self, here, row):
        services.start_play(here.tenant, play_id=accept(here, row).pk, now=NOW + timedelta(seconds=10))
        with pytest.raises(Refused, match="has started"):
            undo(here, Recommendation.objects.get(), now=NOW + timedelta(seconds=9))

    def test_sent_twice_it_is_one_event(self, here, account, row):
        accept(here, row)
        stood = Recommendation.objects.get()
        assert undo(here, stood, version=2) == undo(here, stood, version=2)
        assert verbs(here, account).count("playbooks.undone") == 1

    def test_a_dismissal_comes_back_while_undo_is_shown_and_not_later(self, here, row):
        done = dismiss(here, row)
        with pytest.raises(Refused, match="is over"):
            undo(here, done, now=NOW + timedelta(seconds=8 + 121))
        back = undo(here, done, now=NOW + timedelta(seconds=8))
        assert (back.state, back.reason) == (State.SUGGESTED, "")

    def test_a_snooze_comes_back_awake(self, here, row):
        back = undo(here, snooze(here, row))
        assert (back.state, back.snoozed_until, back.snoozed_health) == (State.SUGGESTED, None, None)

    def test_an_answer_on_a_sleeping_row_taken_back_lets_it_sleep_on(self, here, row):
        asleep = snooze(here, row)
        back = undo(here, dismiss(here, asleep))
        assert (back.state, back.snoozed_until) == (State.SNOOZED, TODAY + timedelta(days=7))

    def test_nothing_was_answered(self, here, row):
        with pytest.raises(Refused, match="no answer"):
            undo(here, row)

    def test_a_newer_suggestion_stands_in_the_way(self, here, account, row):
        done = dismiss(here, row)
        assert suggest(here, account, low("satisfaction.ticket_spike")).pk != row.pk
        with pytest.raises(Refused, match="newer suggestion"):
            undo(here, done)


class TestSnooze:
    def test_it_remembers_day_reason_and_health(self, here, account, row):
        health_row(here, account, health="41.50")
        asleep = snooze(here, row)
        assert (asleep.state, asleep.snoozed_until, asleep.reason) == (
            State.SNOOZED, TODAY + timedelta(days=7), "waiting",
        )  # fmt: skip
        assert str(asleep.snoozed_health) == "41.50"

    @pytest.mark.parametrize("days", [-1, 0, 91])
    def test_the_day_lies_between_tomorrow_and_ninety_days(self, here, row, days):
        with pytest.raises(BadInput) as caught:
            snooze(here, row, until=TODAY + timedelta(days=days))
        assert caught.value.field == "until"

    def test_ninety_days_are_allowed(self, here, row):
        assert snooze(here, row, until=TODAY + timedelta(days=90)).state == State.SNOOZED

    def test_today_is_the_tenants_day(self, here, row):
        here.tenant.time_zone = "Pacific/Auckland"  # there it is already the next day
        with pytest.raises(BadInput):
            snooze(here, row, until=TODAY + timedelta(days=1), now=NOW.replace(hour=20))

    def test_a_reason_is_needed(self, here, row):
        with pytest.raises(BadInput):
            snooze(here, row, reason="because")

    def test_sent_twice_is_one(self, here, account, row):
        snooze(here, row)
        snooze(here, row, version=1)
        assert verbs(here, account).count("playbooks.snoozed") == 1


class TestDismiss:
    def test_reason_and_note_are_kept(self, here, account, row):
        done = dismiss(here, row, reason="handled", comment="  Called them yesterday ")
        assert (done.state, done.reason, done.comment) == (
            State.DISMISSED,
            "handled",
            "Called them yesterday",
        )
        assert last_event(here, "playbooks.dismissed").diff["after"]["reason"] == "handled"
        assert open_of(here, account) is None

    def test_doubt_about_data_is_told_with_what_was_shown(self, here, row):
        dismiss(here, row, reason="data_wrong", comment="They moved to the new tracker")
        event = last_event(here, "playbooks.data_doubted")
        assert event.diff["after"]["comment"] == "They moved to the new tracker"
        assert event.diff["after"]["cause"][0]["key"] == "usage.trend_30d"

    def test_no_reason_no_dismissal(self, here, row):
        with pytest.raises(BadInput):
            dismiss(here, row, reason="")
        assert Recommendation.objects.get().state == State.SUGGESTED


class TestBulk:
    def test_each_row_answers_for_itself(self, here):
        plain = suggest(here, here.add_account("Plain"))
        strategic = suggest(here, here.add_account("Strategic", strategic=True))
        foreign = suggest(here, here.add_account("Foreign", owner="csm2"))
        changed = suggest(here, here.add_account("Changed"))
        dismiss(here, changed)
        results = services.bulk_accept(
            here.tenant,
            rows=[(row.pk, 1) for row in (plain, strategic, foreign, changed)] + [(999_999, 1)],
            by=here.actor("csm"),
            now=NOW,
        )
        told = {result.recommendation_id: (result.ok, result.message) for result in results}
        assert told[plain.pk] == (True, "")
        assert told[strategic.pk] == (False, "Strategic account: decide it by itself.")
        assert told[foreign.pk][0] is told[999_999][0] is told[changed.pk][0] is False
        assert told[foreign.pk] == told[999_999], "a hidden row reads like an absent one"
        assert [play.account.name for play in Play.objects.all()] == ["Plain"]

    def test_strategic_accounts_can_be_snoozed_and_dismissed_together(self, here):
        one, two = (suggest(here, here.add_account(name, strategic=True)) for name in ("One", "Two"))
        asleep = services.bulk_snooze(
            here.tenant, rows=[(one.pk, 1)], until=TODAY + timedelta(days=3), reason="away",
            by=here.actor("csm"), now=NOW,
        )  # fmt: skip
        gone = services.bulk_dismiss(
            here.tenant, rows=[(two.pk, 1)], reason="handled", by=here.actor("csm"), now=NOW
        )
        assert [result.ok for result in asleep + gone] == [True, True]

    def test_without_the_right_every_row_is_refused(self, here):
        row = suggest(here, here.add_account())
        (result,) = services.bulk_accept(here.tenant, rows=[(row.pk, 1)], by=here.actor("auditor"), now=NOW)
        assert not result.ok
        assert "does not include this" in result.message


class TestPromises:
    def test_one_open_suggestion_an_account(self, here, row):
        with pytest.raises(IntegrityError, match="recommendation_one_open_an_account"), transaction.atomic():
            Recommendation.objects.create(
                tenant=here.tenant, account=row.account, playbook=row.playbook, cause=[]
            )

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"state": "snoozed"}, "recommendation_snooze_has_an_end"),
            ({"state": "dismissed", "decided_at": NOW}, "recommendation_dismissal_has_a_reason"),
            ({"state": "accepted"}, "recommendation_decision_has_a_time"),
        ],
    )
    def test_a_decision_is_whole(self, here, row, change, name):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Recommendation.objects.filter(pk=row.pk).update(**change)

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"state": "completed", "outcome": "saved"}, "play_closed_fields_agree"),
            ({"closed_at": NOW}, "play_closed_fields_agree"),
            ({"state": "completed", "closed_at": NOW}, "play_completed_has_an_outcome"),
        ],
    )
    def test_a_closed_play_is_whole(self, here, row, change, name):
        play = accept(here, row)
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Play.objects.filter(pk=play.pk).update(**change)

    def test_one_open_play_of_a_playbook_on_an_account(self, here, row):
        play = accept(here, row)
        with pytest.raises(IntegrityError, match="play_one_open_a_playbook"), transaction.atomic():
            Play.objects.create(
                tenant=here.tenant, account=play.account, playbook=play.playbook, starts_at=NOW
            )
