"""A version of the chance of leaving reads the windows that it was learnt over, whatever a policy says since."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import models
from scoring import queries, windows
from scoring.learning import landmarks, watching
from scoring.learning import leakage as leaks
from scoring.models import ChurnModel
from scoring.why.change_queries import Standing, chance_day
from tests.scoring.evidence import DAY, add, ago, rich, score
from tests.scoring.models_by_hand import by_hand, curve, register
from tests.scoring.test_windows import set_window

pytestmark = pytest.mark.django_db
MEETINGS, OVERDUE = "engagement.meetings_90d", "business.overdue_days"


@pytest.fixture
def met(acme):
    """Three meetings in 90 days, a fourth in 200."""
    account = rich(acme)
    add(acme, account, models.Activity, kind="meeting", occurred_at=ago(150))
    return account


def of_meetings():
    return by_hand(curve(MEETINGS, [0, 10], [0, -2]))


def standing(world, account):
    with world.here():
        return queries.account_health(world.tenant, account_id=account.pk)


def of_health(world, account):
    with world.here():
        snapshot = queries.snapshot(world.tenant, account_id=account.pk, as_of=DAY)
    return next(each for each in snapshot.breakdown.everything() if each["key"] == MEETINGS)


def test_a_version_keeps_the_windows_of_what_it_reads(acme):
    set_window(acme, MEETINGS, 200)
    set_window(acme, "usage.trend_30d", 60)
    row = register(acme, by_hand(curve(MEETINGS, [0, 10], [0, -2]), curve(OVERDUE, [0, 50], [0, 2])))
    assert row.report["windows"] == {MEETINGS: 200}


def test_a_changed_window_moves_health_and_not_a_chance_that_was_learnt_before(acme, met):
    register(acme, of_meetings())
    score(acme)
    before = standing(acme, met)
    assert (of_health(acme, met)["value"], before.chance_reasons[0]["value"]) == (3, 3)
    set_window(acme, MEETINGS, 200)
    run = score(acme)
    now = standing(acme, met)
    assert of_health(acme, met)["text"] == "4 calls or meetings in 200 days"
    assert (now.p30, now.p90, now.run_id) == (before.p30, before.p90, run.pk)
    assert now.chance_reasons[0]["text"] == "3 calls or meetings in 90 days"
    assert now.chance_flags == []


def test_a_change_names_no_value_that_the_version_did_not_read(acme, met):
    """The snapshot keeps the value of health; the part of the chance is of another window."""
    row = register(acme, of_meetings())

    def told(day):
        with acme.here():
            snapshot = queries.snapshot(acme.tenant, account_id=met.pk, as_of=day)
        return chance_day(Standing(snapshot, None, row, None), met).values

    score(acme, DAY - timedelta(days=1))
    set_window(acme, MEETINGS, 200)
    score(acme)
    assert told(DAY - timedelta(days=1)) == {MEETINGS: 3}
    assert told(DAY) == {}


def test_a_version_learnt_after_reads_what_is_in_force(acme, met):
    register(acme, of_meetings())
    score(acme)
    before = standing(acme, met)
    set_window(acme, MEETINGS, 200)
    register(acme, of_meetings())
    score(acme)
    now = standing(acme, met)
    assert now.p90 < before.p90  # four meetings count now
    assert now.chance_reasons[0]["text"] == "4 calls or meetings in 200 days"
    set_window(acme, MEETINGS, None)
    score(acme)
    assert standing(acme, met).p90 == now.p90  # over 200 days still


def test_what_came_since_in_the_windows_of_the_version_is_a_new_figure(acme, met):
    """Health alone would call the day unchanged: its own window does not see that row."""
    register(acme, of_meetings())
    set_window(acme, MEETINGS, 7)
    score(acme)
    before = standing(acme, met)
    add(acme, met, models.Activity, kind="meeting", occurred_at=ago(60))
    score(acme)
    now = standing(acme, met)
    assert (now.p90 < before.p90, now.chance_reasons[0]["value"]) == (True, 4)


def test_a_version_of_before_goes_by_what_is_in_force(acme, met):
    row = register(acme, of_meetings())
    with acme.here():
        ChurnModel.objects.filter(pk=row.pk).update(report={})
    set_window(acme, MEETINGS, 200)
    score(acme)
    assert standing(acme, met).chance_reasons[0]["value"] == 4


def test_only_windows_of_what_it_reads_make_a_day_be_read_again(acme, met, monkeypatch):
    from scoring import pipeline

    asked, read_over = [], pipeline.read_over

    def noted(tenant, scored, wanted):
        asked.append(wanted)
        return read_over(tenant, scored, wanted)

    monkeypatch.setattr(pipeline, "read_over", noted)
    register(acme, of_meetings())
    set_window(acme, "usage.trend_30d", 60)
    score(acme)
    assert asked == []
    set_window(acme, MEETINGS, 30)
    score(acme)
    assert asked == [{}]


def test_another_window_is_no_drift(acme, met):
    """The day is read for drift as the version reads it."""
    row = register(acme, of_meetings())
    set_window(acme, MEETINGS, 200)
    seen = []

    def noted(tenant, *, day, windows=None):
        seen.append(windows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landmarks, "read", noted)
        patch.setattr(watching.TrainingSample.objects, "for_tenant", lambda tenant: Kept())
        watching.drift_rows(acme.tenant, row, as_of=DAY)
    assert seen == [{}]


class Kept:
    def filter(self, **of):
        return self

    def first(self):
        return object()


def test_landmarks_are_all_read_over_the_windows_of_their_plan(acme, met, monkeypatch):
    """A policy that is published meanwhile changes neither what is read nor what the version keeps."""
    set_window(acme, MEETINGS, 200)
    shelf = landmarks.Shelf(acme.tenant, "windows")
    with acme.here():
        chosen = landmarks.plan(acme.tenant, as_of=DAY)
    assert chosen.windows == {MEETINGS: 200}
    set_window(acme, MEETINGS, 30)
    part = landmarks.read(acme.tenant, day=DAY, windows=chosen.windows)
    assert part.x[0, part.names.index(MEETINGS)] == 4
    again = leaks.as_cut.read(acme.tenant, day=DAY, windows=chosen.windows)
    assert again.x[0, part.names.index(MEETINGS)] == 4
    row = register(acme, of_meetings(), over=chosen.windows)
    assert row.report["windows"] == {MEETINGS: 200}
    shelf.keep_only(chosen.windows)
    shelf.put(DAY, part)
    shelf.keep_only(chosen.windows)
    assert DAY in shelf
    shelf.keep_only({MEETINGS: 30})
    assert DAY not in shelf
    shelf.put(DAY - timedelta(days=30), part)
    shelf.keep_only({})
    assert DAY - timedelta(days=30) not in shelf
    shelf.clear()


def test_the_page_of_a_version_names_windows_that_were_changed_since(acme, client):
    row = register(acme, of_meetings())
    client.force_login(acme.ops_admin.user)
    address = reverse("scoring:model", args=[acme.tenant.slug, row.pk])
    assert "Windows were changed" not in client.get(address).text
    set_window(acme, MEETINGS, 200)
    page = client.get(address).text
    assert "Windows were changed since it was learnt (Calls and meetings: 90 days, now 200)." in page


def test_what_has_changed_since_is_told_in_words(acme):
    kept = {"windows": {MEETINGS: 90, OVERDUE: 5}}
    assert windows.changed_since(kept, {MEETINGS: 200}) == ["Calls and meetings: 90 days, now 200"]
    assert windows.changed_since(kept, {}) == windows.changed_since({}, {MEETINGS: 200}) == []
