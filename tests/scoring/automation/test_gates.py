"""Gates counted on days that are over, and what stands beside them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from scoring import queries as scores
from scoring.automation import earned, queries, rounds, services
from scoring.automation.models import DriftCheck, ModelGate
from scoring.learning import registry, watching
from scoring.learning.registry import ModelRefused
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChurnModel, ScoreRun
from scoring.people.models import Notice
from tenants.access import SYSTEM
from tests.scoring.automation.made import (
    DAY,
    all_leave,
    checked,
    customers,
    leaves,
    scored,
    version,
    watched_weekly,
)

pytestmark = pytest.mark.django_db

FIRST = date(2026, 6, 1)


def gates(world, model):
    with world.here():
        run = scores.newest_run(world.tenant) or ScoreRun(tenant=world.tenant, summary={})
    run.as_of = DAY
    rows = rounds.check_gates(world.tenant, model, run=run)
    return {row.key: row for row in rows}


def calibrated(world, model, *, count=40, leavers=20, is_shadow=False, first=FIRST):
    """Half of the accounts had a chance of .9 on the first day and nearly all of them left; the others .05."""
    accounts = customers(world, count)
    high = count // 2
    p = [0.95 if at < high else 0.02 for at in range(count)]
    scored(world, model, day=first, accounts=accounts, p=p, is_shadow=is_shadow)
    watched_weekly(world, model, first=first, last=DAY, is_shadow=is_shadow)
    scored(world, model, day=DAY, accounts=accounts, p=p, is_shadow=is_shadow)
    all_leave(world, accounts[:leavers], first + timedelta(days=20))
    leaves(world, world.add_account("Left today"), DAY - timedelta(days=1))  # outcomes are known until now
    return accounts


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (date(2026, 2, 1), date(2026, 5, 1), 3.0),
        (date(2026, 6, 15), date(2026, 9, 14), 2.97),
        (date(2025, 12, 1), date(2026, 1, 16), 1.5),
    ],
)
def test_months_are_those_of_the_calendar(first, last, months):
    assert watching.months_between(first, last) == pytest.approx(months, abs=0.005)


def test_a_version_just_put_into_shadow_has_shown_nothing(acme):
    model = version(acme, state="shadow")
    scored(acme, model, day=DAY, is_shadow=True)
    found = gates(acme, model)
    assert found["months_in_shadow"].found == 0
    assert found["months_in_shadow"].words == (
        "Watched without acting by itself: 0 months, at least 3 months needed."
    )
    assert (found["calibration"].found, found["calibration"].passed) == (None, False)
    assert found["freshness"].passed
    assert found["own_chance"].passed is None
    assert "not enough closed windows yet" in found["own_chance"].words


@pytest.mark.parametrize(("low", "passed"), [(0.01, True), (0.0, False), (-0.02, False), (None, False)])
def test_skill_is_a_gate_of_automation_and_names_its_figure(acme, low, passed):
    model = version(acme)
    scored(acme, model, day=DAY)
    with acme.here():
        model.report["horizons"]["90"]["all"]["brier_skill"] |= {"low": low}
        model.save(update_fields=["report"])
    row = gates(acme, model)["skill"]
    assert (row.found, row.passed, row.needed) == (low, passed, "above 0")
    found = "not known yet" if low is None else f"{low:.4g}"
    assert row.words == (
        f"Brier skill against the base rate in its back-test, lower end of its interval: {found}, above 0 needed."
    )


def test_what_was_said_in_the_shadow_is_measured_when_its_windows_are_over(acme):
    model = version(acme, state="shadow")
    calibrated(acme, model, is_shadow=True)
    found = gates(acme, model)
    assert found["months_in_shadow"].found == 4.0
    assert (found["closed_windows"].found, found["closed_windows"].passed) == (1, True)
    assert (found["leavers"].found, found["leavers"].passed) == (20, True)
    assert (found["precision"].found, found["precision"].passed) == (1.0, True)  # all 20 flagged ones left
    assert found["precision"].details["threshold"] == 0.5
    # said .95 where all left, .02 where nobody did: gaps of .05 and .02 weigh alike
    assert found["calibration"].found == pytest.approx(0.035, abs=1e-9)
    assert not found["calibration"].passed
    assert "3.5 %, at most 3 % needed" in found["calibration"].words
    assert found["own_chance"].details == {"cut": 0.7, "left": 20, "caught": 20, "flagged": 20}


def test_months_scored_in_one_afternoon_are_no_months_watched(acme):
    model = version(acme, state="shadow")
    for back in range(182, -1, -7):
        scored(acme, model, day=DAY - timedelta(days=back), is_shadow=True, on=DAY)
    row = gates(acme, model)["months_in_shadow"]
    assert (row.found, row.passed) == (0, False)
    assert row.details["note"].startswith("Scored on 1 day, since 2026-10-01.")


@pytest.mark.parametrize(
    ("days", "months"),
    [
        (range(0, 93, 7), 2.97),  # 1 July to 30 September
        (range(0, 93, 10), 2.93),  # to 29 September
        ([0, 92], 0),  # two scorings are no three months
        ([0, 7, 14, 85, 92], 0.7),  # what lies in a gap was not watched: 14 and 7 days
    ],
)
def test_a_gap_between_scorings_is_not_watched(acme, days, months):
    model = version(acme, state="shadow")
    for days_on in days:
        scored(acme, model, day=date(2026, 7, 1) + timedelta(days=days_on), is_shadow=True)
    assert gates(acme, model)["months_in_shadow"].found == pytest.approx(months, abs=0.005)


def test_a_day_scored_again_later_was_said_when_it_was_scored_first(acme):
    model = version(acme, state="shadow")
    for days in range(0, 28, 7):
        scored(acme, model, day=DAY - timedelta(days=days), is_shadow=True)
        scored(acme, model, day=DAY - timedelta(days=days), is_shadow=True, on=DAY + timedelta(days=300))
    assert gates(acme, model)["months_in_shadow"].found == pytest.approx(0.7)


def test_windows_scored_in_one_afternoon_have_shown_nothing(acme):
    """Neither for automation nor in a failed back-test's place: the outcomes were known when it spoke."""
    model = version(acme, state="shadow", passed=False)
    accounts = customers(acme, 40)
    p = [0.95] * 20 + [0.02] * 20
    for back in (190, 160, 130, 100):
        day = DAY - timedelta(days=back)
        scored(acme, model, day=day, accounts=accounts, p=p, is_shadow=True, on=DAY)
    all_leave(acme, accounts[:20], DAY - timedelta(days=60))
    leaves(acme, acme.add_account("Left today"), DAY - timedelta(days=1))
    scored(acme, model, day=DAY, is_shadow=True)
    found = gates(acme, model)
    assert [found[key].found for key in ("closed_windows", "leavers", "calibration", "precision")] == [
        0,
        0,
        None,
        None,
    ]
    with pytest.raises(ModelRefused, match="12, at least 20 needed"):
        ask(acme, model, "advisory")


def test_a_day_counts_as_it_was_said_first(acme):
    """A scoring of the same day with what came in late tells another story, and nobody saw it in time."""
    model = version(acme, state="shadow")
    accounts = calibrated(acme, model, is_shadow=True)
    knowing = [1.0 if at < 20 else 0.0 for at in range(len(accounts))]
    for on in (FIRST + timedelta(days=1), DAY):
        scored(acme, model, day=FIRST, accounts=accounts, p=knowing, is_shadow=True, on=on)
    assert gates(acme, model)["calibration"].found == pytest.approx(0.035, abs=1e-9)


@pytest.mark.parametrize(
    ("flagged", "known"),
    [(1, False), (9, False), (10, True)],
)
def test_a_precision_of_a_few_flags_is_not_known(acme, flagged, known):
    model = version(acme, state="shadow")
    accounts = customers(acme, 40)
    scored(
        acme, model, day=FIRST, accounts=accounts, p=[0.9] * flagged + [0.1] * (40 - flagged), is_shadow=True
    )
    all_leave(acme, accounts[:20], FIRST + timedelta(days=20))
    leaves(acme, acme.add_account("Left today"), DAY - timedelta(days=1))
    scored(acme, model, day=DAY, is_shadow=True)
    row = gates(acme, model)["precision"]
    assert (row.found, row.passed) == ((1.0, True) if known else (None, False))
    if not known:
        assert row.words.endswith(
            f"not known yet, at least 80 % needed. {flagged} flags at {flagged} accounts: known from 10 at 5 on."
        )


def test_flags_of_few_accounts_are_no_precision_either(acme):
    model = version(acme, state="shadow")
    accounts = customers(acme, 40)
    for days in (0, 30, 60):  # four accounts, three times: all of them left
        p = [0.9] * 4 + [0.1] * 36
        day = FIRST - timedelta(days=60 - days)
        scored(acme, model, day=day, accounts=accounts, p=p, is_shadow=True)
    all_leave(acme, accounts[:4], FIRST + timedelta(days=20))
    leaves(acme, acme.add_account("Left today"), DAY - timedelta(days=1))
    scored(acme, model, day=DAY, is_shadow=True)
    row = gates(acme, model)["precision"]
    assert (row.found, row.passed) == (None, False)
    assert "12 flags at 4 accounts" in row.words


def looked_at(world, model, *rows, remark=""):
    """A look at drift that found these rows, and what the gate makes of it."""
    with world.here():
        DriftCheck.objects.create(
            tenant=world.tenant, model=model, as_of=DAY, figures=list(rows), tripped=False, remark=remark
        )
    return gates(world, model)["drift"]


def row_of(key, value=0.0, **kept):
    return {"key": key, "value": value, "limit": 0.25, "tripped": False, "watch": False, "words": ""} | kept


INPUT, SCORE = row_of("psi.business.overdue_days"), row_of("score")
QUIET = [row_of("observed_expected", 1.0), row_of("slope", 1.0)]


@pytest.mark.parametrize(
    "rows",
    [[], [SCORE, *QUIET], [INPUT, *QUIET], [INPUT, row_of("score", None), *QUIET]],
    ids=["nothing", "no inputs", "no chances", "no chance had a value"],
)
def test_where_drift_could_not_be_looked_at_its_gate_is_not_met(acme, rows):
    model = version(acme)
    scored(acme, model, day=DAY)
    row = looked_at(acme, model, *rows, remark="Inputs were not checked: this version kept no sample.")
    assert (row.found, row.passed) == (None, False)
    assert "not known yet" in row.words
    assert "kept no sample" in row.words


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        (QUIET, ""),
        ([row_of("observed_expected", 1.0), row_of("slope", None)], "the features' slope"),
        ([], "who left against who was expected to and the features' slope"),
    ],
)
def test_a_quiet_look_meets_its_gate_and_names_what_was_not_judged(acme, outcomes, words):
    model = version(acme)
    scored(acme, model, day=DAY)
    row = looked_at(acme, model, INPUT, SCORE, *outcomes)
    assert (row.found, row.passed) == (0, True)
    assert row.words.endswith(f"Too little was seen to judge {words}." if words else "at most 0 needed.")


def test_what_is_beyond_its_limit_is_counted_also_before_it_trips(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    row = looked_at(acme, model, INPUT | {"beyond": True}, SCORE, *QUIET)
    assert (row.found, row.passed) == (1, False)


def test_an_open_window_tells_nothing(acme):
    model = version(acme, state="shadow")
    calibrated(acme, model, is_shadow=True, first=DAY - timedelta(days=80))
    found = gates(acme, model)
    assert (found["closed_windows"].found, found["leavers"].found) == (0, 0)
    assert found["precision"].found is None


def test_a_version_in_force_carries_on_what_its_kind_has_shown(acme):
    old = version(acme, state="advisory")
    calibrated(acme, old)
    new = version(acme, state="advisory", as_of=date(2026, 9, 1))
    other = gates(acme, new)
    assert other["months_in_shadow"].found == 4.0
    assert other["leavers"].found == 20
    with acme.here():
        ChurnModel.objects.filter(pk=old.pk).update(
            is_usable=False
        )  # rolled back: it proves nothing any more
    assert gates(acme, new)["leavers"].found == 0


def test_a_day_checked_again_keeps_one_row_a_gate(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    gates(acme, model)
    first = len(gates(acme, model))
    with acme.here():
        assert ModelGate.objects.for_tenant(acme.tenant).count() == first


def ask(world, model, key, *, why="It has shown enough.", row_version=None):
    with world.here():
        model.refresh_from_db()
        asked = model.row_version if row_version is None else row_version
        return services.take_step(
            world.tenant, model_id=model.pk, key=key, row_version=asked, why=why, by=world.actor("ops_admin")
        )


def run_job(world, job):
    with world.here():
        return rounds.change_model(world.tenant, lambda *done: None, **job.args)


WATCHED = "Watched without acting by itself: 1.2 months, at least 3 months needed."


def test_j18_automatic_is_refused_with_the_figure_that_fails_and_allowed_later(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    checked(acme, model, failing=("months_in_shadow", "leavers"), words=WATCHED)
    with pytest.raises(ModelRefused, match=r"7 of 9 gates met.*1\.2 months, at least 3 months needed"):
        ask(acme, model, "automatic")
    checked(acme, model)
    answer = run_job(acme, ask(acme, model, "automatic"))
    assert answer["state"] == "automatic"
    with acme.here():
        assert ChurnModel.objects.get(pk=model.pk).state == "automatic"


def test_automatic_needs_gates_of_the_newest_scoring_and_fresh_sources(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    checked(acme, model)
    scored(acme, model, day=DAY + timedelta(days=1), late=["usage"])
    with pytest.raises(ModelRefused, match="2026-10-02 was scored since"):
        ask(acme, model, "automatic")
    checked(acme, model)
    with pytest.raises(ModelRefused, match="Product usage: late"):
        ask(acme, model, "automatic")


def test_the_job_checks_anew_and_answers_with_the_refusal(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    checked(acme, model)
    job = ask(acme, model, "automatic")
    checked(acme, model, failing=("calibration",))
    answer = run_job(acme, job)
    assert answer["refused"]
    assert "8 of 9 gates met" in answer["message"]


def test_gates_held_against_other_limits_or_an_older_scoring_allow_nothing(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    checked(acme, model)
    with acme.here():
        assert services.refusal(acme.tenant, model, services.STEPS["automatic"]) == ""
        ChanceSettings.objects.create(tenant=acme.tenant, precision_wanted=Decimal("0.9"))
    with pytest.raises(ModelRefused, match="what they ask for was changed"):
        ask(acme, model, "automatic")
    checked(acme, model)
    scored(acme, model, day=DAY)  # the same day again
    with pytest.raises(ModelRefused, match="it was scored again"):
        ask(acme, model, "automatic")


def test_the_check_keeps_what_it_held_the_gates_against(acme):
    """So that whoever acts, or promotes, finds the rows of a real check to be those of now."""
    model = version(acme)
    run = scored(acme, model, day=DAY)
    gates(acme, model)
    with acme.here():
        found = queries.gates_of(acme.tenant, [model.pk])[model.pk]
        settings = chance_settings(acme.tenant)
        assert earned.is_of_now(run, found, settings)
        settings.least_leavers = 40
        assert not earned.is_of_now(run, found, settings)
        run.pk += 1
        assert not earned.is_of_now(run, found, chance_settings(acme.tenant))


def test_an_acting_version_is_checked_again_when_gates_are_behind_and_admins_hear_of_it_once(acme):
    model = version(acme, state="automatic")
    scored(acme, model, day=DAY)
    checked(acme, model)

    def told():
        with acme.here():
            rows = Notice.objects.for_tenant(acme.tenant).filter(kind="gates_failed")
            return [(row.user_id, row.text) for row in rows]

    with acme.here():
        assert not earned.are_gates_behind(acme.tenant)
    scored(acme, model, day=DAY + timedelta(days=1))
    with acme.here():
        assert earned.are_gates_behind(acme.tenant)
    rounds.watch(acme.tenant, lambda *done: None)
    with acme.here():
        assert not earned.are_gates_behind(acme.tenant)
        assert registry.live(acme.tenant).state == "automatic"
    [(user, text)] = told()
    assert user == acme.ops_admin.user_id
    assert text.startswith("churn v1 starts nothing by itself any more")
    assert "0.03 months, at least 3 months needed" in text
    assert text.endswith("needed. And 4 more.")
    rounds.watch(acme.tenant, lambda *done: None)
    assert len(told()) == 1
    with acme.here():  # an advisory version has nothing to wait for
        registry.take_back(acme.tenant, by=SYSTEM, why="a test")
        ModelGate.objects.for_tenant(acme.tenant).delete()
        assert not earned.are_gates_behind(acme.tenant)


def test_a_day_that_is_scored_during_the_check_leaves_the_gates_behind(acme, monkeypatch):
    model = version(acme, state="automatic")
    run = scored(acme, model, day=DAY)
    counted = watching.watched

    def slowly(*args, **kwargs):
        scored(acme, model, day=DAY + timedelta(days=1))
        return counted(*args, **kwargs)

    with monkeypatch.context() as during:
        during.setattr(watching, "watched", slowly)
        rounds.watch(acme.tenant, lambda *done: None)
    with acme.here():
        [kept] = queries.gates_of(acme.tenant, [model.pk]).values()
        assert {row.details["run"] for row in kept.rows} == {run.pk}
        assert earned.are_gates_behind(acme.tenant)
    rounds.watch(acme.tenant, lambda *done: None)
    with acme.here():
        assert not earned.are_gates_behind(acme.tenant)
        rows = ModelGate.objects.for_tenant(acme.tenant)
        rows.filter(as_of=DAY).delete()
        rows.update(as_of=DAY)  # as an older release has left them
        assert earned.are_gates_behind(acme.tenant)


def test_where_nothing_acts_by_itself_the_question_costs_one_statement(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    with acme.here(), CaptureQueriesContext(connection) as captured:
        assert not earned.are_gates_behind(acme.tenant)
    [asked] = captured
    assert "report" not in asked["sql"]
    with acme.here():
        ChurnModel.objects.filter(pk=model.pk).update(state="automatic")
    with acme.here(), CaptureQueriesContext(connection) as captured:
        assert earned.are_gates_behind(acme.tenant)
    assert not any('"report"' in each["sql"] or '"summary"' in each["sql"] for each in captured)


def test_gates_are_read_of_the_newest_day_alone(acme):
    model = version(acme)
    for days in range(3):
        scored(acme, model, day=DAY + timedelta(days=days))
        checked(acme, model)
    with acme.here(), CaptureQueriesContext(connection) as captured:
        found = queries.gates_of(acme.tenant, [model.pk])[model.pk]
    assert found.as_of == DAY + timedelta(days=2)
    with connection.cursor() as cursor, acme.here():
        assert cursor.execute(captured[0]["sql"]).rowcount == len(found.rows)


def test_a_step_asked_for_twice_is_taken_once(acme):
    model = version(acme, state="draft")
    with acme.here():
        asked = model.row_version
    ask(acme, model, "shadow", row_version=asked)
    ask(acme, model, "shadow", row_version=asked)
    with acme.here():
        model.refresh_from_db()
        assert (model.state, model.row_version) == ("shadow", asked + 1)
    with pytest.raises(ModelRefused, match="meanwhile"):
        ask(acme, model, "advisory", row_version=asked)


def test_a_step_needs_a_reason(acme):
    with pytest.raises(ModelRefused, match="Say why"):
        ask(acme, version(acme, state="draft"), "shadow", why="  ")


def test_a_leak_and_a_failed_back_test_refuse_to_be_shown(acme):
    with pytest.raises(ModelRefused, match="12, at least 20 needed"):
        ask(acme, version(acme, state="draft", passed=False), "advisory")
    leaking = version(acme, state="draft", leaks=["It knows the end of the contract."])
    with pytest.raises(ModelRefused, match="It knows the end"):
        ask(acme, leaking, "advisory")


def test_every_way_through_the_states(acme):
    model = version(acme, state="draft")
    ask(acme, model, "shadow")
    assert run_job(acme, ask(acme, model, "advisory"))["state"] == "advisory"
    newer = version(acme, as_of=date(2026, 9, 1), state="draft")
    assert run_job(acme, ask(acme, newer, "advisory"))["state"] == "advisory"
    with acme.here():
        model.refresh_from_db()
        assert model.state == "retired"
    assert run_job(acme, ask(acme, model, "roll_back"))["state"] == "advisory"
    ask(acme, model, "take_back")
    with acme.here():
        model.refresh_from_db()
        assert model.state == "shadow"
    ask(acme, model, "retire")
    with acme.here():
        model.refresh_from_db()
        assert (model.state, model.is_usable) == ("retired", False)
        assert services.steps_for(model) == []


def test_taken_back_to_the_shadow_by_a_person_it_leaves_the_lists_at_once(acme):
    model = version(acme, state="automatic")
    scored(acme, model, day=DAY)

    def asked_for():
        with acme.here():
            return [
                job.args["as_of"] for job in Job.objects.for_tenant(acme.tenant).filter(kind="scoring.score")
            ]

    ask(acme, model, "take_back")
    assert asked_for() == []  # advisory now: the same chances
    ask(acme, model, "take_back")
    assert asked_for() == [str(DAY)]


def test_a_wanted_precision_moves_the_threshold(acme):
    from scoring.automation import report

    model = version(acme)
    assert report.threshold_of(model, wanted=0.5) == 0.2
    assert report.threshold_of(model, wanted=0.95) == 0.5  # not reached: the trained one stays
    assert report.threshold_of(model, wanted=0.35) == 0.2  # not counted: the next share above holds it, too
    marked = {row.wanted: (row.is_wanted, row.stands_in) for row in report.choices(model.report, wanted=0.35)}
    assert marked == {0.5: (False, True), 0.8: (False, False), 0.95: (False, False)}
    assert [row.is_wanted for row in report.choices(model.report, wanted=0.8)] == [False, True, False]
    assert not any(row.stands_in for row in report.choices(model.report, wanted=0.8))
