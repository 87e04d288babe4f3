"""The pool of workspaces: consent on record, the ladder, what a withdrawal takes away, and who may see what."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from django.db import Error, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from jobs import services as jobs
from jobs.models import Job
from jobs.runner import run_now
from scoring import tasks
from scoring.engine.churn import pooling as engine
from scoring.engine.churn import timing as contract
from scoring.engine.churn.data import leavers, take
from scoring.learning import labels, landmarks, pooling, registry, training
from scoring.models import AccountHealth, ChanceSettings, ChurnModel, PoolContribution, SharedPool
from scoring.pooling import queries, services
from tenants.models import Tenant
from tenants.scoping import tenant_transaction
from tests.jobs.real import as_role, committed_world
from tests.scoring.churn.truth import World, draw
from tests.scoring.evidence import DAY, MAKER, rich
from tests.worlds import make_world

SENTENCE = "From a pool of 3 workspaces, not yet calibrated on yours."
NAMES = (
    "usage.days_since_last",
    "usage.breadth",
    "business.overdue_days",
    "engagement.meetings_90d",
    "account.tenure_days",
)


def by_hand(*, level=-4.5, slope=1.0, leavers=80):
    """Five features that all workspaces track, with the same slope each."""
    tracked = np.array([float(name in NAMES) for name in engine.FEATURES])
    timing = np.zeros(len(contract.COLUMNS))
    timing[: engine.COUNT] = level
    covariance = np.diag(np.where(tracked > 0, 0.04, 0.0))
    return engine.Contribution(slope * tracked, covariance, tracked, timing, leavers, 400)


def consent(world, *, gives=True, why="We learn from each other."):
    with world.here():
        return services.set_consent(world.tenant, consents=gives, why=why, by=world.actor("ops_admin"))


@pytest.fixture
def pool(monkeypatch):
    """Three workspaces elsewhere, as the workers would have left them."""
    found = engine.pool([by_hand(level=-4.4), by_hand(level=-4.6), by_hand(slope=1.2)])
    assert engine.is_sound(found)
    row = SharedPool(document=engine.pool_to_json(found), workspaces=3, is_sound=True)
    monkeypatch.setattr(queries, "shared", lambda: row)
    return row


def landmarks_of(left):
    """(the plan, the rows) of a small workspace where so many were seen to leave."""
    rows = draw(World(accounts=80, landmarks=8, level=-5.2, seed=4))
    gone = np.unique(rows.account[np.isfinite(rows.leaves_in)])
    kept = np.isin(rows.account, gone[left:], invert=True)
    rows = replace(take(rows, kept), names=NAMES)
    assert leavers(rows) == left
    nobody = labels.Leavers(*(np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, np.int64, np.float64)))
    days = tuple(DAY - timedelta(days=30 * back) for back in range(8, 0, -1))
    return landmarks.Plan(DAY, DAY, days[0], days, nobody), rows


def train(world, left=4):
    plan, rows = landmarks_of(left)
    return training.train(world.tenant, chosen=plan, stack=rows, by=MAKER, said=lambda *_: None)


def events(world):
    with world.here():
        return [row.verb for row in AuditEvent.objects.filter(verb__startswith="scoring.pool").order_by("at")]


def statements(asked):
    return [(at, each["sql"]) for at, each in enumerate(asked.captured_queries)]


@pytest.mark.django_db
class TestConsent:
    def test_it_is_on_record_with_who_and_why(self, acme):
        assert consent(acme)
        assert not consent(acme)  # asked twice: nothing more
        assert consent(acme, gives=False, why="Our lawyer said so.")
        assert events(acme) == ["scoring.pool_consent_given", "scoring.pool_consent_withdrawn"]
        with acme.here():
            last = AuditEvent.objects.get(verb="scoring.pool_consent_withdrawn")
            assert last.diff["after"]["why"] == "Our lawyer said so."
            assert last.actor_label
            assert not ChanceSettings.objects.get().pools_across_tenants

    def test_without_a_reason_nothing_changes(self, acme):
        with pytest.raises(services.PoolRefused, match="Say why"):
            consent(acme, why="  ")
        assert events(acme) == []

    def test_the_page_gives_and_withdraws(self, client, acme):
        client.force_login(acme.people["ops_admin"].user)
        page = client.get(acme.url("models/pool/")).text
        assert "does not take part" in page
        answer = client.post(acme.url("models/pool/consent/"), {"consents": "yes", "why": ""})
        assert answer.status_code == 422
        assert "Say why" in answer.text
        answer = client.post(acme.url("models/pool/consent/"), {"consents": "yes", "why": "Because."})
        assert answer.status_code == 303
        page = client.get(acme.url("models/pool/")).text
        assert "This workspace takes part" in page
        assert "Fewer than three organisations" in page
        assert "Withdraw consent" in page

    def test_who_may_not_configure_sees_no_form(self, client, acme):
        client.force_login(acme.people["executive"].user)
        assert "Give consent" not in client.get(acme.url("models/pool/")).text


@pytest.mark.django_db
class TestHandingOn:
    def test_without_consent_nothing_is_handed_on(self, acme, monkeypatch):
        monkeypatch.setattr(engine, "contribution", lambda stack: by_hand())
        words = pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)
        assert "has not consented" in words
        with acme.here():
            assert not PoolContribution.objects.exists()
            assert not Job.objects.filter(kind=services.POOL).exists()

    def test_with_consent_one_row_of_coefficients(self, acme, monkeypatch):
        monkeypatch.setattr(engine, "contribution", lambda stack: by_hand())
        consent(acme)
        for _ in range(2):
            pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)
        with acme.here():
            row = PoolContribution.objects.get()
            assert engine.from_json(row.document).leavers == 80
            assert Job.objects.filter(kind=services.POOL).count() == 2  # one that runs may have read before

    def test_a_sandbox_hands_nothing_on_and_takes_back_what_it_gave(self, acme, monkeypatch):
        monkeypatch.setattr(engine, "contribution", lambda stack: by_hand())
        consent(acme)
        pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)
        monkeypatch.setattr(acme.tenant, "environment", "sandbox")
        assert "sandbox" in pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)
        with acme.here():
            assert not PoolContribution.objects.exists()
            assert Job.objects.filter(kind=services.POOL).count() == 2

    def test_consent_that_goes_while_it_is_worked_out_takes_the_row_along(self, acme, monkeypatch):
        consent(acme)
        with acme.here():
            PoolContribution.objects.create(tenant=acme.tenant, document={}, as_of=DAY)

        def withdrawn_meanwhile(stack):
            with acme.here():
                ChanceSettings.objects.update(pools_across_tenants=False)
            return by_hand()

        monkeypatch.setattr(engine, "contribution", withdrawn_meanwhile)
        assert "has not consented" in pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)
        with acme.here():
            assert not PoolContribution.objects.exists()
            assert Job.objects.filter(kind=services.POOL).count() == 1

    def test_consent_is_locked_before_anything_is_written(self, acme, monkeypatch):
        monkeypatch.setattr(engine, "contribution", lambda stack: by_hand())
        consent(acme)
        with CaptureQueriesContext(connection) as asked:
            pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)
        locks = [at for at, sql in statements(asked) if "chancesettings" in sql and "FOR UPDATE" in sql]
        (wrote,) = [at for at, sql in statements(asked) if sql.startswith('INSERT INTO "scoring_poolcon')]
        assert len(locks) == 2
        assert locks[1] < wrote

    def test_a_workspace_that_shrank_takes_its_row_back(self, acme, monkeypatch):
        monkeypatch.setattr(engine, "contribution", lambda stack: by_hand())
        consent(acme)
        pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)

        def too_small(stack):
            raise engine.TooSmall("12 leavers among 90 accounts")

        monkeypatch.setattr(engine, "contribution", too_small)
        assert "12 leavers" in pooling.contribute(acme.tenant, None, as_of=DAY, by=MAKER)
        with acme.here():
            assert not PoolContribution.objects.exists()


@pytest.mark.django_db
class TestLadder:
    def test_four_leavers_without_consent_are_refused_whatever_the_pool_says(self, acme, pool):
        with pytest.raises(training.TooLittle, match=r"4 accounts were seen to leave.*without consent"):
            train(acme)
        with acme.here():
            assert not ChurnModel.objects.exists()

    def test_a_sandbox_reads_no_pool(self, client, acme, pool, monkeypatch):
        """Giving and taking go together, and a sandbox gives nothing: not even one that consented before it was one."""
        consent(acme)
        row = train(acme)
        Tenant.objects.filter(pk=acme.tenant.pk).update(environment="sandbox")
        acme.tenant.refresh_from_db()
        rows = landmarks_of(4)[1]
        with pytest.raises(registry.ModelRefused, match="sandbox"):
            pooling.version(acme.tenant, rows, as_of=DAY, facts={}, by=MAKER)
        with pytest.raises(training.TooLittle, match="a sandbox takes no part"):
            train(acme)
        with acme.here():
            row.refresh_from_db()
            assert row.state == "retired", "what it had from the pool goes"
        monkeypatch.setattr(queries, "shared", lambda: pytest.fail("the page asks for no pool"))
        client.force_login(acme.people["ops_admin"].user)
        page = client.get(acme.url("models/pool/")).text
        assert "A sandbox takes no part" in page
        assert "Withdraw consent" in page
        consent(acme, gives=False)
        assert "Give consent" not in client.get(acme.url("models/pool/")).text
        with pytest.raises(services.PoolRefused, match="sandbox"):
            consent(acme)

    def test_consent_alone_is_not_enough(self, acme):
        consent(acme)
        with pytest.raises(training.TooLittle, match="fewer than 3 organisations"):
            train(acme)

    def test_a_pool_whose_workspaces_have_nothing_in_common_is_not_used(self, acme, pool):
        pool.is_sound = False
        consent(acme)
        with pytest.raises(training.TooLittle, match="too little in common"):
            train(acme)

    def test_where_nobody_left_there_is_no_chance_either(self, acme, pool):
        consent(acme)
        with pytest.raises(training.TooLittle, match="cannot be placed"):
            train(acme, left=0)

    def test_with_consent_and_a_pool_four_leavers_get_a_labelled_chance(self, client, acme, pool):
        rich(acme)
        consent(acme)
        row = train(acme)
        assert (row.kind, row.state, row.report["pool"]["workspaces"]) == ("pooled", "advisory", 3)
        assert row.report["pool"]["level"]["seen"] == 4
        assert training.refusals(row.report) == []
        with acme.here():
            assert (
                run_now(jobs.enqueue(acme.tenant, kind=tasks.SCORE, args={"as_of": str(DAY)}).pk).state
                == "done"
            )
            health = AccountHealth.objects.get()
        assert health.p30 <= health.p60 <= health.p90
        assert health.p90_low < health.p90 < health.p90_high
        assert health.chance_flags == ["pooled:3"]
        client.force_login(acme.people["executive"].user)
        for path in (
            "queue/?view=all",
            f"accounts/{health.account_id}/",
            f"models/{row.pk}/",
            "models/pool/",
        ):
            assert SENTENCE in client.get(acme.url(path)).text, path
        assert "Late data" not in client.get(acme.url("queue/?view=all")).text

    def test_the_pool_never_takes_the_place_of_a_model_of_ones_own(self, acme, pool):
        from tests.scoring.models_by_hand import by_hand as model
        from tests.scoring.models_by_hand import curve, register

        own = register(acme, model(curve("usage.breadth", (0, 1), (1, -1))), as_of=date(2026, 5, 1))
        consent(acme)
        with pytest.raises(training.TooLittle, match="own past, stays in force"):
            train(acme)
        with acme.here():
            own.refresh_from_db()
            assert own.state == "advisory"
            assert ChurnModel.objects.count() == 1


@pytest.mark.django_db
class TestWithdrawal:
    def test_it_takes_the_versions_made_of_the_pool_and_their_chances(self, acme, pool):
        rich(acme)
        consent(acme)
        row = train(acme)
        tasks.score(acme.tenant, lambda *_: None, as_of=str(DAY))
        consent(acme, gives=False)
        with acme.here():
            row.refresh_from_db()
            assert (row.state, row.is_usable) == ("retired", False)
            assert Job.objects.filter(kind=tasks.SCORE, state="queued").count() == 1  # off the lists at once
        tasks.score(acme.tenant, lambda *_: None, as_of=str(DAY))
        with acme.here():
            health = AccountHealth.objects.get()
        assert (health.p90, health.at_stake, health.chance_flags) == (None, None, [])
        with pytest.raises(training.TooLittle, match="without consent"):
            train(acme)

    def test_in_the_middle_of_a_training_it_lets_no_version_through(self, acme, pool, monkeypatch):
        consent(acme)
        fitted_for = engine.fitted_for

        def withdrawn_meanwhile(found, stack):
            consent(acme, gives=False)
            return fitted_for(found, stack)

        monkeypatch.setattr(engine, "fitted_for", withdrawn_meanwhile)
        with pytest.raises(registry.ModelRefused, match="withdrawn meanwhile"):
            train(acme)
        with acme.here():
            assert not ChurnModel.objects.exists()

    def test_where_the_pool_falls_apart_the_next_training_ends_what_rested_on_it(
        self, acme, pool, monkeypatch
    ):
        consent(acme)
        row = train(acme)
        monkeypatch.setattr(queries, "shared", lambda: None)
        with pytest.raises(training.TooLittle, match="fewer than 3 organisations"):
            train(acme)
        with acme.here():
            row.refresh_from_db()
            assert row.state == "retired"


def test_the_workers_make_the_pool_and_nobody_sees_whose_it_is(committed_db):
    """Real commits and the two roles: three hand on, a fourth does not, one withdraws."""
    worlds = [committed_world(slug) for slug in ("acme", "globex", "initech", "umbrella")]
    for at, world in enumerate(worlds[:3]):
        with tenant_transaction(world.tenant.pk):
            document = engine.to_json(by_hand(level=-4.4 - 0.1 * at))
            PoolContribution.objects.create(tenant=world.tenant, document=document, as_of=DAY)
            services.set_consent(world.tenant, consents=True, why="Yes.", by=MAKER)
    with as_role("worker"):
        row = pooling.renew()
        assert (row.workspaces, row.is_sound) == (3, True)
        assert engine.pool_from_json(row.document).level == pytest.approx(-4.5)
    for at, world in enumerate(worlds):
        with tenant_transaction(world.tenant.pk):
            assert PoolContribution.objects.count() == (at < 3)
            assert len(queries.all_contributions()) == (at < 3)  # asked as the pages' role: one's own alone
            assert queries.shared().workspaces == 3
    with pytest.raises(Error, match="permission denied"), transaction.atomic():
        SharedPool.objects.all().delete()
    with pytest.raises(Error, match="permission denied"), transaction.atomic():
        SharedPool.objects.update(workspaces=9)
    with tenant_transaction(worlds[0].tenant.pk):
        services.set_consent(worlds[0].tenant, consents=False, why="No.", by=MAKER)
        assert not PoolContribution.objects.exists()
    with as_role("worker"):
        assert pooling.renew() is None
    assert queries.shared() is None


def hands_on(slug, *, level=-4.5, environment="production", organisation=None):
    with transaction.atomic():
        world = make_world(slug, environment=environment)
        if organisation is not None:
            Tenant.objects.filter(pk=world.tenant.pk).update(organisation=organisation)
    with tenant_transaction(world.tenant.pk):
        document = engine.to_json(by_hand(level=level))
        PoolContribution.objects.create(tenant=world.tenant, document=document, as_of=DAY)
    return world


def test_three_organisations_are_needed_and_each_counts_once(committed_db):
    acme = hands_on("acme")
    hands_on("acme-eu", level=-4.8, organisation=acme.tenant.organisation)
    hands_on("globex")
    hands_on("initech-try", environment="sandbox")
    with as_role("worker"):
        assert pooling.renew() is None
        levels = [engine.from_json(each).timing[0] for each in queries.all_contributions()]
        assert sorted(levels) == pytest.approx([-4.8, -4.5])  # of Acme's two the newer one
    hands_on("umbrella")
    with as_role("worker"), CaptureQueriesContext(connection) as asked:
        first = pooling.renew()
    assert first.workspaces == 3
    with as_role("worker"):
        assert pooling.renew().made_at > first.made_at, "when the mean was made, not when the first one was"
    (lock,) = [at for at, sql in statements(asked) if "pg_advisory_xact_lock" in sql]
    (read,) = [at for at, sql in statements(asked) if "scoring_poolcontribution" in sql]
    assert lock < read


def test_the_workers_write_what_their_own_tenant_hands_on_alone(committed_db):
    acme, _ = hands_on("acme"), hands_on("globex")
    with as_role("worker"), tenant_transaction(acme.tenant.pk):
        everybodys = PoolContribution.objects.across_tenants()
        assert everybodys.count() == 2
        assert everybodys.update(as_of=DAY) == 1
        assert everybodys.delete()[0] == 1
