"""Runs with real commits: what a run that breaks off leaves behind, and that nothing stays open or locked."""

import pytest
from django.db import connection, transaction

from scoring import pipeline, queries, writing
from scoring.models import HealthSnapshot, ScoreRun
from tenants.scoping import tenant_transaction
from tests.scoring.evidence import DAY, MAKER, rich
from tests.worlds import make_world


@pytest.fixture
def acme(committed_db):
    with transaction.atomic():
        world = make_world("acme")
        for name in ("First", "Second", "Third"):
            rich(world, name)
    return world


def state(world):
    with tenant_transaction(world.tenant.pk):
        return {
            "runs": ScoreRun.objects.for_tenant(world.tenant).count(),
            "snapshots": HealthSnapshot.objects.filter(tenant=world.tenant).count(),
            "newest": queries.latest_as_of(world.tenant),
        }


def test_a_run_that_breaks_off_is_not_read_and_the_next_one_is_whole(acme, monkeypatch):
    monkeypatch.setattr(writing, "BLOCK", 1)
    write_block, written = writing._Writer.write_block, []

    def fail_at_the_third(self, first, last):
        if len(written) == 2:
            raise RuntimeError("the power went out")
        written.append(first)
        write_block(self, first, last)

    with monkeypatch.context() as outage:
        outage.setattr(writing._Writer, "write_block", fail_at_the_third)
        with pytest.raises(RuntimeError, match="power"):
            pipeline.score_day(acme.tenant, as_of=DAY, by=MAKER)
    assert state(acme) == {"runs": 1, "snapshots": 2, "newest": None}

    run = pipeline.score_day(acme.tenant, as_of=DAY, by=MAKER)
    assert (run.is_unchanged, run.accounts) == (False, 3)
    assert state(acme) == {"runs": 2, "snapshots": 5, "newest": DAY}
    with tenant_transaction(acme.tenant.pk):
        assert len(list(queries.snapshots_by_priority(acme.tenant, as_of=DAY))) == 3


def test_a_run_leaves_no_transaction_stage_or_lock(acme):
    pipeline.score_day(acme.tenant, as_of=DAY, by=MAKER)
    assert not connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.score_stage')")
        assert cursor.fetchone()[0] is None
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == 0


def test_blocks_of_any_size_give_the_same_figures(acme, monkeypatch):
    from scoring.features.load import load

    whole = pipeline.evaluate(acme.tenant, as_of=DAY)
    monkeypatch.setitem(load.__globals__, "BLOCK", 1)
    split = pipeline.evaluate(acme.tenant, as_of=DAY)
    assert whole.fingerprint == split.fingerprint
    assert (whole.health.health == split.health.health).all()
