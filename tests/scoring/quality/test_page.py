"""The job that keeps a day's figures, and the page that reads them."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from audit.models import AuditEvent
from scoring import feedback
from scoring.automation.models import DriftCheck, ModelGate
from scoring.models import ChurnModel, QualityReport, ScoreRun
from scoring.people.models import ReasonFeedback
from scoring.quality import job
from tests.scoring.quality.small_world import DAYS, KNOWN, build, override
from tests.test_query_counts import FRAME, PAGE

pytestmark = pytest.mark.django_db


def silent(*_):
    pass


@pytest.fixture
def world(acme):
    """The small world with overrides: five of the CSM came true, four of another one are too few to tell."""
    accounts = build(acme)
    for n in range(5):
        override(acme, accounts[f"a{n}"])
    for n in range(6, 10):
        override(acme, accounts[f"a{n}"], role="csm2", health=90, model_health=40)
    override(acme, accounts["b3"], day=KNOWN - timedelta(days=10))
    return acme


def page(client, world, query="", role="executive"):
    client.force_login(world.people[role].user)
    return client.get(world.url(f"models/quality/{query}"))


def figures_of(world):
    with world.here():
        return QualityReport.objects.for_tenant(world.tenant).get().figures


def test_before_anything_was_scored_it_says_when_figures_come(client, acme):
    text = page(client, acme).text
    assert "No scores yet" in text
    assert job.work_out(acme.tenant, silent) == {"message": "Nothing was scored yet."}


def test_the_job_reads_what_was_stored_and_writes_over_its_day(client, world):
    job.work_out(world.tenant, silent)
    job.work_out(world.tenant, silent)
    found = figures_of(world)
    january = found["observed"]["horizons"]["90"]["months"][0]
    assert (january["day"], january["n"], january["left"]) == ("2026-01-05", 28, 7)
    assert january["precision"]["events"] == 6
    assert found["lead_time"]["share"]["events"] == 6
    assert found["threshold"] == {"value": 0.3, "from": "churn v1"}
    assert found["first_closes"] == {"30": "2026-02-04", "60": "2026-03-06", "90": "2026-04-05"}
    (author,) = found["overrides"]["authors"]
    assert author["author"] == world.csm.user_id
    assert author["worse"]["expected"] == 2.5
    assert author["worse"]["verdict"] == "knew"
    assert (found["overrides"]["hidden_authors"], found["overrides"]["open"]) == (1, 1)


def test_days_that_were_scored_afterwards_are_left_out_and_counted(client, acme):
    """Of the four days the first two were scored 15 days late; those of February and March in time."""
    build(acme, late=DAYS[:2])
    job.work_out(acme.tenant, silent)
    found = figures_of(acme)
    assert found["afterwards"] == {
        "used": False,
        "days": 2,
        "scored": 3,
    }  # with the newest day, which has no scores
    months = found["observed"]["horizons"]["90"]["months"]
    assert [month["day"] for month in months] == ["2026-02-02", "2026-03-02"]
    assert found["lead_time"]["scorings"] == 2
    text = page(client, acme).text
    assert "Some days were scored afterwards." in text
    assert "They are left out of what was observed; it rests on 3 days." in text


def test_where_nothing_else_has_closed_they_stand_in_and_the_page_says_so(client, acme):
    build(acme, late=DAYS)
    job.work_out(acme.tenant, silent)
    found = figures_of(acme)
    assert found["afterwards"] == {"used": True, "days": 4, "scored": 5}
    assert found["observed"]["horizons"]["90"]["months"][0]["day"] == "2026-01-05"
    assert "it is what would have been said" in page(client, acme).text


def test_what_was_scored_anew_long_after_changes_nothing_that_was_seen(client, acme):
    build(acme)
    job.work_out(acme.tenant, silent)
    before = figures_of(acme)["observed"]
    with acme.here():
        ScoreRun.objects.create(tenant=acme.tenant, as_of=DAYS[0], policy_versions={}, fingerprint="y")  # now
    job.work_out(acme.tenant, silent)
    assert figures_of(acme)["observed"] == before
    assert "scored afterwards" not in page(client, acme).text.lower()


def test_after_a_month_only_the_first_of_a_month_stays(acme):
    with acme.here():
        for day in (date(2026, 3, 1), date(2026, 3, 2), date(2026, 4, 19), date(2026, 5, 20)):
            job.keep(acme.tenant, as_of=day, run_id=1, figures={}, seconds=1.0)
        kept = QualityReport.objects.for_tenant(acme.tenant).order_by("as_of").values_list("as_of", flat=True)
        assert list(kept) == [date(2026, 3, 1), date(2026, 4, 19), date(2026, 5, 20)]


def test_the_page_tells_each_figure_with_its_count_and_targets_as_targets(client, world):
    job.work_out(world.tenant, silent)
    text = page(client, world).text
    assert "Target 80%: what this workspace wants, not what was found" in text
    assert "Target 85%: an aim, not a promise" in text
    assert "12 of 24 flags in closed months" in text
    assert "6 of 7 who could be seen" in text
    assert "open, closes on 31 May 2026" in text
    assert "Said and happened" in text
    assert "as observed 18 of 56 were expected to leave and 14 left" in text
    assert "Too few: 1.6 leavings expected, needs 5; 4 accounts, needs 20." in text
    assert "Knew better than the model" in text
    assert "csm acme" in text
    assert "csm2 acme" not in text
    assert "Gate not passed. Past days: 2, 4 needed." in text
    assert "Chosen: <b>Additive splines</b>" in text
    assert "No drift check was made yet" in text
    assert "because" not in text.lower().replace("missed because", "")


def test_filters_choose_the_diagram_and_nonsense_is_the_default(client, world):
    job.work_out(world.tenant, silent)
    text = page(client, world, "?horizon=30&segment=enterprise&version=1").text
    assert "within 30 days, Enterprise, version 1" in text
    assert "leavings were expected in 12 rows: too few to draw (5)." in text
    assert (
        "within 90 days, All segments, all versions"
        in page(client, world, "?horizon=7&segment=x&version=no").text
    )


def test_while_no_window_is_closed_it_says_when_the_first_one_does(client, acme):
    build(acme)
    with acme.here():
        ScoreRun.objects.filter(as_of=KNOWN).update(as_of=date(2026, 3, 3))
    job.work_out(acme.tenant, silent)
    text = page(client, acme).text
    assert "No window has closed yet" in text
    assert "The first closes on 5 Apr 2026." in text
    assert "reliability-chart" not in text


def test_newer_scores_and_states_show_at_once(client, world):
    job.work_out(world.tenant, silent)
    with world.here():
        model = ChurnModel.objects.for_tenant(world.tenant).get()
        assert not job.is_there_anything_new(world.tenant)
        ScoreRun.objects.create(
            tenant=world.tenant, as_of=KNOWN + timedelta(days=1), policy_versions={}, fingerprint="x"
        )
        assert job.is_there_anything_new(world.tenant)
        rows = [
            {
                "key": "a",
                "value": 0.4,
                "limit": 0.1,
                "tripped": True,
                "watch": True,
                "words": "Scores shifted.",
            },
            {
                "key": "b",
                "value": 0.0,
                "limit": 0.1,
                "tripped": False,
                "watch": False,
                "words": "All is calm.",
            },
        ]
        DriftCheck.objects.create(
            tenant=world.tenant, model=model, as_of=KNOWN, figures=rows, tripped=True, stepped_to="shadow"
        )
        ModelGate.objects.create(
            tenant=world.tenant,
            model=model,
            as_of=KNOWN,
            place=1,
            key="m",
            passed=False,
            words="Months in shadow: 0.",
        )
    text = page(client, world).text
    assert "Scored again since" in text
    assert "the version went back to shadow" in text
    assert "Scores shifted." in text
    assert "All is calm." not in text
    assert "Months in shadow: 0." in text


def drift_row(key, **kept):
    words = f"Figure {key} moved."
    return {"key": key, "value": 0.4, "limit": 0.1, "tripped": False, "watch": True, "words": words} | kept


@pytest.mark.parametrize(
    ("rows", "told", "not_told"),
    [
        (
            [drift_row("a", beyond=True), drift_row("b", beyond=False)],
            "1 figure beyond its limit, not for long",
            "No limit",
        ),
        ([drift_row("a", beyond=False)], "No limit was passed.", "beyond its limit"),
        ([], "Nothing could be checked.", "No limit"),
    ],
)
def test_a_limit_that_was_passed_is_told_before_it_counts(client, world, rows, told, not_told):
    job.work_out(world.tenant, silent)
    with world.here():
        model = ChurnModel.objects.for_tenant(world.tenant).get()
        DriftCheck.objects.create(
            tenant=world.tenant, model=model, as_of=KNOWN, figures=rows, tripped=False, remark="Why."
        )
    text = page(client, world).text
    assert told in text
    assert not_told not in text
    client.force_login(world.people["executive"].user)
    look = client.get(world.url(f"models/{model.pk}/")).text
    assert ("quiet</span>" in look) == (told == "No limit was passed.")


def test_the_kinds_of_leaving_are_told_apart(client, world):
    job.work_out(world.tenant, silent)
    text = page(client, world).text
    section = text[text.index('id="h-kinds"') : text.index('id="h-overrides"')]
    for words in ("Voluntary", "75%", "6 of 8", "Payment failure", "too few for a share"):
        assert words in section, words
    assert "50%" not in section


def test_answers_on_reasons_are_counted_by_reason(client, world):
    job.work_out(world.tenant, silent)
    with world.here():
        account = Account.objects.for_tenant(world.tenant).get(external_id="b1")
        for n, said in enumerate(("helpful", "wrong_fact", "wrong_fact")):
            ReasonFeedback.objects.create(
                tenant=world.tenant, account=account, about="reason", key="usage.trend_30d", said=said,
                author=world.people[("csm", "csm2", "manager")[n]].user, author_label="x",
                withdrawn_at=timezone.now() if n == 2 else None,
            )  # fmt: skip
        found = feedback.counts(world.tenant, timezone.now() - timedelta(days=1))
    assert found == {"usage.trend_30d": {"helpful": 1, "not_helpful": 0, "wrong_fact": 1}}
    assert "Answers by reason" in page(client, world).text


def test_the_whole_page_costs_no_more_statements_than_a_page_may(client, world):
    job.work_out(world.tenant, silent)
    page(client, world)
    with CaptureQueriesContext(connection) as captured:
        client.get(world.url("models/quality/"))
    asked = [each["sql"] for each in captured if not each["sql"].startswith(FRAME)]
    assert len(asked) <= PAGE, "\n".join(asked)


def test_managers_read_of_their_own_team_and_nobody_of_people_within_a_scope(client, world):
    job.work_out(world.tenant, silent)
    with world.here():
        manager, author = world.manager, world.csm
        assert manager.team_id == author.team_id
        assert "csm acme" in page(client, world, role="manager").text
        type(author).objects.filter(pk=author.pk).update(team_id=None)
    assert "csm acme" not in page(client, world, role="manager").text
    assert "csm acme" in page(client, world).text
    type(author).objects.filter(pk=world.executive.pk).update(regions=["DACH"])
    assert "csm acme" not in page(client, world).text


def test_the_other_tenant_reads_nothing_of_it(client, world, globex):
    job.work_out(world.tenant, silent)
    assert "Nothing was worked out yet" not in page(client, world).text
    assert "No scores yet" in page(client, globex).text
    client.force_login(globex.executive.user)
    assert client.get(world.url("models/quality/")).status_code == 404
    with globex.here():
        assert not QualityReport.objects.for_tenant(globex.tenant).exists()


def test_the_export_holds_every_figure_and_is_on_record(client, world):
    job.work_out(world.tenant, silent)
    client.force_login(world.executive.user)
    answer = client.post(reverse("scoring:quality_export", args=[world.tenant.slug]))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    (january,) = [
        row for row in rows if (row["of"], row["figure"], row["horizon"]) == ("2026-01-05", "precision", "90")
    ]
    assert (january["value"], january["events"], january["n"]) == ("0.5", "6", "12")
    (told,) = [
        row for row in rows if (row["of"], row["figure"], row["source"]) == ("csm acme", "left", "worse")
    ]
    assert (told["events"], told["n"]) == ("5", "5")
    assert not [row for row in rows if row["of"] == "csm2 acme"]
    with world.here():
        assert AuditEvent.objects.filter(verb="accounts.exported", object_id="quality").exists()


def test_the_button_makes_one_job_whoever_asks(client, world):
    client.force_login(world.manager.user)
    address = reverse("scoring:quality_run", args=[world.tenant.slug])
    assert client.post(address).url == client.post(address).url
    client.force_login(world.executive.user)
    assert client.post(address).status_code == 403
