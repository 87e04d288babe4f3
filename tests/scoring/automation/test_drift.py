"""A version's world now against the one it learnt: quiet, tripped, and told."""

from datetime import date, timedelta

import numpy as np
import pytest
from django.db import connection

from audit.models import AuditEvent
from jobs.models import Job
from scoring.automation import holds, rounds
from scoring.automation.models import DriftCheck, TrainingSample
from scoring.engine.churn.data import Stack
from scoring.engine.validation import drift, psi
from scoring.learning import registry, samples, watching
from scoring.learning.labels import day_of
from scoring.learning.observations import joined
from scoring.models import ChurnModel
from tests.scoring.automation.made import DAY, OVERDUE, all_leave, customers, scored, version

pytestmark = pytest.mark.django_db


def look(world, model, as_of=DAY):
    return rounds.look_at_drift(world.tenant, model, as_of=as_of)


def surprised(world, *, state="automatic", count=60, left=40):
    """Hardly anybody was expected to leave in the last 60 days, and most did."""
    model = version(world, state=state)
    accounts = customers(world, count)
    for back in (55, 48, 41, 34, 27, 20, 13, 6):
        scored(world, model, day=DAY - timedelta(days=back), accounts=accounts, p=0.1)
    all_leave(world, accounts[:left], DAY - timedelta(days=2))
    scored(world, model, day=DAY, accounts=accounts, p=0.1)
    return model


def test_a_trip_takes_one_step_back_and_is_told(acme, client):
    model = surprised(acme)
    found = look(acme, model)
    assert found.tripped
    assert found.stepped_to == "advisory"
    assert "observed_expected" in {row["key"] for row in found.figures if row["tripped"]}
    with acme.here():
        assert registry.live(acme.tenant).state == "advisory"
        told = AuditEvent.objects.get(tenant=acme.tenant, verb="scoring.model_taken_back")
    assert told.diff["after"]["why"].startswith("Drift on 2026-10-01: 40 accounts left where")
    client.force_login(acme.csm.user)
    page = client.get(acme.url("scores/")).content.decode()
    assert "churn v1 was taken back to advisory on 1 Oct." in page


def test_the_same_look_again_takes_no_second_step(acme):
    model = surprised(acme)
    look(acme, model)
    look(acme, model)
    with acme.here():
        assert registry.live(acme.tenant).state == "advisory"
        assert DriftCheck.objects.for_tenant(acme.tenant).count() == 1


def test_an_advisory_version_that_drifts_shows_nothing_any_more(acme):
    model = surprised(acme, state="advisory")
    assert look(acme, model).stepped_to == "shadow"
    with acme.here():
        assert registry.live(acme.tenant) is None
        assert not ChurnModel.objects.get(pk=model.pk).is_usable


def scorings_asked_for(world):
    with world.here():
        jobs = Job.objects.for_tenant(world.tenant).filter(kind="scoring.score")
        return [job.args["as_of"] for job in jobs.order_by("pk")]


def test_what_a_drifted_version_said_is_taken_off_the_lists_at_once(acme):
    model = surprised(acme, state="advisory")
    look(acme, model)
    look(acme, model)  # a redelivered job
    assert scorings_asked_for(acme) == [str(DAY)]


def test_one_step_down_from_automatic_leaves_the_chances_and_scores_nothing_anew(acme):
    look(acme, surprised(acme))
    assert scorings_asked_for(acme) == []


def test_a_world_as_it_was_expected_is_quiet(acme, client):
    model = surprised(acme, left=2)
    found = look(acme, model)
    assert (found.tripped, found.stepped_to) == (False, "")
    assert "kept no sample" in found.remark
    client.force_login(acme.csm.user)
    assert "taken back" not in client.get(acme.url("scores/")).content.decode()


@pytest.mark.parametrize("from_the_top", [True, False])
def test_features_that_tell_no_more_who_leaves_trip(acme, from_the_top):
    """Timing is the same for all; half of the accounts stood high by their features all along."""
    model = version(acme, state="advisory")
    accounts = customers(acme, 60)
    for back in (55, 48, 41, 34, 27, 20, 13, 6):
        p = [0.2] * 30 + [0.02] * 30
        scored(acme, model, day=DAY - timedelta(days=back), accounts=accounts, p=p, timing=-3.0)
    gone = accounts[:12] if from_the_top else accounts[10:13] + accounts[30:39]
    all_leave(acme, gone, DAY - timedelta(days=2))
    scored(acme, model, day=DAY, accounts=accounts, p=0.1)
    found = look(acme, model)
    row = next(each for each in found.figures if each["key"] == "slope")
    assert "apart from the contract's dates, on 12 that left" in row["words"]
    assert row["tripped"] is not from_the_top
    assert (row["value"] > 1) is from_the_top


def test_the_notice_goes_when_a_person_promotes_again(acme, client):
    model = surprised(acme, state="advisory")
    look(acme, model)
    with acme.here():
        registry.promote(acme.tenant, model_id=model.pk, by=acme.actor("ops_admin"), why="Looked into it.")
    client.force_login(acme.csm.user)
    assert "taken back" not in client.get(acme.url("scores/")).content.decode()


def test_the_nightly_job_looks_once_a_week_and_checks_gates_daily(acme, monkeypatch):
    model = version(acme)
    looked = []
    monkeypatch.setattr(
        rounds,
        "look_at_drift",
        lambda tenant, live, *, as_of: looked.append(as_of) or kept(acme, model, as_of),
    )
    monkeypatch.setattr(rounds, "check_gates", lambda *args, **kwargs: [])
    for days in (0, 1, 6, 7, 8):
        scored(acme, model, day=DAY + timedelta(days=days))
        rounds.watch(acme.tenant, lambda *done: None)
    assert looked == [DAY, DAY + timedelta(days=7)]
    rounds.watch(acme.tenant, lambda *done: None, look_now=True)
    assert looked[-1] == DAY + timedelta(days=8)


def kept(world, model, as_of):
    with world.here():
        return DriftCheck.objects.create(
            tenant=world.tenant, model=model, as_of=as_of, figures=[], tripped=False
        )


def test_without_a_version_there_is_nothing_to_watch(acme):
    assert rounds.watch(acme.tenant, lambda *done: None)["checked"] == 0


def stack(values, *, days=20_000):
    n = len(values)
    blank = np.full(n, np.nan)
    return Stack(
        x=np.array(values, dtype=float)[:, None], names=(OVERDUE,), account=np.arange(n),
        day=np.full(n, days), segment=np.full(n, -1), segments=(), arr=blank, renewal_in=blank, term_days=blank,
        leaves_in=np.full(n, np.inf), seen_for=np.zeros(n),
    )  # fmt: skip


def test_a_kept_sample_gives_its_shares_back(acme):
    """Three quarters at zero, the rest spread to 50, a tenth without a value."""
    rng = np.random.default_rng(3)
    values = np.where(rng.random(3000) < 0.75, 0.0, rng.random(3000) * 50)
    values[rng.random(3000) < 0.1] = np.nan
    model = version(acme)
    fitted = registry.load_model(model)
    with acme.here():
        row = samples.keep(acme.tenant, model, fitted, stack(values))
        again = TrainingSample.objects.get(pk=row.pk)
    laid = samples.sample_of(again)
    assert laid.accounts == 3000
    assert np.isnan(laid.x[:, 0]).mean() == pytest.approx(np.isnan(values).mean(), abs=0.01)
    assert np.nanmean(laid.x[:, 0] == 0) == pytest.approx(np.nanmean(values == 0), abs=0.02)
    same, _ = psi(laid.x[:, 0], values)
    shifted, _ = psi(laid.x[:, 0], values + 20)
    assert same < 0.02
    assert shifted > 0.25


def test_the_release_before_can_go_on_keeping_samples(acme):
    """Its code does not know the newest column while both answer (docs/migrations.md)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT atthasdef FROM pg_attribute WHERE attrelid = 'scoring_trainingsample'::regclass "
            "AND attname = 'movement'"
        )
        assert cursor.fetchone() == (True,)


def growing(*, months=12, accounts=300):
    """Every month the invoices of everybody are three days later."""
    rng = np.random.default_rng(5)
    parts = [stack(3.0 * at + 3 * rng.random(accounts), days=20_000 + 30 * at) for at in range(months)]
    return joined(parts)


def test_what_moved_in_training_is_kept_and_allowed(acme):
    model = version(acme)
    fitted = registry.load_model(model)
    with acme.here():
        samples.keep(acme.tenant, model, fitted, growing())
        kept = TrainingSample.objects.get(model=model)
    newest = 20_000 + 330
    soon, late = (samples.ordinary(kept, [0], as_of=day_of(newest + days)) for days in (30, 360))
    assert soon.psi[0] > 1
    assert late.psi[0] > soon.psi[0]
    assert soon.missing[0] == 0
    old = samples.sample_of(kept)
    now = samples.now_of([OVERDUE], fitted, stack(36.0 + 3 * np.random.default_rng(6).random(300)))
    far = samples.reach(fitted, [OVERDUE], old, now)
    # the curve climbs by 2 over 50 days: the mean moved from 18 (twelve months) to 37.5 days
    assert far[0] == pytest.approx(2 / 50 * 19.5, abs=0.02)
    plain, allowed = (
        {row["key"]: row for row in drift((OVERDUE,), old, now, ordinary=each, reach=far)}
        for each in (None, soon)
    )
    assert plain[f"psi.{OVERDUE}"]["tripped"]
    assert not allowed[f"psi.{OVERDUE}"]["tripped"]


def test_inputs_that_moved_hold_their_source_at_once_and_trip_when_it_lasts(acme, monkeypatch):
    from scoring.learning import landmarks

    model = version(acme)
    fitted = registry.load_model(model)
    rng = np.random.default_rng(4)
    with acme.here():
        samples.keep(acme.tenant, model, fitted, stack(rng.random(2000) * 10))
    for days in (0, 7, 14, 28):
        scored(acme, model, day=DAY + timedelta(days=days))
    shift = 30.0
    monkeypatch.setattr(landmarks, "read", lambda tenant, *, day, **how: stack(shift + rng.random(2000) * 10))
    found = look(acme, model)
    rows = {row["key"]: row for row in found.figures}
    for key in (f"psi.{OVERDUE}", "score"):
        assert (rows[key]["tripped"], rows[key]["watch"], rows[key]["beyond"]) == (False, True, True)
    assert rows["score"]["words"].endswith("So since 2026-10-01: it counts when it has lasted 28 days.")
    assert not found.tripped
    with acme.here():
        assert registry.live(acme.tenant) is not None
        waits = ["source_shifted:invoices", "source_shifted:score"]
        assert [each.key for each in holds.reasons(acme.tenant)] == waits
    assert not look(acme, model, DAY + timedelta(days=7)).tripped
    found = look(acme, model, DAY + timedelta(days=28))
    assert {f"psi.{OVERDUE}", "score"} <= {row["key"] for row in found.figures if row["tripped"]}
    assert found.stepped_to == "shadow"
    with acme.here():
        assert registry.live(acme.tenant) is None
        # no chance is shown any more, and health weighs invoices all the same
        assert [each.key for each in holds.reasons(acme.tenant)] == waits[:1]


def looks_with(world, monkeypatch, *, is_beyond, names=(OVERDUE,)):
    """How many looks the nightly job takes, where one finds those inputs beyond their limits, or within."""
    rows = [
        {
            "key": f"psi.{name}",
            "tripped": False,
            "beyond": is_beyond,
            "watch": is_beyond,
            "words": "It moved.",
        }
        for name in names
    ]
    monkeypatch.setattr(watching, "drift_rows", lambda *args, **kwargs: (rows, ""))
    monkeypatch.setattr(rounds, "check_gates", lambda *args, **kwargs: [])
    with world.here():
        before = DriftCheck.objects.for_tenant(world.tenant).count()
    rounds.watch(world.tenant, lambda *done: None)
    with world.here():
        return DriftCheck.objects.for_tenant(world.tenant).count() - before


def held(world):
    with world.here():
        return [each.key for each in holds.reasons(world.tenant)]


def test_a_shift_holds_its_source_after_the_version_was_taken_back_until_a_look_finds_it_within_limits(
    acme, monkeypatch
):
    """The version is taken back, then retired: half a year later the source is shifted still, looked at each week."""
    model = version(acme)
    scored(acme, model, day=DAY)
    assert looks_with(acme, monkeypatch, is_beyond=True) == 1
    assert held(acme) == ["source_shifted:invoices"]
    for state, days in (("shadow", 28), ("retired", 200)):
        with acme.here():
            ChurnModel.objects.filter(pk=model.pk).update(state=state)
        scored(acme, model, day=DAY + timedelta(days=days))
        assert held(acme) == ["source_shifted:invoices"]
        assert looks_with(acme, monkeypatch, is_beyond=True) == 1
        assert looks_with(acme, monkeypatch, is_beyond=True) == 0  # once a week
        assert held(acme) == ["source_shifted:invoices"]
    scored(acme, model, day=DAY + timedelta(days=207))
    assert looks_with(acme, monkeypatch, is_beyond=False) == 1
    assert held(acme) == []
    scored(acme, model, day=DAY + timedelta(days=214))
    assert looks_with(acme, monkeypatch, is_beyond=False) == 0  # nothing to find back


@pytest.mark.parametrize(
    ("names", "waits"), [((), True), (("satisfaction.nps_latest",), True), ((OVERDUE,), False)]
)
def test_only_a_look_that_checked_the_source_ends_its_hold(acme, names, waits):
    """A version that cannot be opened, or reads other sources, has found nothing of this one."""
    first, second = version(acme), version(acme)
    scored(acme, second, day=DAY)
    with acme.here():
        for model, days, row in (
            (first, 7, {"key": f"psi.{OVERDUE}", "tripped": False, "beyond": True, "words": "It moved."}),
            (second, 0, [{"key": f"missing.{each}", "tripped": False, "beyond": False} for each in names]),
        ):
            DriftCheck.objects.create(
                tenant=acme.tenant, model=model, as_of=DAY - timedelta(days=days), tripped=False,
                figures=row if isinstance(row, list) else [row],
            )  # fmt: skip
    assert held(acme) == (["source_shifted:invoices"] if waits else [])


@pytest.mark.parametrize(("days", "waits"), [(0, False), (6, False), (8, True)])
def test_a_replaced_version_does_not_overrule_the_one_in_force(acme, days, waits):
    """It alone reads contacts and is looked at for them; against its old sample invoices are beyond, too."""
    first, second = version(acme), version(acme)
    scored(acme, second, day=DAY + timedelta(days=8))
    beyond = [
        {"key": f"missing.{name}", "tripped": False, "beyond": True, "words": "It moved."}
        for name in (OVERDUE, "stakeholders.champion_present")
    ]
    within = [{"key": f"missing.{OVERDUE}", "tripped": False, "beyond": False}]
    with acme.here():
        for model, after, rows in ((second, 0, within), (first, 0, beyond), (first, days, beyond)):
            DriftCheck.objects.get_or_create(
                tenant=acme.tenant, model=model, as_of=DAY + timedelta(days=after),
                defaults={"figures": rows, "tripped": False},
            )  # fmt: skip
    assert ("source_shifted:invoices" in held(acme)) is waits
    assert len(held(acme)) == 1 + waits


def test_of_a_version_that_is_not_in_force_nobody_waits_for_its_chances_or_for_what_it_alone_reads(acme):
    model = version(acme)
    scored(acme, model, day=DAY)
    rows = [
        {"key": key, "tripped": False, "beyond": True, "words": "It moved."}
        for key in ("score", "psi.business.competitor_mentions_90d")
    ]
    with acme.here():
        DriftCheck.objects.create(tenant=acme.tenant, model=model, as_of=DAY, figures=rows, tripped=False)
    assert held(acme) == ["source_shifted:score"]
    with acme.here():
        ChurnModel.objects.filter(pk=model.pk).update(state="shadow")
    assert held(acme) == []


def test_of_a_year_of_looks_one_is_read_for_each_version_and_what_it_checked(acme):
    """Who waits asks every few minutes, and every look keeps the words of each of its rows."""
    models = [version(acme), version(acme)]
    scored(acme, models[1], day=DAY)
    rows = [{"key": f"psi.{OVERDUE}", "tripped": False, "beyond": True, "words": "It moved."}]
    with acme.here():
        DriftCheck.objects.bulk_create(
            DriftCheck(
                tenant=acme.tenant, model=model, as_of=DAY - timedelta(days=7 * week), tripped=False,
                figures=[] if week == 0 and model == models[1] else rows,
            )
            for model in models
            for week in range(50)
        )  # fmt: skip
        seen = [(each.model_id, each.as_of, each.keys != []) for each in holds._looks(acme.tenant, DAY)]
    first, second = (model.pk for model in models)
    week_before = DAY - timedelta(days=7)
    assert sorted(seen) == [(first, DAY, True), (second, week_before, True), (second, DAY, False)]
    assert held(acme) == ["source_shifted:invoices"]


def test_a_look_that_finds_a_source_back_has_the_newest_day_scored_again(acme, monkeypatch):
    model = version(acme)
    run = scored(acme, model, day=DAY)
    with acme.here():
        run.summary["held"] = [{"source": "invoices", "kind": "shifted", "words": "It moved."}]
        run.save(update_fields=["summary"])
    looks_with(acme, monkeypatch, is_beyond=False)
    assert scorings_asked_for(acme) == [str(DAY)]


def test_a_shift_that_passes_begins_anew():
    row = {"key": "psi.a", "tripped": True, "watch": False, "words": "Moved."}
    beyond, quiet = (
        [{"key": "psi.a", "tripped": False, "beyond": True}],
        [{"key": "psi.a", "tripped": False, "beyond": False}],
    )

    def looked(*rows):
        """A look a week, the newest first."""
        days = [(DAY - timedelta(days=7 * at), each) for at, each in enumerate(rows, start=1)]
        return watching.lasting(row, days, as_of=DAY)["tripped"]

    assert looked(beyond, beyond, beyond, beyond)
    assert not looked(beyond, beyond, beyond)
    assert not looked(beyond, beyond, quiet, beyond, beyond)
    assert watching.lasting(row | {"key": "slope"}, [], as_of=DAY)["tripped"]


def test_a_document_that_cannot_be_read_trips_nothing_and_says_so(acme):
    model = version(acme)
    scored(acme, model, day=date(2026, 9, 30))
    with acme.here():
        ChurnModel.objects.filter(pk=model.pk).update(document={"format": 1})
        model.refresh_from_db()
    found = look(acme, model)
    assert (found.tripped, found.figures) == (False, [])
    assert "digest" in found.remark


def test_of_earlier_days_only_those_are_read_that_speak_of_the_window():
    since = date(2026, 8, 1)
    nightly = [since + timedelta(days=days) for days in range(-56, 60)]
    picked = watching._weekly(nightly, since)
    assert picked == [since + timedelta(days=days) for days in range(-28, 60, 7)]
    assert watching._weekly([since - timedelta(days=3), since], since) == [since - timedelta(days=3), since]


def test_what_is_promised():
    whole = {"horizons": {"90": {"all": {"slope": {"value": 0.7}}}}}
    assert watching.promised(whole | {"features_slope": {"value": 0.9, "sd": 0.1, "events": 90}}) == 0.9
    assert watching.promised(whole | {"features_slope": {"value": 1.4, "sd": 0.1, "events": 90}}) == 1.0
    assert watching.promised(whole | {"features_slope": None}) == 1.0  # it could not tell: what chances claim
    assert watching.promised(whole) == 0.7  # from before it was kept
    assert watching.promised({}) == 1.0
