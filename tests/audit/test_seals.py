"""Seals over committed events, and what shows when somebody with power over the database rewrites history."""

import json
import re
from itertools import pairwise

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction

from audit import partitions, sealing, verification
from audit.models import AuditSeal
from tenants.access import SYSTEM, Actor
from tenants.scoping import tenant_transaction
from tests.audit import real
from tests.conftest import _superuser


@pytest.fixture
def acme(quiet_db):
    return real.committed_world("acme")


@pytest.fixture
def globex(acme):
    return real.committed_world("globex")


@pytest.fixture
def superuser(quiet_server, quiet_db):
    """Somebody whom neither privileges nor triggers stop."""
    with _superuser(quiet_server, quiet_db) as session:
        session.execute("SET session_replication_role = replica")
        yield session


def seal_all(world, key):
    real.wait_until_settled(world, key)
    while sealing.seal_next(world.tenant):
        pass
    with tenant_transaction(world.tenant.pk):
        return list(AuditSeal.objects.order_by("seq"))


def verify(world):
    return verification.verify(world.tenant, by=SYSTEM)


def three_seals(world):
    for words in (["one", "two"], ["three"], ["four", "five", "six"]):
        seals = seal_all(world, real.say(world, *words))
    return seals


def test_seals_follow_each_other_without_gap(acme):
    seals = three_seals(acme)
    assert [seal.seq for seal in seals] == list(range(1, len(seals) + 1))
    assert seals[0].previous_hash == "0" * 64
    for earlier, later in pairwise(seals):
        assert later.previous_hash == earlier.seal_hash
        assert later.first_key > earlier.last_key
    assert seals[-1].event_count == 3
    report = verify(acme)
    assert report.ok
    assert report.seals == len(seals)
    assert report.events == sum(seal.event_count for seal in seals)


def test_there_is_something_to_seal_only_after_something_happened(acme):
    seal_all(acme, real.say(acme, "one"))
    with tenant_transaction(acme.tenant.pk):
        assert not sealing.has_unsealed(acme.tenant)
    real.wait_until_settled(acme, real.say(acme, "two"))
    with tenant_transaction(acme.tenant.pk):
        assert sealing.has_unsealed(acme.tenant)


def test_big_backlogs_are_cut_into_seals(acme, monkeypatch):
    monkeypatch.setattr(sealing, "EVENTS_A_SEAL", 4)
    monkeypatch.setattr(verification, "CHUNK", 3)
    last = real.say(acme, *map(str, range(11)))
    real.wait_until_settled(acme, last)
    told = []
    sealing.run(acme.tenant, told.append)
    with tenant_transaction(acme.tenant.pk):
        counts = list(AuditSeal.objects.order_by("seq").values_list("event_count", flat=True))
    assert set(counts[:-1]) == {4}
    assert told[-1] == sum(counts)
    assert verify(acme).ok


def test_a_sealer_that_dies_before_its_commit_leaves_nothing(acme, monkeypatch):
    real.wait_until_settled(acme, real.say(acme, "one"))
    write = sealing._write

    def die(*args):
        write(*args)
        raise SystemExit

    monkeypatch.setattr(sealing, "_write", die)
    with pytest.raises(SystemExit):
        sealing.seal_next(acme.tenant)
    monkeypatch.setattr(sealing, "_write", write)
    assert sealing.seal_next(acme.tenant).seq == 1
    assert sealing.seal_next(acme.tenant) is None
    assert verify(acme).ok


def seal_impatiently(world):
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
        sealing.seal_next(world.tenant)


def test_two_sealers_at_once_make_one_seal(acme, quiet_server):
    real.wait_until_settled(acme, real.say(acme, "one"))
    with real.in_other_session(real.app_params(quiet_server)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", [sealing._LOCK_CLASS, acme.tenant.pk])
        with pytest.raises(Error, match="lock timeout"):
            seal_impatiently(acme)
        other.commit()
    assert sealing.seal_next(acme.tenant).seq == 1


TAMPERING = {
    "a changed text": (
        "UPDATE audit_event SET actor_label = 'Nobody' WHERE id = %(id)s",
        "an event was changed",
    ),
    "a changed value": (
        """UPDATE audit_event SET diff = jsonb_set(diff, '{after,word}', '"else"') WHERE id = %(id)s""",
        "an event was changed",
    ),
    "a moved time": (
        "UPDATE audit_event SET at = at + interval '1 microsecond' WHERE id = %(id)s",
        "was changed",
    ),
    "an account taken off": ("UPDATE audit_event SET account_id = 1 WHERE id = %(id)s", "was changed"),
    "a deleted event": ("DELETE FROM audit_event WHERE id = %(id)s", "1 of 3 events is missing"),
    "an event slipped in": (
        "INSERT INTO audit_event (tenant_id, id, epoch, xid, verb, actor_kind, actor_id, actor_label) "
        "SELECT tenant_id, 0, epoch, xid, verb, actor_kind, actor_id, 'Planted' FROM audit_event WHERE id = %(id)s",
        "1 event was added",
    ),
    "a moved place": ("UPDATE audit_event SET xid = 1 WHERE id = %(id)s", "events"),
    "a rewritten seal": (
        "UPDATE audit_auditseal SET merkle_root = repeat('0', 64) WHERE tenant_id = %(tenant)s AND seq = %(seq)s",
        "the seal",
    ),
    "a seal's wrong count": (
        "UPDATE audit_auditseal SET event_count = 2 WHERE tenant_id = %(tenant)s AND seq = %(seq)s",
        "1 event was added",
    ),
    "a deleted seal": (
        "DELETE FROM audit_auditseal WHERE tenant_id = %(tenant)s AND seq = %(seq)s - 1",
        "are missing",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_as_superuser_shows(acme, globex, superuser, what):
    seals = three_seals(acme)
    three_seals(globex)
    assert verify(acme).ok
    statement, said = TAMPERING[what]
    *_, event_id = seals[-1].last_key
    done = superuser.execute(statement, {"id": event_id, "seq": seals[-1].seq, "tenant": acme.tenant.pk})
    assert done.rowcount >= 1
    report = verify(acme)
    assert not report.ok
    assert said in " ".join(map(str, report.faults))
    assert any(fault.seq == seals[-1].seq for fault in report.faults)
    assert verify(globex).ok, "the other tenant's chain is untouched"


def test_a_truncated_month_shows(acme, superuser):
    three_seals(acme)
    month = superuser.execute("SELECT tableoid::regclass::text FROM audit_event LIMIT 1").fetchone()[0]
    superuser.execute(f"ALTER TABLE {month} DISABLE TRIGGER ALL")
    superuser.execute(f"TRUNCATE {month}")
    report = verify(acme)
    assert len(report.faults) == report.seals > 0
    assert all("missing" in fault.what for fault in report.faults)


def test_history_rewritten_and_sealed_anew_differs_from_the_anchor(acme, superuser):
    seals = three_seals(acme)
    with tenant_transaction(acme.tenant.pk):
        sealing.write_anchor(acme.tenant, None)
    assert verify(acme).ok
    *_, event_id = seals[0].last_key
    superuser.execute("UPDATE audit_event SET actor_label = 'Nobody' WHERE id = %s", [event_id])
    superuser.execute("DELETE FROM audit_auditseal")
    while sealing.seal_next(acme.tenant):
        pass
    report = verify(acme)
    assert [fault.what.partition(" of ")[0] for fault in report.faults] in (
        ["differs from the anchor"],
        ["anchored once, gone now"],
    )


def test_the_app_role_cannot_rewrite_or_empty_the_log(acme):
    three_seals(acme)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relispartition AND relname LIKE 'audit_event_%%' ORDER BY 1"
        )
        month = cursor.fetchall()[0][0]
    for statement in (
        "UPDATE audit_event SET verb = 'tests.other'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        f"TRUNCATE {month}",
        f"DELETE FROM {month}",
        f"SELECT 1 FROM {month}",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "UPDATE audit_auditseal SET seq = 0",
        "DELETE FROM audit_auditseal",
        "UPDATE audit_installation SET epoch = 9",
        "SET session_replication_role = replica",
    ):
        with (
            pytest.raises(Error) as refused,
            tenant_transaction(acme.tenant.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege), statement
    assert verify(acme).ok


def test_even_the_owner_is_stopped_by_triggers(acme, quiet_server, quiet_db):
    """By accident, that is: an owner can drop them."""
    three_seals(acme)
    with _superuser(quiet_server, quiet_db) as session:
        month = session.execute("SELECT tableoid::regclass::text FROM audit_event LIMIT 1").fetchone()[0]
        for statement in ("UPDATE audit_event SET verb = 'a.b'", "DELETE FROM audit_event", "TRUNCATE audit_event",
                          f"TRUNCATE {month}", f"DELETE FROM {month}"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                session.execute(statement)


def test_an_older_epoch_counts_as_settled(acme, superuser):
    """After a restore, rows carry transaction ids that may lie in this server's future (DECISIONS 4)."""
    key = real.say(acme, "restored")
    superuser.execute("UPDATE audit_event SET xid = 4611686018427387904 WHERE id = %s", [key[2]])
    seals = seal_all(acme, real.say(acme, "before the epoch rises"))
    assert key[2] not in [seal.last_key[2] for seal in seals]
    superuser.execute("UPDATE audit_installation SET epoch = epoch + 1")
    after = seal_all(acme, real.say(acme, "new"))
    assert [1, 4611686018427387904, key[2]] in [[*seal.first_key] for seal in after]
    assert verify(acme).ok


# --- the command -----------------------------------------------------------------------------


def run_command(capsys, *arguments):
    code = 0
    try:
        call_command("audit_verify", *arguments)
    except CommandError as error:
        code = error.returncode
        print(f"said: {error}")
    return code, *capsys.readouterr()


def test_the_command_says_that_all_holds(acme, globex, capsys, tmp_path):
    three_seals(acme)
    target = tmp_path / "report.json"
    code, out, _ = run_command(capsys, "--json", str(target))
    assert code == 0
    assert re.search(r"acme: \d+ seals over \d+ events hold; \d+ events wait", out)
    assert "globex: 0 seals over 0 events hold" in out
    found = json.loads(target.read_text())
    assert found["ok"] is True
    assert [each["tenant"] for each in found["tenants"]] == ["acme", "globex"]
    code, out, _ = run_command(capsys, "--tenant", "globex", "--json", "-")
    assert json.loads(out)["tenants"][0]["tenant"] == "globex"


def test_the_command_names_tenant_and_range_and_leaves_an_event(acme, superuser, capsys):
    seals = three_seals(acme)
    superuser.execute("DELETE FROM audit_event WHERE id = %s", [seals[-1].last_key[2]])
    code, out, _ = run_command(capsys)
    assert code == 1
    after, upto = tuple(seals[-2].last_key), tuple(seals[-1].last_key)
    assert f"acme: seal {seals[-1].seq}, events after {after} up to {upto}: 1 of 3 events is missing" in out
    assert "The event log of acme does not agree" in out
    with tenant_transaction(acme.tenant.pk):
        from audit.queries import last_verification

        event = last_verification(acme.tenant)
    assert event.diff["after"]["ok"] is False
    assert event.actor_label == Actor.command("audit_verify").label


@pytest.mark.parametrize("arguments", [["--tenant", "nobody"], ["--json", "/nonexistent/report.json"]])
def test_wrong_usage_is_2(acme, capsys, arguments):
    assert run_command(capsys, *arguments)[0] == 2


def test_partitions_are_made_ahead(quiet_db):
    with connection.cursor() as cursor:
        partitions.ensure_ahead()
        partitions.ensure_ahead()
        cursor.execute(
            "SELECT to_regclass('audit_event_' || to_char(now() + interval '6 months', 'YYYYMM')) IS NOT NULL"
        )
        assert cursor.fetchone()[0]
