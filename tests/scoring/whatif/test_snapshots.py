"""Stored snapshots under a draft policy and under other thresholds, and the pages that show the answers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, AccountGroupPerm, AccountUserPerm, Outcome
from audit.models import AuditEvent
from jobs.models import Job
from scoring import policies, policy_queries, queries, services
from scoring.admin import ChanceSettingsAdmin
from scoring.breakdown import LAYOUT, LAYOUTS
from scoring.exceptions import PolicyRefused
from scoring.model_queries import chance_settings
from scoring.models import ChanceSettings, ChanceVersion, ChurnModel, HealthPolicy, PolicyIndicator, ScoreRun
from scoring.whatif import services as whatif
from scoring.whatif.chances import Cut, replay_chances, what_if
from scoring.whatif.cuts import numbers, numbers_of
from scoring.whatif.diffs import diff
from scoring.whatif.policies import replay_policies
from tenants.models import Membership
from tests.scoring.automation.made import version
from tests.worlds import make_world

pytestmark = pytest.mark.django_db

KEY, OTHER = "usage.trend_30d", "engagement.meetings_90d"
DAYS = [date(2026, 1, 1) + timedelta(days=28 * each) for each in range(8)]  # to 16 July
#            1 Jan 29 Jan 26 Feb 26 Mar 23 Apr 21 May 18 Jun 16 Jul
VALUES = {
    "leaves": [90, 30, 30, 30, 30, None, None, None],  # left on 10 May
    "stays": [30, 30, 90, 90, 90, 90, 90, 90],
    "falls": [90, 90, 90, 90, 90, 90, 30, 30],
}
P90 = {"leaves": "0.45", "stays": "0.35", "falls": "0.05"}


def silent(done, total=None, message=""):
    """No progress to show."""


def snapshot(world, account, run, value, p90):
    """One row with one indicator's value, every other one missing."""
    names = LAYOUTS[LAYOUT]
    values = [float(value) if key == KEY else float("nan") for key in names]
    zeros = [0] * len(names)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partition('scoring_health_snapshot', %s)", [run.as_of])
        cursor.execute(
            "INSERT INTO scoring_health_snapshot (tenant_id, account_id, as_of, run_id, recorded_at, health, band,"
            " coverage_pct, reasons, policy_id, policy_version, arr_reporting, p90, p30, p60, p90_low, p90_high,"
            " model_id, logit_base, logit_parts, layout, weights, scores, points, lost, values, why, newest_ago)"
            " VALUES (%s, %s, %s, %s, %s, 50, 'watch', 90, '[]', 1, 'all v1', 1000, %s, 0, 0, 0, 1, 1, 0, '{}', %s,"
            " %s, %s, %s, %s, %s, %s, %s)",
            [world.tenant.pk, account.pk, run.as_of, run.pk, timezone.now(), p90, LAYOUT, zeros, zeros, zeros,
             zeros, values, zeros, zeros],
        )  # fmt: skip


@pytest.fixture
def world(acme):
    """Three accounts of one CSM on eight days; the policy in force looks at nothing but KEY."""
    accounts = {name: acme.add_account(name) for name in VALUES}
    with acme.here():
        services.install_default_policy(acme.tenant)
        published = HealthPolicy.objects.get(state="published", segment="")
        only(published, KEY)
        for at, day in enumerate(DAYS):
            run = ScoreRun.objects.create(tenant=acme.tenant, as_of=day, policy_versions={}, fingerprint="x")
            for name, account in accounts.items():
                if VALUES[name][at] is not None:
                    snapshot(acme, account, run, VALUES[name][at], P90[name])
        Outcome.objects.create(
            tenant=acme.tenant, account=accounts["leaves"], external_id="o", kind="churned",
            effective_at=datetime(2026, 5, 10, 12, tzinfo=UTC),
        )  # fmt: skip
    return acme


def only(policy, key):
    """All weight on one indicator whose value is its points."""
    PolicyIndicator.objects.filter(policy=policy).update(weight=0, enabled=False)
    PolicyIndicator.objects.filter(policy=policy, indicator=key).update(
        weight=100, enabled=True, xs=[0, 100], ys=[0, 100]
    )


def drafted(world, **changes):
    by = world.actor("ops_admin")
    published = queries.published_policies(world.tenant)
    draft = policies.draft_from(world.tenant, policy_id=published[0].pk, by=by)
    HealthPolicy.objects.filter(pk=draft.pk).update(**changes)
    return published, queries.with_rows(world.tenant, HealthPolicy.objects.filter(pk=draft.pk))


def test_a_draft_that_flags_nobody_misses_the_churn_that_the_policy_catches(world):
    with world.here():
        published, draft = drafted(world, at_risk_from=10, watch_from=20)
    found = replay_policies(world.tenant, published=published, proposed=draft, progress=silent)
    before, after = found["before"], found["after"]
    # up on 26 February, 73 days before 10 May
    assert (before["caught"]["events"], before["caught"]["n"], before["lead_median"]) == (1, 1, 73)
    assert (after["caught"]["events"], after["caught"]["n"], after["lead_median"]) == (0, 1, 0)
    # "stays" was up on 29 January and stays; "falls" is up since 16 July, whose 90 days are not over
    assert (before["false"]["events"], before["false"]["n"], before["alerts"]) == (1, 2, 3)
    assert (after["false"]["n"], after["alerts"]) == (0, 0)
    assert before["per_csm_week"] == pytest.approx(3 / 28)
    assert (before["caught_arr"], before["missed_arr"], before["false_arr"]) == (1000, 0, 1000)
    assert (found["gained"], found["missed"], found["left"]) == (0, 1, 1)
    assert [each["name"] for each in found["cleared"]] == ["falls"]
    assert found["newly"] == []


def test_an_indicator_without_values_leaves_health_unknown_and_raises_nothing(world):
    with world.here():
        published, draft = drafted(world)
        only(draft[0], OTHER)
        draft = queries.with_rows(world.tenant, draft)
    found = replay_policies(world.tenant, published=published, proposed=draft, progress=silent)
    assert found["after"]["alerts"] == 0
    assert found["before"]["alerts"] == 3


def test_a_changed_window_is_said_to_be_left_out(world):
    with world.here():
        published, draft = drafted(world)
        row = next(row for row in draft[0].rows if row.indicator == KEY)
        row.window_days = 45
    found = replay_policies(world.tenant, published=published, proposed=draft, progress=silent)
    assert "changed windows are not replayed" in " ".join(found["notes"])
    assert found["before"] == found["after"]


def test_fewer_flags_a_week_lose_alerts_and_miss_churn(world):
    now, proposed = Cut(0.3, 2), Cut(0.4, 1)
    found = replay_chances(world.tenant, now=now, proposed=proposed, progress=silent)
    assert (found["before"]["alerts"], found["after"]["alerts"], found["alerts_lost"]) == (2, 1, 1)
    # "leaves" has .45 from 1 January: up on 29 January, 101 days before; too early to be right within 90
    assert found["after"]["lead_median"] == 101
    assert (found["after"]["false"]["events"], found["before"]["false"]["events"]) == (1, 2)
    higher = replay_chances(world.tenant, now=now, proposed=Cut(0.5, 5), progress=silent)
    assert (higher["after"]["alerts"], higher["missed"]) == (0, 1)


def test_a_difference_names_weights_bands_curves_and_nothing_else(world):
    with world.here():
        published, draft = drafted(world, watch_from=Decimal(55))
        old, new = list(policy_queries.rows_of(world.tenant, published[0])), list(draft[0].rows)
        assert diff(published[0], published[0], old, old).is_empty
        next(row for row in new if row.indicator == KEY).ys = [10, 100]
        found = diff(published[0], HealthPolicy.objects.get(pk=draft[0].pk), old, new)
    assert found.settings == [("Watch from", "60", "55")]
    assert [(what, before, after) for _, what, before, after in found.indicators] == [
        ("Curve", "0: 0, 100: 100", "0: 10, 100: 100")
    ]


def page(world, name, *args):
    return reverse(f"scoring:{name}", args=[world.tenant.slug, *args])


def test_the_pages_show_a_preview_with_its_replay_a_difference_and_chances(client, world):
    client.force_login(world.ops_admin.user)
    with world.here():
        published, draft = drafted(world, watch_from=20, at_risk_from=10)
    found = replay_policies(world.tenant, published=published, proposed=draft, progress=silent)
    with world.here():
        HealthPolicy.objects.filter(pk=draft[0].pk).update(
            preview={
                "as_of": "2026-07-16",
                "accounts": 2,
                "bands": [],
                "moves": [],
                "changed_band": 1,
                "replay": found,
            }
        )
    text = client.get(page(world, "policy", draft[0].pk)).content.decode()
    assert "Churn caught" in text
    assert "1 of 1" in text
    assert "73 → 0 days" in text
    assert 'class="tag t-crit">Missed' in text
    text = client.get(page(world, "policy_diff", draft[0].pk)).content.decode()
    assert "60 → 20" in text
    assert client.get(page(world, "policy_diff", draft[0].pk) + "?with=x").status_code == 404
    assert "Replay 12 months" in client.get(page(world, "whatif_chances")).content.decode()


def test_numbers_are_published_after_their_replay_and_once(client, world):
    client.force_login(world.ops_admin.user)
    refused = client.post(page(world, "whatif_try"), {"high_from": "0.7", "flags_per_csm_week": 2})
    assert refused.status_code == 422
    assert "must begin between" in refused.content.decode()
    job, address = replayed(client, world, high_from="0.4", flags=1)
    text = client.get(address).content.decode()
    assert "1 alert fewer than now" in text
    publish = page(world, "whatif_publish", job.pk)
    refused = client.post(publish, {"why": " "})
    assert (refused.status_code, "Say why" in refused.content.decode()) == (409, True)
    with world.here():
        assert numbers_of(chance_settings(world.tenant)) == numbers_of(ChanceSettings())
    for _ in range(2):
        assert client.post(publish, {"why": "Fewer alarms"}).status_code == 303
    with world.here():
        row = ChanceSettings.objects.get()
        assert (row.high_from, row.flags_per_csm_week) == (Decimal("0.400"), 1)
        first, second = ChanceVersion.objects.order_by("version")
        assert (first.state, first.high_from) == ("retired", Decimal("0.300"))
        assert (second.state, numbers_of(second), second.note) == (
            "published",
            numbers_of(row),
            "Fewer alarms",
        )
        assert second.published_by_label == world.actor("ops_admin").label
        assert (second.preview_job_id, "leavers" in second.preview) == (job.pk, False)
        with pytest.raises(PolicyRefused, match="changed since"):
            whatif.publish(
                world.tenant, cuts=numbers(cuts(high_from="0.2")), beside=numbers(cuts()), why="x", replay={},
                model_id=0, job_id=1, by=world.actor("ops_admin"),
            )  # fmt: skip
        event = AuditEvent.objects.get(verb="scoring.chance_settings_published")
    assert event.diff["before"] == {
        "in_force": "Chance settings v1", "high_from": "0.300", "flags_per_csm_week": 5
    }  # fmt: skip
    assert event.diff["after"]["why"] == "Fewer alarms"
    assert event.diff["after"]["high_from"] == "0.400"


def cuts(**changed):
    return {name: str(value) for name, value in numbers_of(ChanceSettings()).items()} | changed


def test_a_version_of_the_chance_settings_is_compared_and_rolled_back(client, world):
    client.force_login(world.ops_admin.user)
    assert "Chance settings v1" in client.get(page(world, "whatif_chances")).content.decode()
    first, second = published(client, world)
    text = " ".join(client.get(page(world, "whatif_diff", second.pk)).content.decode().split())
    assert "<dt>High from</dt><dd>30% → 40%</dd>" in text
    assert "<dt>New flags per CSM and week</dt><dd>5 → 1</dd>" in text
    assert "Margin of a level" not in text
    assert f"{second.published_by_label}. Fewer alarms" in text
    assert client.get(page(world, "whatif_diff", second.pk) + "?with=x").status_code == 404
    text = client.get(page(world, "whatif_chances")).content.decode()
    assert "Fewer alarms" in text
    assert f"Roll back to {first}" in text
    assert f"Roll back to {second}" not in text
    by_then = first.published_at, first.published_by_label
    for _ in range(2):
        assert client.post(page(world, "whatif_rollback", first.pk), BACK).status_code == 303
    with world.here():
        assert numbers_of(ChanceSettings.objects.get()) == numbers_of(first)
        assert [each.state for each in ChanceVersion.objects.order_by("version")] == ["published", "retired"]
        event = AuditEvent.objects.get(verb="scoring.chance_settings_rolled_back")
        assert event.diff["after"] == {
            "in_force": "Chance settings v1", "high_from": "0.300", "flags_per_csm_week": 5, "why": "Too quiet"
        }  # fmt: skip
        first.refresh_from_db()
        assert (first.published_at, first.published_by_label) == by_then, "of its first publication"
    text = " ".join(client.get(page(world, "whatif_chances")).content.decode().split())
    assert (
        f"In force again {timezone.localtime(event.at):%-d %b %Y, %H:%M}, {event.actor_label}: Too quiet"
        in text
    )
    client.force_login(world.manager.user)
    assert "Fewer alarms" in client.get(page(world, "whatif_chances")).content.decode()
    assert client.get(page(world, "whatif_diff", second.pk)).status_code == 200
    assert client.post(page(world, "whatif_rollback", second.pk)).status_code == 403


def published(client, world, *, high_from="0.4"):
    """(the version that was in force, the one that is)."""
    job, _ = replayed(client, world, high_from=high_from, flags=1)
    client.post(page(world, "whatif_publish", job.pk), {"why": "Fewer alarms"})
    with world.here():
        return list(ChanceVersion.objects.order_by("version"))


def test_with_chances_to_level_the_newest_day_is_scored_again_at_once(client, world):
    client.force_login(world.ops_admin.user)

    def asked_for():
        with world.here():
            return [job.args["as_of"] for job in Job.objects.filter(kind="scoring.score")]

    first, _ = published(client, world)
    assert asked_for() == []  # no version of the model: nobody has a chance
    version(world)
    client.post(page(world, "whatif_rollback", first.pk), BACK)
    assert asked_for() == [str(DAYS[-1])]


BACK = {"why": "Too quiet", "in_force": "2"}  # what the page shows in force


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"why": " ", "in_force": "2"}, "Say why"),
        ({"why": "Too <b>quiet</b>", "in_force": "1"}, "Chance settings v2 is in force by now"),
        ({"why": "Too <b>quiet</b>"}, "Chance settings v2 is in force by now"),
        ({"why": "Too <b>quiet</b>", "in_force": "²"}, "Chance settings v2 is in force by now"),
    ],
)
def test_rolling_back_asks_why_and_what_was_seen_in_force(client, world, given, words):
    client.force_login(world.ops_admin.user)
    first, second = published(client, world)
    refused = client.post(page(world, "whatif_rollback", first.pk), given)
    text = refused.content.decode()
    assert (refused.status_code, words in text) == (409, True)
    assert text.count('value="Too &lt;b&gt;quiet&lt;/b&gt;"') == (1 if given["why"].strip() else 0)
    assert 'name="in_force" value="2"' in text
    with world.here():
        second.refresh_from_db()
        assert second.state == "published"


def test_a_refused_publication_keeps_the_typed_reason(client, world):
    client.force_login(world.ops_admin.user)
    job, _ = replayed(client, world, high_from="0.4", flags=1)
    published(client, world, high_from="0.5")
    refused = client.post(page(world, "whatif_publish", job.pk), {"why": "Fewer alarms still"})
    text = refused.content.decode()
    assert (refused.status_code, "changed since this replay" in text) == (409, True)
    assert 'value="Fewer alarms still"' in text
    assert "A field left empty means: as in force." in text


def test_a_replay_beside_another_model_is_not_published(client, world):
    client.force_login(world.ops_admin.user)
    version(world)
    job, _ = replayed(client, world, precision_wanted="0.5")
    with world.here():
        ChurnModel.objects.update(state="retired")
    newest = version(world)
    answer = client.post(page(world, "whatif_publish", job.pk), {"why": "More precise"})
    assert (answer.status_code, "Another version of the chance" in answer.content.decode()) == (409, True)
    again, _ = replayed(client, world, precision_wanted="0.5")
    assert again.result["asked"]["model"] == newest.pk
    assert client.post(page(world, "whatif_publish", again.pk), {"why": "More precise"}).status_code == 303


def test_a_replay_that_waited_while_holdfast_was_upgraded_is_made(world):
    """Its arguments are those of the earlier release: two numbers, the others as in force."""
    with world.here():
        ChanceSettings.objects.create(tenant=world.tenant, margin=Decimal("0.010"))
    answer = what_if(world.tenant, silent, high_from="0.4", flags_per_csm_week=3, viewer_id=0)
    assert answer["asked"]["cuts"] == cuts(high_from="0.400", margin="0.010") | {"flags_per_csm_week": 3}


@pytest.mark.parametrize(
    ("state", "result", "words"),
    [
        ("done", {"asked": {"high_from": "0.4"}, "replay": {}}, "made by an earlier release"),
        ("dead", None, "This replay failed"),
        ("cancelled", None, "This replay was cancelled"),
        ("queued", None, "being computed"),
    ],
)
def test_a_replay_without_figures_says_what_became_of_it(client, world, state, result, words):
    client.force_login(world.ops_admin.user)
    with world.here():
        job = Job.objects.create(
            tenant=world.tenant, kind="scoring.whatif", state=state, result=result,
            finished_at=None if state == "queued" else timezone.now(),
        )  # fmt: skip
    text = client.get(page(world, "whatif_chances") + f"?job={job.pk}").content.decode()
    assert words in text
    assert ("being computed" in text) == (state == "queued")


def test_a_job_that_has_read_other_numbers_is_not_joined(client, world):
    """Published, being scored with it, rolled back: the levels are worked out once more with what is in force."""
    client.force_login(world.ops_admin.user)
    version(world)
    first, _ = published(client, world)
    with world.here():
        Job.objects.filter(kind="scoring.score").update(state="running")
        whatif.roll_back(
            world.tenant, version_id=first.pk, instead_of=2, why="x", by=world.actor("ops_admin")
        )
        states = sorted(Job.objects.filter(kind="scoring.score").values_list("state", flat=True))
    assert states == ["queued", "running"]


def test_a_version_of_another_workspace_is_not_found(client, world):
    client.force_login(world.ops_admin.user)
    first, _ = published(client, world)
    globex = make_world("globex")
    client.force_login(globex.ops_admin.user)
    assert client.get(page(globex, "whatif_diff", first.pk)).status_code == 404
    assert client.post(page(globex, "whatif_rollback", first.pk)).status_code == 404


def test_the_admin_shows_the_cuts_and_where_they_are_tried(client, world):
    client.force_login(world.ops_admin.user)
    published(client, world)
    client.post("/admin/acting-tenant/", {"slug": world.tenant.slug})
    with world.here():
        address = f"/admin/scoring/chancesettings/{ChanceSettings.objects.get().pk}/change/"
    text = client.get(address).content.decode()
    assert f'href="{page(world, "whatif_chances")}"' in text
    given = cuts(high_from="0.2", critical_from="0.9", flags_per_csm_week="50") | {
        "months_in_shadow": "4", "least_leavers": "20", "most_calibration_error": "0.03", "own_chance_from": "0.7",
    }  # fmt: skip
    for name in cuts():
        assert f'name="{name}"' not in text, name
    assert client.post(address, given).status_code == 302
    with world.here():
        row = ChanceSettings.objects.get()
        assert (row.months_in_shadow, row.high_from, row.flags_per_csm_week) == (4, Decimal("0.400"), 1)
    text = client.get("/admin/thresholds/").content.decode()
    assert text.count(f'href="{page(world, "whatif_chances")}"') == 3  # levels, precision, flags


def test_a_save_in_the_admin_keeps_what_was_published_since_it_was_loaded(client, world, monkeypatch):
    client.force_login(world.ops_admin.user)
    published(client, world)
    client.post("/admin/acting-tenant/", {"slug": world.tenant.slug})
    with world.here():
        row = ChanceSettings.objects.get()
    write = ChanceSettingsAdmin.write

    def meanwhile(self, request, row, **others):
        beside = numbers(cuts(high_from="0.4", flags_per_csm_week=1))
        whatif.publish(
            world.tenant, cuts=numbers(cuts(high_from="0.5")), beside=beside, why="x", replay={}, model_id=0, job_id=1,
            by=world.actor("ops_admin"),
        )  # fmt: skip
        write(self, request, row, **others)

    monkeypatch.setattr(ChanceSettingsAdmin, "write", meanwhile)
    given = {
        "months_in_shadow": 4,
        "least_leavers": 20,
        "most_calibration_error": "0.03",
        "own_chance_from": "0.7",
    }
    answer = client.post(f"/admin/scoring/chancesettings/{row.pk}/change/", given)
    assert answer.status_code == 302
    with world.here():
        now = ChanceSettings.objects.get()
    assert (now.months_in_shadow, now.high_from, now.flags_per_csm_week) == (4, Decimal("0.500"), 5)
    assert now.row_version == row.row_version + 2


def test_every_cut_is_replayed(world):
    """By hand, of p90 .45 (leaves on 10 May), .35 (stays) and .05 (falls) on eight days."""
    now = Cut(0.3, 5)
    proposed = Cut(0.3, 5, medium_from=0.04, critical_from=0.44, margin=0.005, threshold=0.4)
    parts = replay_chances(world.tenant, now=now, proposed=proposed, progress=silent)["parts"]
    medium, high, critical, own = parts
    assert [each["title"] for each in (medium, high, critical)] == [
        "Medium or above",
        "High or above",
        "Critical",
    ]
    # from .10 two rise, from .04 all three do; the first scoring gives the plain level
    assert (medium["before"]["alerts"], medium["after"]["alerts"]) == (2, 3)
    assert (high["before"]["alerts"], high["after"]["alerts"]) == (2, 2)
    # critical from .60 is nobody; from .44 the one that left, 129 days before
    assert (critical["before"]["alerts"], critical["after"]["alerts"]) == (0, 1)
    assert (critical["before"]["caught"]["events"], critical["after"]["caught"]["events"]) == (0, 1)
    assert critical["after"]["false"] == critical["after"]["false"] | {
        "events": 1,
        "n": 1,
    }  # not within 90 days
    # no version for the numbers in force; from .40 one flag, at the second scoring
    assert (own["before"], own["after"]["alerts"], own["from"]) == (None, 1, ["", "40%"])


def test_a_precision_is_replayed_by_the_threshold_that_the_version_in_force_has_for_it(client, world):
    version(world)
    client.force_login(world.manager.user)
    job, address = replayed(client, world, precision_wanted="0.5")
    own = job.result["replay"]["parts"][-1]
    assert own["from"] == ["50%", "20%"]
    text = client.get(address).content.decode()
    assert (
        "The version&#x27;s own threshold: churn caught" in text
        or "The version's own threshold: churn caught" in text
    )
    assert "Precision wanted" in text


def test_a_precision_that_the_version_does_not_reach_is_said_beside_the_trained_threshold(client, world):
    version(world)
    client.force_login(world.manager.user)
    job, address = replayed(client, world, precision_wanted="0.95")
    own = job.result["replay"]["parts"][-1]
    assert (own["from"], own["trained"]) == (["50%", "50%"], [False, True])
    text = client.get(address).content.decode()
    assert text.count("precision not reached; the trained threshold stands") == 1


def test_a_replay_of_another_workspace_is_not_found(client, world):
    globex = make_world("globex")
    with world.here():
        job = Job.objects.create(tenant=world.tenant, kind="scoring.whatif", args={})
    client.force_login(globex.ops_admin.user)
    assert client.get(page(globex, "whatif_chances") + f"?job={job.pk}").status_code == 404
    assert client.post(page(globex, "whatif_publish", job.pk)).status_code == 404


def replayed(client, world, *, high_from="0.4", flags=1, **others):
    """(the finished job, where its answer is shown), asked for by whoever is signed in."""
    given = {"high_from": high_from, "flags_per_csm_week": flags, **others}
    asked = client.post(page(world, "whatif_try"), given)
    assert asked.status_code == 303
    with world.here():
        job = Job.objects.latest("pk")
    answer = what_if(world.tenant, silent, **job.args)
    with world.here():
        Job.objects.filter(pk=job.pk).update(state="done", finished_at=timezone.now(), result=answer)
        job.refresh_from_db()
    return job, asked.url


def hide(world, name):
    """From whoever sees only what was granted."""
    with world.here():
        account = Account.objects.get(name=name)
        AccountUserPerm.objects.filter(content_object=account).delete()
        AccountGroupPerm.objects.filter(content_object=account).delete()
    return account


def test_a_manager_replays_the_workspace_reads_of_own_customers_and_saves_nothing(client, world):
    hide(world, "leaves")
    client.force_login(world.manager.user)
    assert "What if" in client.get(page(world, "model_quality")).content.decode()
    job, address = replayed(client, world, high_from="0.5", flags=5)
    assert [each["name"] for each in job.result["replay"]["cleared"]] == ["stays"]
    assert job.result["replay"]["leavers"] == []
    text = client.get(address).content.decode()
    assert "0 of 1" in text, "churn caught counts the whole workspace"
    assert ">stays<" in text
    assert "leaves" not in text
    assert "ARR of churn caught" not in text, "money of hidden customers follows from two replays"
    assert "Publish</button>" not in text
    assert "operations admin" in text
    refused = client.post(page(world, "whatif_publish", job.pk), {"why": "x"})
    with world.here():
        assert (refused.status_code, ChanceSettings.objects.count()) == (403, 0)
    client.force_login(world.ops_admin.user)
    assert "Publish</button>" in client.get(address).content.decode()
    assert client.post(page(world, "whatif_publish", job.pk), {"why": "x"}).status_code == 303
    with world.here():
        assert ChanceSettings.objects.get().high_from == Decimal("0.500")


def test_a_kept_replay_names_nobody_who_was_hidden_since(client, world):
    client.force_login(world.manager.user)
    _, address = replayed(client, world, high_from="0.5", flags=5)
    assert "leaves" in client.get(address).content.decode()
    hide(world, "leaves")
    assert "leaves" not in client.get(address).content.decode()


def test_each_asks_for_a_replay_of_their_own(client, world):
    """The same numbers: the second person could not read the first one's job."""
    numbers = {"high_from": "0.4", "flags_per_csm_week": 1}
    for role in ("ops_admin", "manager"):
        client.force_login(world.people[role].user)
        answer = client.post(page(world, "whatif_try"), numbers, follow=True)
        assert answer.status_code == 200, role


def test_a_preview_of_a_policy_names_only_whom_the_admin_may_see(client, world):
    with world.here():
        published, draft = drafted(world, watch_from=20, at_risk_from=10)
        Account.objects.filter(name="falls").update(region="emea")
        Membership.objects.filter(pk=world.ops_admin.pk).update(regions=["emea"])
    found = replay_policies(world.tenant, published=published, proposed=draft, progress=silent)
    kept = {
        "as_of": "2026-07-16",
        "accounts": 2,
        "bands": [],
        "moves": [],
        "changed_band": 1,
        "replay": found,
    }
    with world.here():
        HealthPolicy.objects.filter(pk=draft[0].pk).update(preview=kept)
    client.force_login(world.ops_admin.user)
    text = client.get(page(world, "policy", draft[0].pk)).content.decode()
    assert ">falls<" in text
    assert "leaves" not in text
    assert "ARR of churn caught" not in text
