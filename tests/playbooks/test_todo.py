"""Tasks and steps: ticked off, taken back, added, left out; and the end of a play."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from playbooks import services
from playbooks.exceptions import BadInput, Missing, Refused, StaleRow
from playbooks.models import Play, PlayStep, Task
from tests.playbooks.makers import NOW, TODAY, ask, concession_step, last_event, running_play, steps, verbs

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(acme):
    with acme.here():
        yield acme


@pytest.fixture
def account(here):
    return here.add_account()


@pytest.fixture
def play(here, account):
    return running_play(here, account)


@pytest.fixture
def task(play):
    return Task.objects.select_related("step").order_by("due_date").first()


def complete(world, task, *, role="csm", version=None):
    return services.complete_task(
        world.tenant, task_id=task.pk, version=task.version if version is None else version,
        by=world.actor(role), now=NOW,
    )  # fmt: skip


def reopen(world, task, *, version=None):
    return services.reopen_task(
        world.tenant, task_id=task.pk, version=task.version if version is None else version,
        by=world.actor("csm"), now=NOW,
    )  # fmt: skip


def close(world, play, outcome="saved", *, version=None, role="csm"):
    return services.close_play(
        world.tenant, play_id=play.pk, version=play.version if version is None else version,
        outcome=outcome, by=world.actor(role), comment="They renewed early", now=NOW,
    )  # fmt: skip


class TestComplete:
    def test_task_and_step_are_done_together(self, here, account, play, task):
        done = complete(here, task)
        step = PlayStep.objects.get(pk=task.step_id)
        assert (done.state, step.state, step.done_at) == (Task.State.DONE, PlayStep.State.DONE, NOW)
        assert step.done_by_label == done.done_by_label == "csm acme (CSM)"
        assert verbs(here, account)[-2:] == ["playbooks.task_done", "playbooks.step_done"]
        assert last_event(here, "playbooks.step_done").object_id == str(play.pk)

    def test_sent_twice_it_is_one_event(self, here, account, task):
        complete(here, task)
        complete(here, task, version=1)
        assert verbs(here, account).count("playbooks.task_done") == 1

    def test_stale(self, here, task):
        complete(here, task)
        reopen(here, Task.objects.get(pk=task.pk))
        with pytest.raises(StaleRow):
            complete(here, task, version=1)

    def test_taking_it_back_opens_the_step_again(self, here, task):
        again = reopen(here, complete(here, task))
        step = PlayStep.objects.get(pk=task.step_id)
        assert (again.state, again.done_at, again.done_by_label) == (Task.State.OPEN, None, "")
        assert (step.state, step.done_at, step.done_by_label) == (PlayStep.State.OPEN, None, "")

    def test_what_was_never_done_cannot_be_taken_back(self, here, task):
        with pytest.raises(Refused):
            reopen(here, task)

    @pytest.mark.parametrize(("role", "error"), [("csm2", Missing), ("auditor", PermissionDenied)])
    def test_not_by_everybody(self, here, task, role, error):
        with pytest.raises(error):
            complete(here, task, role=role)

    def test_not_from_the_other_tenant(self, here, task, globex):
        with globex.here(), pytest.raises(Missing):
            complete(globex, task)

    def test_not_after_the_play_ended(self, here, play, task):
        done = complete(here, task)
        close(here, play)
        with pytest.raises(Refused, match="not running"):
            reopen(here, done)


class TestAdd:
    def add(self, world, account, *, title="Send the depot list", days=3, role="csm", form_key=""):
        return services.add_task(
            world.tenant, account_id=account.pk, title=title, due_date=TODAY + timedelta(days=days),
            by=world.actor(role), form_key=form_key, now=NOW,
        )  # fmt: skip

    def test_it_is_for_whoever_adds_it(self, here, account):
        task = self.add(here, account, title="  Send   the depot list ")
        assert (task.title, task.assignee, task.step) == ("Send the depot list", here.csm.user, None)
        assert verbs(here, account) == ["playbooks.task_added"]
        assert complete(here, task).state == Task.State.DONE

    def test_a_form_sent_twice_makes_one(self, here, account):
        assert self.add(here, account, form_key="k1") == self.add(here, account, form_key="k1")
        assert verbs(here, account) == ["playbooks.task_added"]

    def test_a_form_of_another_account_is_refused(self, here, account):
        self.add(here, account, form_key="k1")
        with pytest.raises(BadInput):
            self.add(here, here.add_account("Other"), form_key="k1")

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"title": " "}, "title"), ({"title": "x" * 301}, "title"), ({"days": -1}, "due_date")],
    )
    def test_bad_input_names_its_field(self, here, account, change, field):
        with pytest.raises(BadInput) as caught:
            self.add(here, account, **change)
        assert caught.value.field == field

    def test_only_where_one_may_work(self, here, account):
        with pytest.raises(Missing):
            self.add(here, account, role="csm2")
        with pytest.raises(PermissionDenied):
            self.add(here, account, role="executive")


class TestSkip:
    def skip(self, world, step, *, reason="Not needed here", version=None):
        return services.skip_step(
            world.tenant, step_id=step.pk, version=step.version if version is None else version,
            reason=reason, by=world.actor("csm"), now=NOW,
        )  # fmt: skip

    def test_the_task_goes_with_it(self, here, play):
        first = steps(here, play)[0]
        assert self.skip(here, first).remark == "Not needed here"
        assert Task.objects.get(step=first).state == Task.State.CANCELLED
        assert self.skip(here, first, version=1).version == 2, "sent twice it is done once"

    def test_a_concession_that_is_not_needed(self, here, play):
        assert self.skip(here, concession_step(here, play)).state == PlayStep.State.SKIPPED

    def test_not_without_a_reason_and_not_when_done(self, here, play, task):
        with pytest.raises(BadInput):
            self.skip(here, steps(here, play)[0], reason=" ")
        complete(here, task)
        with pytest.raises(Refused):
            self.skip(here, PlayStep.objects.get(pk=task.step_id))


class TestEnd:
    def test_what_is_undone_leaves_the_lists(self, here, account, play, task):
        complete(here, task)
        ended = close(here, play)
        assert (ended.state, ended.outcome, ended.closed_at) == (Play.State.COMPLETED, "saved", NOW)
        assert [step.state for step in steps(here, play)] == [
            "done",
            "skipped",
            "skipped",
            "skipped",
            "skipped",
        ]
        assert sorted(Task.objects.values_list("state", flat=True)) == ["cancelled"] * 3 + ["done"]
        assert last_event(here, "playbooks.play_closed").diff["after"]["comment"] == "They renewed early"

    def test_sent_twice_it_ends_once(self, here, account, play):
        close(here, play)
        close(here, play, version=2)
        assert verbs(here, account).count("playbooks.play_closed") == 1

    def test_another_outcome_after_the_end_is_stale(self, here, play):
        close(here, play)
        with pytest.raises(StaleRow):
            close(here, play, "lost", version=2)

    @pytest.mark.parametrize("outcome", ["", "won", "undone"])
    def test_only_known_outcomes(self, here, play, outcome):
        with pytest.raises(BadInput):
            close(here, play, outcome)

    def test_not_while_an_approval_waits(self, here, play):
        step = ask(here, concession_step(here, play))
        with pytest.raises(Refused, match=f"{step.approval_ref} still waits"):
            close(here, play)

    def test_stopping_needs_a_reason(self, here, account, play):
        def stop(reason):
            return services.cancel_play(
                here.tenant,
                play_id=play.pk,
                version=play.version,
                reason=reason,
                by=here.actor("csm"),
                now=NOW,
            )

        with pytest.raises(BadInput):
            stop("")
        stopped = stop("The customer was bought")
        assert (stopped.state, stopped.outcome) == (Play.State.CANCELLED, "")
        assert verbs(here, account)[-1] == "playbooks.play_cancelled"

    def test_not_by_somebody_who_only_sees_it(self, here, play):
        with pytest.raises(PermissionDenied):
            close(here, play, role="ops_admin")


class TestPromises:
    @pytest.mark.parametrize("change", [{"state": "done"}, {"done_at": NOW}])
    def test_a_done_task_has_its_time_and_only_a_done_one(self, here, task, change):
        with pytest.raises(IntegrityError, match="task_done_has_a_time"), transaction.atomic():
            Task.objects.filter(pk=task.pk).update(**change)

    def test_one_task_a_form(self, here, account):
        values = {"tenant": here.tenant, "account": account, "title": "x", "due_date": TODAY, "form_key": "k"}
        Task.objects.create(**values)
        with pytest.raises(IntegrityError, match="task_once_a_form"), transaction.atomic():
            Task.objects.create(**values)

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"state": "done"}, "play_step_done_has_a_time"),
            ({"state": "pending_approval"}, "play_step_waiting_has_a_request"),
        ],
    )
    def test_a_step_is_whole(self, here, play, change, name):
        step = steps(here, play)[0]
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            PlayStep.objects.filter(pk=step.pk).update(**change)

    def test_steps_of_a_play_have_places_of_their_own(self, here, play):
        first, second, *_ = steps(here, play)
        with pytest.raises(IntegrityError, match="play_step_position_once"), transaction.atomic():
            PlayStep.objects.filter(pk=second.pk).update(position=first.position)

    def test_a_limit_above_what_events_tell_is_refused(self, here, play):
        with pytest.raises(IntegrityError, match="playbook_limit_within"), transaction.atomic():
            type(play.playbook).objects.update(trigger_score_below=51)
