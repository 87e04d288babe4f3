"""`train` and `backtest` as scripts call them, and as jobs: exit codes, figures, going on, stopping."""

import csv
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Activity, Outcome, Ticket
from jobs import services as jobs
from jobs.models import Job
from jobs.registry import kinds, schedules
from jobs.runner import Cancelled, run_now
from scoring import tasks
from scoring.learning import landmarks
from scoring.learning import tasks as learning
from scoring.models import ChurnModel
from scoring.sentiment.models import TextReading
from tests.scoring.evidence import DAY, add, ago, rich

pytestmark = pytest.mark.django_db


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    return refusal.value


@pytest.fixture(autouse=True)
def shelves(tmp_path, monkeypatch):
    """Shelves of each test's own: forgetting old ones must not throw away what another process reads into."""
    monkeypatch.setattr(landmarks, "shelves", lambda: tmp_path / "learning")


@pytest.fixture
def history(acme):
    """One account with ten months of evidence: past days there are, leavers hardly."""
    account = rich(acme)
    add(acme, account, Activity, kind="call", occurred_at=ago(300))
    add(acme, account, Outcome, kind="renewed", effective_at=ago(190))
    return acme


@pytest.mark.parametrize("command", ["train", "backtest"])
def test_wrong_usage_exits_2(acme, tmp_path, command):
    rich(acme)
    assert refused(command, "--tenant", "nobody").returncode == 2
    missing = refused(command, "--tenant", "acme", "--json", str(tmp_path / "no" / "x.json"))
    assert missing.returncode == 2
    assert "no folder" in str(missing)


@pytest.mark.parametrize("day", ["01.10.2026", "2026-02-30", "1066-10-14", "2199-01-01"])
def test_a_day_that_is_none_exits_2(acme, day):
    rich(acme)
    assert refused("train", "--tenant", "acme", "--as-of", day).returncode == 2


@pytest.mark.parametrize("command", ["train", "backtest"])
def test_no_evidence_exits_1(acme, command):
    refusal = refused(command, "--tenant", "acme")
    assert refusal.returncode == 1
    assert "no evidence" in str(refusal)


@pytest.mark.parametrize("command", ["train", "backtest"])
def test_too_little_exits_1_and_says_what_there_is(history, tmp_path, command):
    path = tmp_path / "report.json"
    refusal = refused(command, "--tenant", "acme", "--json", str(path))
    assert refusal.returncode == 1
    assert "0 accounts were seen to leave on 6 past days (1 accounts), and 20 are needed" in str(refusal)
    report = json.loads(path.read_text())
    assert report["refused"] == str(refusal)
    assert report["leavers"]["seen"] == 0
    assert report["landmarks"]["count"] == 6
    with history.here():
        assert not ChurnModel.objects.for_tenant(history.tenant).exists()


def test_texts_are_read_before_past_days_are(acme):
    """Or a base that was never scored would be learnt without the mood of what its customers wrote."""
    add(acme, rich(acme), Ticket, opened_at=ago(9), subject="The export is broken and useless")
    landmarks.gather(acme.tenant, as_of=DAY, said=lambda *_: None)
    with acme.here():
        assert TextReading.objects.for_tenant(acme.tenant).count() == 1


def test_past_days_close_their_windows_at_the_end_of_what_is_known(history):
    with history.here():
        found = landmarks.plan(history.tenant, as_of=DAY)
    assert found.until == DAY
    assert found.days == tuple(DAY - timedelta(days=30 * back) for back in range(6, 0, -1))


def test_a_day_far_beyond_the_evidence_closes_no_window_after_it(history):
    """Nobody is taken to have stayed in a time of which nothing is known."""
    with history.here():
        found = landmarks.plan(history.tenant, as_of=DAY + timedelta(days=20))
    assert found.until == DAY


def test_a_job_goes_on_where_the_last_one_stopped_and_reads_nothing_twice(history):
    with history.here():
        first = jobs.enqueue(history.tenant, kind=tasks.TRAIN, args={"as_of": str(DAY), "read_for": 0.0})
        job, written, ran = run_now(first.pk), {}, 1
        while "goes_on_in" in (job.result or {}):
            shelf = landmarks.Shelf(history.tenant, learning._key(history.tenant, first.pk))
            files = {path.name: path.stat().st_mtime_ns for path in shelf.folder.iterdir()}
            assert len(files) == ran
            assert written.items() <= files.items()
            written = files
            job, ran = run_now(job.result["goes_on_in"]), ran + 1
    assert ran == 6
    assert (job.state, job.result["refused"]) == ("done", True)
    assert "Not yet calibrated" in job.result["message"]
    assert not shelf.folder.exists()


def test_a_landmark_comes_back_from_its_shelf_as_it_was(history):
    shelf = landmarks.Shelf(history.tenant, "test")
    day = DAY - timedelta(days=30)
    stack = landmarks.read(history.tenant, day=day)
    shelf.put(day, stack)
    again = shelf.take(day)
    shelf.clear()
    assert day not in shelf
    for name in landmarks.PER_ROW:
        assert getattr(again, name).tobytes() == getattr(stack, name).tobytes(), name


def test_a_stopped_job_leaves_no_files(history):
    class Stopped:
        job_id = 4711

        def __call__(self, done, total=None, message=""):
            if done == 2:
                raise Cancelled("stopped")

    shelf = landmarks.Shelf(history.tenant, "stopped")
    with pytest.raises(Cancelled):
        learning.run(history.tenant, Stopped(), kind=tasks.TRAIN, as_of=DAY, key="stopped")
    assert not shelf.folder.exists()


def test_what_a_dead_job_left_is_thrown_away_later(history):
    shelf = landmarks.Shelf(history.tenant, "dead")
    shelf.put(DAY, landmarks.read(history.tenant, day=DAY))
    written = shelf.folder.stat().st_mtime
    landmarks.forget_old_shelves(now=written + 3600)
    assert DAY in shelf
    landmarks.forget_old_shelves(now=written + 3 * 86_400)
    assert DAY not in shelf


def test_an_empty_workspace_is_no_failure(acme):
    with acme.here():
        job = run_now(jobs.enqueue(acme.tenant, kind=tasks.BACKTEST).pk)
    assert (job.state, job.result["refused"]) == (Job.State.DONE, True)


def test_it_learns_every_month_at_night_once_somebody_left(acme):
    monthly = schedules["scoring.monthly"]
    assert (monthly.kind, monthly.every) == (tasks.TRAIN, timedelta(days=30))
    assert kinds[tasks.TRAIN].mode == kinds[tasks.BACKTEST].mode == "stepwise"
    with acme.here():
        assert not monthly.when(acme.tenant)


def test_of_four_leavers_no_chance_is_learnt_scored_or_exported(acme, tmp_path):
    """The whole way of the world in which four customers ever left (DECISIONS 24)."""
    size = ("--accounts", "60", "--days", "330", "--seed", "3", "--end", "2026-09-30")
    run("simulate_bundle", str(tmp_path / "b"), "--world", "four_churns", *size)
    run("import_bundle", str(tmp_path / "b"), "--tenant", "acme")
    refusal = refused("train", "--tenant", "acme", "--json", str(tmp_path / "report.json"))
    assert refusal.returncode == 1
    told = json.loads((tmp_path / "report.json").read_text())
    assert 0 < told["leavers"]["seen"] <= 4
    assert (told["ladder"], told["refused"]) == ("none", str(refusal))
    with acme.here():
        assert not ChurnModel.objects.filter(tenant=acme.tenant).exists()
    run("export_scores", "--tenant", "acme", "--output", str(tmp_path / "scores.csv"))
    rows = list(csv.DictReader((tmp_path / "scores.csv").open(newline="")))
    assert len(rows) > 40
    assert {row[f"p_churn_{days}"] for row in rows for days in (30, 60, 90)} == {""}
    assert {row["model_version"] for row in rows} == {""}
