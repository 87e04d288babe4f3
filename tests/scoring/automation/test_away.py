"""A source stops for most customers, for all, for half a year: found on evidence by real scorings, and kept until it is
back. One that is sparse by nature, and a workspace that grows or shrinks, alarm nobody."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, Activity, Contact, Invoice, Survey, Ticket, UsageDay
from audit import consumers
from audit.models import AuditEvent
from jobs.models import Job
from playbooks import tasks
from playbooks.models import Recommendation
from scoring import affected, locks, pipeline, queries
from scoring.automation import holds, notices
from scoring.automation.models import PausedAutomation
from scoring.models import ScoreRun
from tests.playbooks.makers import low
from tests.playbooks.test_triggers import health_changed
from tests.scoring.automation.made import all_leave, customers
from tests.scoring.evidence import score
from tests.scoring.test_jobs import connection_parameters

pytestmark = pytest.mark.django_db
STOP = date(2026, 2, 2)  # the first day without rows
_number = count(1)


def day(after):
    return STOP + timedelta(days=after)


def used(world, accounts, first, last):
    """A row of usage for each of them on each day from `first` to `last`, in days after STOP."""
    with world.here():
        with connection.cursor() as cursor:
            for month in {day(each).replace(day=1) for each in range(first, last + 1)}:
                cursor.execute("SELECT ensure_partition('accounts_usage_day', %s)", [month])
        UsageDay.objects.bulk_create(
            UsageDay(
                tenant=world.tenant, account=account, day=day(each), active_users=9, core_events=90, extra={},
                source="test", recorded_at=timezone.now(),
            )
            for account in accounts
            for each in range(first, last + 1)
        )  # fmt: skip


def held(world, after):
    """What a scoring of that day held automation for; those who ask afterwards hear the same."""
    run = score(world, day(after))
    found = [(each["source"], each["kind"]) for each in run.summary["held"]]
    with world.here():
        assert [(each.source, each.kind) for each in holds.reasons(world.tenant)] == found
    return found


@pytest.fixture
def tracked(acme):
    """Twenty customers, used daily until STOP and scored twice."""
    accounts = customers(acme, 20)
    used(acme, accounts, -60, -1)
    assert held(acme, -7) == []
    assert held(acme, 0) == []
    return accounts


def test_a_source_that_stops_for_most_customers_holds_until_they_are_back(acme, tracked):
    """Twelve of twenty stop. Half a year is no habit, and some of them back are not all."""
    used(acme, tracked[:8], 0, 201)
    assert held(acme, 7) == []  # nobody can know yet
    for after in (16, 30, 60, 120, 200):
        assert held(acme, after) == [("usage", "shifted")]
    used(acme, tracked[8:12], 195, 201)
    assert held(acme, 201) == [("usage", "shifted")]
    used(acme, tracked, 202, 203)
    assert held(acme, 204) == []
    assert held(acme, 211) == []


def test_the_words_tell_how_many_had_it_and_since_when(acme, tracked):
    used(acme, tracked[:8], 0, 30)
    for after in (16, 30):
        [found] = score(acme, day(after)).summary["held"]
        assert (
            found["words"] == "Product usage: of 20 customers that had it before 2026-02-18, 8 have it now."
        )


def test_a_source_that_stops_for_everybody_is_late_then_empty_and_goes_on_once(acme, tracked):
    with acme.here():
        consumers.consume_now(acme.tenant, tasks.TRIGGERS)
    assert held(acme, 16) == [("usage", "late")]
    with acme.here():
        health_changed(acme, tracked[0], low())
        consumers.consume_now(acme.tenant, tasks.TRIGGERS)
        waiting = PausedAutomation.objects.for_tenant(acme.tenant).filter(ended_at=None)
        assert waiting.filter(account=tracked[0]).count() == 1
    assert held(acme, 100) == [("usage", "late")]
    for after in (182, 200, 240):
        assert held(acme, after) == [
            ("usage", "empty")
        ]  # no row in 180 days: still no source that was never there
        assert resume(acme) == 0
    assert affected_by(acme) == ({("usage", "empty")}, 20)
    used(acme, tracked[:5], 240, 245)
    assert held(acme, 246) == [("usage", "shifted")]
    assert resume(acme) == 0
    used(acme, tracked, 246, 250)
    assert held(acme, 251) == []
    assert resume(acme) >= 1
    assert resume(acme) == 0
    with acme.here():
        assert not waiting.exists()
        opened = Recommendation.objects.for_tenant(acme.tenant).filter(account=tracked[0])
        assert opened.count() <= 1
        ended = PausedAutomation.objects.for_tenant(acme.tenant).filter(account=tracked[0])
        assert [row.ended for row in ended] == ["resumed"]


def affected_by(world):
    """What the frame names, and how many accounts the list behind it has."""
    with world.here():
        run = notices.told_with(world.tenant, queries.finished_runs(world.tenant)).order_by("-as_of", "-pk")[
            0
        ]
        wrong = affected.troubles(run)
        page = affected.accounts(world.tenant, world.executive, run, wrong)
        return {(each.source, each.kind) for each in wrong}, page.total


def resume(world):
    with world.here():
        return tasks.resume_held(world.tenant, lambda done: None)["resumed"]


def test_what_was_late_before_anybody_looked_does_not_become_untracked_by_staying_away(acme):
    accounts = customers(acme, 20)
    used(acme, accounts, -60, -1)
    assert held(acme, 30) == [("usage", "late")]
    assert held(acme, 200) == [("usage", "empty")]
    used(acme, accounts[:1], 200, 200)  # nobody knows how many it was: any row ends it
    assert held(acme, 201) == []


def test_the_same_day_again_finds_nothing_new(acme, tracked):
    used(acme, tracked[:8], 0, 30)
    first, again = (score(acme, day(16)) for _ in range(2))
    assert again.is_unchanged
    assert again.summary["held"] == first.summary["held"] != []
    assert again.summary["sources"] == first.summary["sources"]


def test_a_person_may_say_that_it_stays_so_and_it_is_missed_anew_from_there(acme, tracked, client):
    used(acme, tracked[:8], 0, 60)
    assert held(acme, 16) == [("usage", "shifted")]
    with acme.here():
        run = queries.newest_run(acme.tenant)
    address, stale = (acme.url(f"models/sources/{pk}/usage/") for pk in (run.pk, run.pk - 1))
    client.force_login(acme.ops_admin.user)
    assert f'href="{address}"' in client.get(acme.url("models/paused/")).text
    assert "20 customers had it, 8 have it now" in client.get(address).text
    why = {"why": "They left the product."}
    assert client.post(address, {"why": " "}).status_code == 422
    assert client.post(stale, why).status_code == 404  # it was there then
    assert client.post(address, why).status_code == 303
    assert client.post(address, why).status_code == 404
    with acme.here():
        assert holds.reasons(acme.tenant) == []
        told = AuditEvent.objects.get(tenant=acme.tenant, verb="scoring.source_accepted")
        jobs = Job.objects.for_tenant(acme.tenant).filter(kind="scoring.score")
        assert [job.args["as_of"] for job in jobs] == [str(day(16))]
    assert told.diff["after"]["why"] == "They left the product."
    for after in (16, 17, 30, 61):
        assert held(acme, after) == []
    assert held(acme, 80) == [("usage", "late")]
    used(acme, tracked[:2], 80, 90)
    assert held(acme, 91) == [("usage", "shifted")]
    used(acme, tracked[:8], 91, 92)
    assert held(acme, 93) == []  # of twenty it would still be too few
    client.force_login(acme.manager.user)
    assert client.get(address).status_code == 403


def test_a_persons_word_waits_for_a_scoring_that_is_under_way(acme, tracked, client, test_server):
    """It has read already what is said of the sources, and its run is the newest when it ends."""
    used(acme, tracked[:8], 0, 60)
    held(acme, 16)
    with acme.here():
        run = queries.newest_run(acme.tenant)
    address, why = acme.url(f"models/sources/{run.pk}/usage/"), {"why": "They left the product."}
    client.force_login(acme.ops_admin.user)
    key = locks.scoring_key(acme.tenant)
    with psycopg.connect(**connection_parameters()) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", key)
        refused = client.post(address, why)
        assert (refused.status_code, "Scores are being computed" in refused.text) == (422, True)
        assert why["why"] in refused.text
        other.execute("SELECT pg_advisory_unlock(%s, %s)", key)
    assert held(acme, 16) == [("usage", "shifted")]
    with acme.here():
        run = queries.newest_run(acme.tenant)
    assert client.post(acme.url(f"models/sources/{run.pk}/usage/"), why).status_code == 303
    with acme.here():
        assert holds.reasons(acme.tenant) == []


def test_who_asks_reads_no_earlier_scoring(acme, tracked):
    with acme.here(), CaptureQueriesContext(connection) as captured:
        holds.reasons(acme.tenant)
    assert len(captured) <= 4
    with CaptureQueriesContext(connection) as captured:
        score(acme, day(16))
    assert len([each for each in captured if "ROW_NUMBER" in each["sql"]]) == 1  # of all sources and weeks


def test_a_workspace_that_loses_most_of_its_customers_has_lost_no_source(acme):
    accounts = customers(acme, 30)
    used(acme, accounts, -60, 20)
    assert held(acme, 0) == []
    all_leave(acme, accounts[:18], day(10))
    assert held(acme, 20) == []
    used(acme, accounts[18:22], 21, 40)  # of the twelve that are left eight stop
    assert held(acme, 40) == [("usage", "shifted")]


def test_a_workspace_that_grows_by_customers_who_have_no_usage_yet_has_lost_no_source(acme):
    accounts = customers(acme, 12)
    used(acme, accounts, -60, 20)
    assert held(acme, 0) == []
    with acme.here():
        Account.objects.bulk_create(
            Account(tenant=acme.tenant, name=f"New {n}", external_id=f"N-{n}", customer_since=day(5))
            for n in range(40)
        )
    assert held(acme, 20) == []
    used(acme, accounts[:4], 21, 40)
    assert held(acme, 40) == [("usage", "shifted")]


# --- what the release before has left ---


def as_before(world, *, held=(), **counts):
    """The newest run as a scoring left it that counted the customers of a source whatever the age of their rows."""
    with world.here():
        run = queries.newest_run(world.tenant)
        for key, each in run.summary["sources"].items():
            del each["fresh"]
            each.pop("away", None)
            each["accounts"] = counts.get(key, each["accounts"])
        run.summary["held"] = [{"source": key, "kind": kind, "words": words} for key, kind, words in held]
        run.save(update_fields=["summary"])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("shifted", "Product usage: of 20 customers that had it, 8 have it now."),
        ("empty", "Product usage: empty, while 20 customers had it before."),
    ],
)
def test_what_the_rule_before_held_is_held_on_until_it_is_back(acme, kind, words):
    accounts = customers(acme, 20)
    used(acme, accounts[:8], 0, 40)
    assert held(acme, 0) == []
    as_before(acme, held=[("usage", kind, words)])
    for after in (1, 8, 15):
        assert held(acme, after) == [("usage", "shifted")]
    used(acme, accounts, 41, 42)
    assert held(acme, 43) == []
    assert held(acme, 50) == []


def test_a_shift_by_drift_of_the_release_before_is_no_source_that_is_away(acme, tracked):
    drifted = "Product usage: shifted when it was checked on 2026-01-30. Of 20 customers that had it, 8."
    as_before(acme, held=[("usage", "shifted", drifted)])
    used(acme, tracked, 0, 9)
    assert held(acme, 8) == []


def test_a_source_without_a_limit_has_a_past_from_before_its_level_was_kept(acme):
    accounts = customers(acme, 20)
    with acme.here():
        Contact.objects.bulk_create(
            Contact(
                tenant=acme.tenant,
                account=account,
                external_id=f"P-{account.pk}",
                name="Ann",
                joined_at=moment(-90),
            )
            for account in accounts
        )
    for after in (-14, -7, 0):
        assert held(acme, after) == []
        as_before(acme)
    with acme.here():
        Contact.objects.for_tenant(acme.tenant).filter(account__in=accounts[4:]).delete()
    assert held(acme, 7) == [("contacts", "shifted")]


def moment(after):
    return datetime.combine(day(after), datetime.min.time(), UTC)


# --- sparse by nature ------------------------------------------------------------------------------


WEEKS = 26
SPARSE = ("activities", "tickets", "surveys", "invoices")


def sparse(world, accounts, *, seed, weeks, gone=0):
    """Two years of what customers send now and then: each of them by chance, at a pace of its own.

    Tickets one in 150 days in the middle, meetings one in 20, a survey a year, an invoice a quarter; two weeks of
    holidays with a fifth of everything. Of the first `gone` customers nothing comes after STOP.
    """
    rng = np.random.default_rng(seed)
    made = {Activity: [], Ticket: [], Survey: [], Invoice: []}
    for place, account in enumerate(accounts):
        for table, key, pace, values in (
            (Activity, "activities", 20, lambda at: {"occurred_at": at, "kind": "meeting"}),
            (Ticket, "tickets", 150, lambda at: {"opened_at": at}),
            (Survey, "surveys", 365, lambda at: {"responded_at": at, "kind": "nps", "score": 8}),
            (
                Invoice, "invoices", 91,
                lambda at: {"issued_at": at, "due_at": at, "amount": 100, "currency": "USD"},
            ),
        ):  # fmt: skip
            own = pace * float(rng.lognormal(0, 0.6)) if key != "invoices" else pace
            at = -730 + own * float(rng.random())
            while at < 7 * weeks:
                if not (at >= 0 and place < gone) and (not 40 <= at < 54 or rng.random() < 0.2):
                    moment = datetime.combine(day(0), datetime.min.time(), UTC) + timedelta(days=at)
                    made[table].append(
                        table(
                            tenant=world.tenant,
                            account=account,
                            external_id=f"S-{next(_number)}",
                            **values(moment),
                        )
                    )
                at += own if key == "invoices" else float(rng.exponential(own))
    with world.here():
        for table, rows in made.items():
            table.objects.bulk_create(rows, batch_size=2000)


def looked(world, after):
    """What a scoring of that day finds of each source and keeps, without saving anybody's scores."""
    from scoring.automation import levels

    scored = pipeline.evaluate(world.tenant, as_of=day(after))
    with world.here():
        found = levels.marked(world.tenant, day=scored.day, customers=len(scored), found=scored.sources())
        ScoreRun.objects.create(
            tenant=world.tenant, as_of=scored.day, policy_versions={}, fingerprint="f", accounts=len(scored),
            summary={"sources": found},
        )  # fmt: skip
        return {each.source for each in holds.reasons(world.tenant)}, found


def test_what_is_sparse_by_nature_alarms_nobody_in_half_a_year(acme):
    sparse(acme, customers(acme, 40), seed=11, weeks=WEEKS)
    counts = {key: [] for key in SPARSE}
    for week in range(WEEKS):
        reasons, found = looked(acme, 7 * week)
        assert reasons == set()
        for key in SPARSE:
            counts[key].append(found[key]["fresh"])
    assert min(counts["tickets"]) < 0.5 * max(counts["tickets"])  # a plain half would have cried


def test_what_is_sparse_by_nature_is_missed_all_the_same_when_it_stops(acme):
    """For three fifths of the customers."""
    sparse(acme, customers(acme, 40), seed=11, weeks=18, gone=24)
    for before in (-70, -35, 0):
        assert looked(acme, before)[0] == set()
    assert looked(acme, 31)[0] == {"activities"}
    assert looked(acme, 121)[0] == {"activities", "invoices"}
