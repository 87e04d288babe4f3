"""Two at the same moment, with real commits: one play, one start or one undo, one open suggestion."""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from playbooks import services
from playbooks.exceptions import Refused, StaleRow
from playbooks.models import Cue, Play, PlayStep, Recommendation, Task
from playbooks.services import cues, renewals
from scoring.queries import newest_run
from tenants.scoping import tenant_transaction
from tests.playbooks.makers import NOW, health_row, low, running_play, signal, suggest, verbs
from tests.playbooks.test_holding import DAY, scored
from tests.scoring import models_by_hand
from tests.worlds import make_world

ROUNDS = 8


@pytest.fixture
def world(committed_db, django_db_blocker):
    with django_db_blocker.unblock():
        with transaction.atomic():
            made = make_world("acme")
        yield made


def inside(world, call):
    """The call in a transaction of its own, as a request or a job has it."""

    def run():
        with tenant_transaction(world.tenant.pk):
            return call()

    return run


def at_once(*calls):
    """Run the calls in threads that start together; their results or exceptions, in order."""
    gate, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number, call):
        try:
            gate.wait(timeout=20)
            found[number] = call()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return found


def made(world, name, make):
    with transaction.atomic():
        account = world.add_account(name)
    with tenant_transaction(world.tenant.pk):
        return account, make(account)


def accepting(world, row, role):
    return inside(
        world,
        lambda: services.accept(
            world.tenant, recommendation_id=row.pk, version=1, by=world.actor(role), now=NOW
        ),
    )


def count(world, model, **about):
    with tenant_transaction(world.tenant.pk):
        return model.objects.filter(**about).count()


def test_the_same_click_twice_is_one_play(world):
    for number in range(ROUNDS):
        account, row = made(world, f"Twice {number}", lambda account: suggest(world, account))
        one, two = at_once(accepting(world, row, "csm"), accepting(world, row, "csm"))
        assert one == two
        assert count(world, Play, account=account) == 1


def test_two_people_one_wins_and_the_other_is_told(world):
    for number in range(ROUNDS):
        account, row = made(world, f"Two {number}", lambda account: suggest(world, account))
        found = at_once(accepting(world, row, "csm"), accepting(world, row, "manager"))
        assert sorted(type(each).__name__ for each in found) == ["Play", "StaleRow"]
        assert count(world, Play, account=account) == 1


def test_undo_and_start_never_both_happen(world):
    outcomes = set()
    for number in range(ROUNDS):
        _, row = made(world, f"Undo {number}", lambda account: suggest(world, account))
        play = accepting(world, row, "csm")()
        undone, started = at_once(
            inside(
                world,
                lambda row=row: services.undo(
                    world.tenant, recommendation_id=row.pk, version=2, by=world.actor("csm"), now=NOW
                ),
            ),
            inside(world, lambda play=play: services.start_play(world.tenant, play_id=play.pk, now=NOW)),
        )
        with tenant_transaction(world.tenant.pk):
            play, row = Play.objects.get(pk=play.pk), Recommendation.objects.get(pk=row.pk)
        if isinstance(undone, Refused):
            assert (play.state, row.state) == ("in_progress", "accepted")
            assert count(world, PlayStep, play=play) == 5
        else:
            assert (play.state, row.state) == ("cancelled", "suggested")
            assert count(world, PlayStep, play=play) == 0
        assert not isinstance(started, Exception)
        outcomes.add(play.state)
    assert outcomes <= {"in_progress", "cancelled"}


def test_starting_twice_writes_the_steps_once(world):
    _, row = made(world, "Start", lambda account: suggest(world, account))
    play = accepting(world, row, "csm")()
    start = inside(world, lambda: services.start_play(world.tenant, play_id=play.pk, now=NOW))
    assert not [each for each in at_once(start, start, start) if isinstance(each, Exception)]
    assert count(world, PlayStep, play=play) == 5


def test_a_trigger_and_an_undo_leave_one_open_suggestion(world):
    for number in range(ROUNDS):
        account, row = made(world, f"Trigger {number}", lambda account: suggest(world, account))
        dismiss = inside(
            world,
            lambda row=row: services.dismiss(
                world.tenant,
                recommendation_id=row.pk,
                version=1,
                reason="handled",
                by=world.actor("csm"),
                now=NOW,
            ),
        )
        dismiss()
        undone, _ = at_once(
            inside(
                world,
                lambda row=row: services.undo(
                    world.tenant, recommendation_id=row.pk, version=2, by=world.actor("csm"), now=NOW
                ),
            ),
            inside(
                world,
                lambda account=account: services.suggest(
                    world.tenant, signals=[signal(account, low("satisfaction.ticket_spike"))], now=NOW
                ),
            ),
        )
        assert count(world, Recommendation, account=account, state__in=Recommendation.OPEN) == 1
        assert not isinstance(undone, Exception) or isinstance(undone, Refused), undone


def test_a_task_ticked_twice_is_told_once(world):
    account, play = made(world, "Tick", lambda account: running_play(world, account))
    with tenant_transaction(world.tenant.pk):
        task = Task.objects.filter(step__play=play).earliest("pk")
    tick = inside(
        world,
        lambda: services.complete_task(
            world.tenant, task_id=task.pk, version=1, by=world.actor("csm"), now=NOW
        ),
    )
    found = at_once(tick, tick)
    assert not [each for each in found if isinstance(each, StaleRow)]
    with tenant_transaction(world.tenant.pk):
        assert verbs(world, account).count("playbooks.task_done") == 1


def doubtful_term(world):
    """An account whose term has a low chance to be renewed, so that a flag waits for its turn; the account."""
    with transaction.atomic():
        model = models_by_hand.register(world, models_by_hand.by_hand())
        account = world.add_account("Doubtful")
    with tenant_transaction(world.tenant.pk):
        scored(world)
        health_row(
            world, account, as_of=DAY, renewal=DAY + timedelta(days=170), band="watch", p90=Decimal("0.25"),
            p_renew=Decimal("0.62"), model_id=model.pk,
        )  # fmt: skip
        renewals.look_at(world.tenant, run=newest_run(world.tenant), now=NOW)
    return account


def waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
        )
        return cursor.fetchone()[0] > 0


def test_a_turn_that_is_given_while_terms_are_looked_at_waits(world, monkeypatch):
    """Between what the one reads and writes, the other has given its flag, or waits until it is written."""
    account = doubtful_term(world)
    given = []
    turn = inside(world, lambda: given.append(cues.give_turns(world.tenant, now=NOW)))

    def run():
        try:
            turn()
        finally:
            connection.close()

    other = threading.Thread(target=run)
    tell = renewals._Look.tell

    def told_late(look):
        other.start()
        until = time.monotonic() + 30
        while other.is_alive() and not waits_for_a_lock() and time.monotonic() < until:
            time.sleep(0.01)
        return tell(look)

    monkeypatch.setattr(renewals._Look, "tell", told_late)
    inside(world, lambda: renewals.look_at(world.tenant, run=newest_run(world.tenant), now=NOW))()
    other.join(timeout=60)
    assert given == [1]
    assert count(world, Cue, account=account, state="given") == 1
    assert count(world, Cue, account=account, state="waiting") == 0
    assert count(world, Recommendation, account=account) == 1
