"""An empty or shifted source marks what rests on it, as a late one does: the scores, every page's frame, the brief."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Activity
from jobs.models import Job
from scoring import queries
from scoring.automation import holds, rounds
from scoring.automation.models import DriftCheck
from scoring.catalogue import SOURCES
from scoring.models import ScoreRun
from scoring.quality import job as quality
from tests.scoring.automation.made import customers
from tests.scoring.evidence import DAY, add_usage, ago, rich, score
from tests.scoring.models_by_hand import by_hand, curve, register
from tests.test_query_counts import FRAME

pytestmark = pytest.mark.django_db

ACTIVE = "usage.active_users_per_seat"
BEFORE = DAY - timedelta(days=1)


@pytest.fixture
def reading(acme):
    """One account with a chance that rests on usage alone, scored the day before."""
    account = rich(acme)
    register(acme, by_hand(curve(ACTIVE, [0, 1], [1, 0])))
    score(acme, BEFORE)
    return account


def silent(world, source="usage"):
    """39 more customers, whose newest row is just fresh enough on the day before DAY and too old on DAY."""
    others = customers(world, 39)
    last = SOURCES[source].fresh_days + 1
    if source == "usage":
        for other in others:
            add_usage(world, other, first=last + 2, last=last, active_users=9)
    else:
        with world.here():
            Activity.objects.bulk_create(
                Activity(
                    tenant=world.tenant, account=each, external_id=f"A-{each.pk}", kind="meeting", occurred_at=ago(last)
                )
                for each in others
            )  # fmt: skip
    assert score(world, BEFORE).summary["held"] == []


def standing(world, account):
    with world.here():
        return queries.account_health(world.tenant, account_id=account.pk)


def text_of(client, world, path, role="csm"):
    client.force_login(world.people[role].user)
    return " ".join(client.get(world.url(path)).text.split())


def test_a_shifted_source_marks_the_chances_the_frame_and_the_brief(acme, reading, client):
    silent(acme)
    run = score(acme)
    assert standing(acme, reading).chance_flags == ["source_shifted:usage"]
    assert [(each["source"], each["kind"]) for each in run.summary["held"]] == [("usage", "shifted")]
    page = text_of(client, acme, "scores/")
    assert "Product usage shifted</span>" in page
    assert "Automations are paused." in page  # although nothing waits yet
    brief = text_of(client, acme, f"accounts/{reading.pk}/brief/")
    assert "Not ready" in brief
    assert "Product usage: shifted, unlike before" in brief
    assert (
        "40" not in brief[brief.index("Not ready.") : brief.index("Trajectory")]
    )  # counts of the whole workspace
    with acme.here():
        assert [each.key for each in holds.reasons(acme.tenant)] == ["source_shifted:usage"]


def test_an_empty_source_is_no_source_that_was_never_tracked(acme, reading, client):
    score(acme)
    with acme.here():
        run = ScoreRun.objects.filter(tenant=acme.tenant, as_of=DAY).latest("pk")
        assert run.summary["held"] == []
    away = {"fresh": 7, "had": 7, "customers": 9, "since": str(BEFORE)}
    # weighed by the policy, not read by the model
    empty = run.summary["sources"]["surveys"] | {"accounts": 0, "fresh": 0, "late": False, "away": away}
    with acme.here():
        found = holds.of_scoring(acme.tenant, day=DAY, sources=run.summary["sources"] | {"surveys": empty})
    assert [(each.source, each.kind) for each in found] == [("surveys", "empty")]
    with acme.here():
        ScoreRun.objects.filter(pk=run.pk).update(
            summary=run.summary
            | {
                "held": [each.told() for each in found],
                "sources": run.summary["sources"] | {"surveys": empty},
            }
        )
    quality.work_out(acme.tenant, lambda *done: None)
    for path in ("scores/", "models/quality/"):
        page = text_of(client, acme, path, role="executive")
        assert "Surveys empty</span>" in page
        assert "empty now</span>" in page
    assert "Surveys: empty, with customers before" in text_of(client, acme, f"accounts/{reading.pk}/brief/")
    assert standing(acme, reading).chance_flags == []


def test_what_the_chance_does_not_read_puts_no_mark_on_it(acme, reading):
    silent(acme, "activities")
    run = score(acme)
    assert [each["source"] for each in run.summary["held"]] == ["activities"]
    assert standing(acme, reading).chance_flags == []


def shifted(world, *, is_beyond=True):
    row = {"key": f"psi.{ACTIVE}", "tripped": False, "beyond": is_beyond, "watch": True, "words": "It moved."}
    with world.here():
        from scoring.learning import registry

        return DriftCheck.objects.create(
            tenant=world.tenant, model=registry.live(world.tenant), as_of=DAY, figures=[row], tripped=False
        )


def test_inputs_that_drift_found_shifted_are_told_before_and_after_the_next_scoring(acme, reading, client):
    score(acme)
    assert "Product usage shifted" not in text_of(client, acme, "scores/")
    shifted(acme)
    with CaptureQueriesContext(connection) as captured:
        page = " ".join(client.get(acme.url("scores/")).text.split())
    assert "Product usage shifted</span>" in page
    assert "Automations are paused." in page
    assert len([each for each in captured if not each["sql"].startswith(FRAME)]) <= 12
    score(acme)
    assert standing(acme, reading).chance_flags == ["source_shifted:usage"]
    assert text_of(client, acme, "scores/").count("Product usage shifted</span>") == 1


def test_the_bar_names_two_sources_and_counts_more(acme, reading, client):
    with acme.here():
        run = ScoreRun.objects.filter(tenant=acme.tenant, as_of=BEFORE).latest("pk")
        for count, words in (
            (2, ("Product usage empty</span>", "Invoices empty</span>")),
            (3, ("2 more</span>",)),
        ):
            keys = ("usage", "invoices", "surveys")[:count]
            run.summary["held"] = [{"source": key, "kind": "empty", "words": ""} for key in keys]
            run.save(update_fields=["summary"])
            page = text_of(client, acme, "scores/")
            assert all(each in page for each in words)
            assert ("more</span>" in page) == (count > 2)


def test_a_look_within_limits_marks_nothing(acme, reading, client):
    shifted(acme, is_beyond=False)
    score(acme)
    assert standing(acme, reading).chance_flags == []
    assert "paused" not in text_of(client, acme, "scores/")


@pytest.mark.parametrize(("is_beyond", "asked"), [(True, [str(DAY)]), (False, [])])
def test_a_look_that_finds_a_source_shifted_has_the_newest_day_scored_again(
    acme, reading, monkeypatch, is_beyond, asked
):
    from scoring.learning import registry, watching

    score(acme)
    row = {"key": f"psi.{ACTIVE}", "tripped": False, "beyond": is_beyond, "watch": True, "words": "It moved."}
    monkeypatch.setattr(watching, "drift_rows", lambda *args, **kwargs: ([row], ""))
    with acme.here():
        live = registry.live(acme.tenant)
    rounds.look_at_drift(acme.tenant, live, as_of=DAY)
    with acme.here():
        jobs = Job.objects.for_tenant(acme.tenant).filter(kind="scoring.score")
        assert [job.args["as_of"] for job in jobs] == asked
