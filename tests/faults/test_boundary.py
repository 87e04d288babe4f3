"""Faults 35 to 39: the tenant forgotten, tenants mixed on one connection, a hostile app role, rights that end."""

import contextlib
import json
import random
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone
from psycopg import sql

from config.serving import _gunicorn
from tests.faults import load
from tests.faults.furnish import furnish
from tests.faults.house import free_port

BOUNDARY = {"DJANGO_SETTINGS_MODULE": "tests.faults.settings_boundary"}
MINE, THEIRS = "Acme own customer", "Globex own customer"  # nothing that HTML would escape


@pytest.fixture
def both(house):
    """Each tenant with an account, a note, an event and a job; the ids."""
    found = {}
    for slug, name in (("acme", MINE), ("globex", THEIRS)):
        world = house.world(slug)
        account = load.an_account(house, world, name)
        from accounts import services
        from jobs import services as jobs

        with house.here(world):
            services.add_note(world.tenant, account_id=account, text=f"Note on {name}", by=world.actor("csm"))
            jobs.enqueue(world.tenant, kind="faults.quick", args={})
        found[slug] = (world, account)
    return found


# --- 35: the tenant forgotten ---------------------------------------------------------------------


def test_fault_35_without_the_middleware_no_page_shows_a_row(house, both):
    house.web(FAULTS_WITHOUT_BOUNDARY=1, **BOUNDARY)
    browser = house.browser().sign_in("csm@acme.example")
    account = both["acme"][1]
    paths = ["accounts/", f"accounts/{account}/", "queue/", "plays/", "approvals/", "audit/", "faults/names/"]
    for path in [*(f"/t/acme/{path}" for path in paths), "/faults/bare/", "/admin/"]:
        answer = browser.get(path)
        assert answer.status_code in (302, 404, 500), f"{path}: {answer.status_code}"
        assert MINE not in answer.text, path
        assert THEIRS not in answer.text, path
    assert browser.get("/faults/bare/").status_code == 500
    assert "NoActiveTenant" in house.running[-1].output()
    refused = browser.post(load.note_path(account), {"text": "Into nowhere"})
    assert refused.status_code in (404, 500)
    assert house.one("SELECT count(*) FROM accounts_note WHERE text = 'Into nowhere'") == 0


BARE = {
    "a manager": "from accounts.models import Account; print(list(Account.objects.all()))",
    "a manager told the tenant": (
        "from accounts.models import Account; from tenants.models import Tenant;"
        "print(list(Account.objects.for_tenant(Tenant.objects.get(slug='acme'))))"
    ),
    "a sweep": "from accounts.models import Account; print(list(Account.objects.across_tenants()))",
    "raw SQL": (
        "from django.db import connection; c = connection.cursor();"
        "c.execute('SELECT name FROM accounts_account'); print(c.fetchall())"
    ),
    "a job's handler": (
        "from jobs.registry import kinds; from tenants.models import Tenant;"
        "print(kinds['jobs.tidy'].handler(Tenant.objects.get(slug='acme'), None))"
    ),
    "a write": (
        "from accounts.models import Account; from tenants.models import Tenant;"
        "print(Account.objects.create(tenant=Tenant.objects.get(slug='acme'), name='x', external_id='x'))"
    ),
    "the search function": (
        "from django.db import connection; c = connection.cursor();"
        "c.execute('SELECT * FROM search_accounts(%s, 10)', ['own customer']); print(c.fetchall())"
    ),
}


EACH = """
import json
for what, code in {bare!r}.items():
    try:
        exec(code)
        print(json.dumps([what, "no error"]))
    except Exception as error:
        print(json.dumps([what, repr(error)]))
"""
LOUD = ("NoActiveTenant", "app.tenant_id", "invalid input syntax for type bigint")


@pytest.mark.parametrize("role", ["app", "worker"])
def test_fault_35_a_shell_without_a_tenant_gets_an_error_from_everything(house, both, role):
    bare = dict(BARE)
    if role == "worker":
        del bare["a job's handler"]  # sweeps may see jobs; accounts are on no list
    done = house.manage("shell", "-c", EACH.format(bare=bare), HOLDFAST_DB_ROLE=role)
    lines = [json.loads(line) for line in done.output().splitlines() if line.startswith("[")]
    found = {what: error for what, error in lines if isinstance(what, str)}
    assert set(found) == set(bare), done.output()
    for what, error in found.items():
        assert any(word in error for word in LOUD), f"{what}: {error}"
    assert MINE not in done.output()
    assert THEIRS not in done.output()


# --- 36: two tenants on one connection ------------------------------------------------------------


def test_fault_36_a_thousand_requests_of_two_tenants_on_one_connection_see_no_foreign_row(house, both):
    house.port = free_port()
    argv = _gunicorn("127.0.0.1", house.port)
    argv[argv.index("--workers") + 1] = argv[argv.index("--threads") + 1] = "1"
    house.wait_ready(house.start("web", argv, HOLDFAST_DB_ROLE="app", HOLDFAST_ACCESS_LOG="0", **BOUNDARY))
    people = {slug: house.browser().sign_in(f"csm@{slug}.example") for slug in both}
    names = {"acme": MINE, "globex": THEIRS}
    dice, seen, sessions = random.Random(36), Counter(), set()
    for number in range(1000):
        slug, other = dice.sample(["acme", "globex"], 2)
        kind = dice.choices(
            ["names", "foreign id", "foreign address", "page", "raise", "statement", "answer", "rollback", "session"],
            [50, 15, 10, 5, 5, 5, 5, 4, 1],
        )[0]  # fmt: skip
        status, text = ask(people[slug], slug, other, kind, both)
        told = f"request {number}, {kind} of {slug}: {status}\n{text[:300]}\n{house.report()}"
        assert names[other] not in text, told
        wanted = {"names": 200, "foreign id": 200, "foreign address": 404, "page": 200}.get(kind, 500)
        assert status == wanted or (kind == "session" and status == 503), told
        assert (names[slug] in text) == (kind in ("names", "page")), told
        seen[kind] += 1
        if number % 50 == 0:
            sessions |= {pid for (pid,) in house.sql(
                "SELECT pid FROM pg_stat_activity WHERE usename = 'holdfast_app' AND application_name = ''"
                " AND datname = current_database() AND query NOT LIKE '%%django_migrations%%'"
            )}  # fmt: skip
    assert min(seen.values()) > 0, seen
    assert house.one("SELECT count(*) FROM accounts_note WHERE text LIKE 'broken%%'") == 0, (
        "a failed request wrote"
    )
    assert len(sessions) <= seen["session"] + 3, f"no pooled connection: {sessions}"


def ask(browser, slug, other, kind, both):
    if kind == "names":
        answer = browser.get(f"/t/{slug}/faults/names/")
    elif kind == "foreign id":
        answer = browser.get(f"/t/{slug}/faults/names/?with={both[other][1]}")
    elif kind == "foreign address":
        answer = browser.get(f"/t/{other}/faults/names/")
    elif kind == "page":
        answer = browser.get(f"/t/{slug}/accounts/rows/")
    else:
        answer = browser.get(f"/t/{slug}/faults/breaks/{kind}/")
    return answer.status_code, answer.text


# --- 37: a hostile app role -----------------------------------------------------------------------

TABLES = """
SELECT c.relname, c.relkind IN ('v', 'm') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND EXISTS (
  SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
ORDER BY 1
"""
# who is a member where, and which tenant a token opens, is asked before any tenant is set (ADR 0002); of a token only
# its digest is kept
OUTSIDE = {"tenants_membership", "tenants_servicetoken"}


@contextlib.contextmanager
def intruder(house, world, role="app"):
    """The app role with its password and nothing of our Python, in acme's name."""
    params = {**house.server.params(role), "dbname": house.database}
    with psycopg.connect(**params) as session:
        session.execute("SELECT set_config('app.tenant_id', %s, false)", [str(world.tenant.pk)])
        session.commit()
        yield session


def attempt(session, statement, values=None):
    """What comes of it: rows, or the error. The session goes on either way."""
    try:
        with session.transaction():
            found = session.execute(statement, values)
            return found.fetchall() if found.description else found.rowcount
    except psycopg.Error as error:
        return error


def foreign_rows(house, table, tenant_id):
    return house.sql(
        sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)), tenant_id
    )[0][0]


def test_fault_37_no_table_partition_or_view_gives_the_app_role_a_foreign_row(house, both):
    acme, globex = both["acme"][0], both["globex"][0]
    tables = [name for name, _ in house.sql(TABLES) if name not in OUTSIDE]
    assert len(tables) > 60, tables
    furnish(house, globex)
    counts = {table: foreign_rows(house, table, globex.tenant.pk) for table in tables}
    held = {table: count for table, count in counts.items() if count}
    assert len(held) > 0.6 * len(tables), f"nothing to find in {sorted(set(tables) - set(held))}"
    with intruder(house, acme) as session:
        for table in tables:
            name = sql.Identifier(table)
            for statement in (
                "SELECT * FROM {} WHERE tenant_id = %s",
                "SELECT * FROM {} WHERE tenant_id <> %s",
            ):
                wanted = globex.tenant.pk if " = " in statement else acme.tenant.pk
                found = attempt(session, sql.SQL(statement).format(name), [wanted])
                assert found == [] or refused(found), f"{table}: {found}"
            for statement in ("UPDATE {} SET tenant_id = tenant_id WHERE tenant_id = %s",
                              "DELETE FROM {} WHERE tenant_id = %s"):  # fmt: skip
                found = attempt(session, sql.SQL(statement).format(name), [globex.tenant.pk])
                assert found == 0 or refused(found), f"{table}: {found}"
            assert refused(attempt(session, sql.SQL("TRUNCATE {}").format(name))), table
            copied = copy_out(session, name)
            assert refused(copied) or str(globex.tenant.pk) not in copied, f"{table}: COPY {copied}"
    assert {table: foreign_rows(house, table, globex.tenant.pk) for table in held} == held, "rows are gone"


def refused(found):
    return isinstance(found, psycopg.Error)


def copy_out(session, name):
    """The tenants of all that COPY gives."""
    try:
        with (
            session.transaction(),
            session.cursor().copy(sql.SQL("COPY {} (tenant_id) TO STDOUT").format(name)) as copy,
        ):
            return {row[0] for row in copy.rows()}
    except psycopg.Error as error:
        return error


def test_fault_37_copy_in_plans_statistics_and_functions_tell_nothing(house, both):
    (acme, _), (globex, theirs) = both["acme"], both["globex"]
    house.sql("ANALYZE")
    with intruder(house, acme) as session:
        with (
            pytest.raises(psycopg.Error, match=r"row-level security|not supported"),
            session.transaction(),
            session.cursor().copy("COPY accounts_note (tenant_id) FROM STDIN") as copy,
        ):
            copy.write_row([globex.tenant.pk])
        plan = "\n".join(
            row[0] for row in attempt(
                session, "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM accounts_account WHERE id = %s", [theirs]
            )
        )  # fmt: skip
        assert THEIRS not in plan
        assert "rows=0" in plan
        assert "current_setting" in plan, plan
        told = attempt(
            session, "SELECT tablename, most_common_vals::text, histogram_bounds::text FROM pg_stats"
        )
        assert refused(told) or not any(THEIRS in str(row) for row in told)
        assert not [row for row in told if row[0] in ("accounts_account", "accounts_note")], (
            "statistics of rows"
        )
        for found in called(session, ROLES_FUNCTIONS["app"]):
            assert refused(found) or theirs not in [row[0] for row in found], found
        for escape in (
            "SET row_security = off; SELECT * FROM accounts_account",
            "SET ROLE holdfast_owner",
            "SET ROLE holdfast_search",
            "SET SESSION AUTHORIZATION holdfast_owner",
            "ALTER TABLE accounts_account NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY tenant_isolation ON accounts_account",
            "CREATE FUNCTION peek() RETURNS text LANGUAGE sql AS 'SELECT 1'",
            "COPY accounts_account TO PROGRAM 'cat'",
            "SELECT pg_read_file('PG_VERSION')",
            "SELECT lo_import('/etc/passwd')",
        ):
            assert refused(attempt(session, escape)), escape
    assert house.one("SELECT count(*) FROM accounts_account WHERE name = %s", THEIRS) == 1


# every function that runs as the tables' owner, by the role that may call it
ROLES_FUNCTIONS = {"app": {"search_accounts", "ensure_partition", "refresh_statistics", "erase_text"}}
ROLES_FUNCTIONS["worker"] = ROLES_FUNCTIONS["app"] | {"drop_partition", "forget_attempts"}
# with arguments that look for the other's rows; a name that is missing here fails
TRIES = {
    "search_accounts": [
        "SELECT * FROM search_accounts('Globex', 50)",
        "SELECT * FROM search_accounts('%', 50)",
        "SELECT * FROM search_accounts('own customer', 50)",
    ],
    "ensure_partition": ["SELECT ensure_partition('accounts_account', current_date)"],
    "refresh_statistics": ["SELECT refresh_statistics(ARRAY['accounts_account'])"],
    "erase_text": [
        "SELECT erase_text('audit_eventwords', n, 'text', 'gone') FROM generate_series(1, 500) n",
        "SELECT erase_text('approvals_approvalrequest', n, 'why', 'gone') FROM generate_series(1, 500) n",
        "SELECT erase_text('accounts_account', n, 'name', 'gone') FROM generate_series(1, 500) n",
        "SELECT erase_text('tenants_user', n, 'email', 'gone') FROM generate_series(1, 500) n",
    ],
    "drop_partition": [
        "SELECT drop_partition('accounts_account', '2020-01-01')",
        "SELECT drop_partition('audit_event', current_date)",
        "SELECT drop_partition('audit_event; DROP TABLE accounts_note', '2020-01-01')",
    ],
    "forget_attempts": [
        "SELECT forget_attempts(now(), 1000)", "SELECT forget_attempts(now() - interval '91 days', 1000)",
    ],
}  # fmt: skip


def called(session, expected):
    """What each function of ours that this role may call answers."""
    ours = attempt(
        session,
        "SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'public' AND has_function_privilege(p.oid, 'EXECUTE') AND p.prosecdef",
    )
    assert {name for (name,) in ours} == expected, "say what it may do, and try it on the other tenant's rows"
    for name in sorted(expected):
        for statement in TRIES[name]:
            yield attempt(session, statement)


WORDS = """
SELECT (SELECT count(*) FROM audit_eventwords WHERE tenant_id = {0} AND text <> 'gone' AND erased_at IS NULL),
       (SELECT count(*) FROM approvals_approvalrequest WHERE tenant_id = {0} AND why <> 'gone'),
       (SELECT count(*) FROM integrations_writeattempt WHERE tenant_id = {0}),
       (SELECT count(*) FROM accounts_account WHERE tenant_id = {0} AND name <> 'gone'),
       (SELECT count(*) FROM audit_event WHERE tenant_id = {0})
"""


@pytest.mark.parametrize("role", sorted(ROLES_FUNCTIONS))
def test_fault_37_what_runs_as_the_owner_reaches_no_row_of_another(house, both, role):
    from integrations.models import WriteAttempt, WriteIntent

    (acme, _), (globex, theirs) = both["acme"], both["globex"]
    furnish(house, globex)
    with house.here(globex):
        intent = WriteIntent.objects.for_tenant(globex.tenant).earliest("pk")
        WriteAttempt.objects.create(
            tenant=globex.tenant, intent=intent, attempt=9, started_at=timezone.now() - timedelta(days=800),
            milliseconds=1, outcome="done", request_hash="x", request_body="x",
        )  # fmt: skip
    before = house.sql(WORDS.format(globex.tenant.pk))
    assert all(before[0]), before
    with intruder(house, acme, role) as session:
        for found in called(session, ROLES_FUNCTIONS[role]):
            assert refused(found) or theirs not in [row[0] for row in found], found
    assert house.sql(WORDS.format(globex.tenant.pk)) == before


def test_fault_37_whoever_changes_the_tenant_of_the_session_is_who_the_policy_does_not_stop(house, both):
    """Written down, not wished away: injected SQL could switch tenants, so no SQL is built from input (PLATFORM 3)."""
    acme = both["acme"][0]
    with intruder(house, acme) as session:
        session.execute("SELECT set_config('app.tenant_id', %s, true)", [str(both["globex"][0].tenant.pk)])
        names = [row[0] for row in session.execute("SELECT name FROM accounts_account")]
    assert names == [THEIRS]


# --- 38, 39: rights that end ----------------------------------------------------------------------


def pages_of(account):
    base = f"/t/acme/accounts/{account}/"
    return [base, f"{base}panels/notes/", f"{base}evidence/"]


def statuses(browser, account):
    return {browser.get(path).status_code for path in pages_of(account)}


def test_fault_38_a_share_taken_back_closes_the_page_with_the_next_request(house):
    from accounts import services

    house.web()
    world = house.world()
    account = load.an_account(house, world, MINE)
    with house.here(world):
        share = services.share_account(
            world.tenant,
            account_id=account,
            member_id=world.csm2.pk,
            reason="Holidays",
            by=world.actor("csm"),
        )
    guest = house.browser().sign_in("csm2@acme.example")
    assert statuses(guest, account) == {200}
    owner = house.browser().sign_in("csm@acme.example")
    ended = owner.post(f"/t/acme/accounts/{account}/shares/{share.pk}/end/", {})
    assert ended.status_code == 303, ended.text[:500]
    check_shut_out(house, guest, account)
    assert statuses(owner, account) == {200}


def test_fault_38_an_account_moved_to_another_owner_closes_the_page_with_the_next_request(house):
    from accounts import grants
    from accounts.models import Account

    house.web()
    world = house.world()
    account = load.an_account(house, world, MINE)
    before = house.browser().sign_in("csm@acme.example")
    after = house.browser().sign_in("csm2@acme.example")
    assert statuses(before, account) == {200}
    assert statuses(after, account) == {404}
    with transaction.atomic(), house.here(world):
        Account.objects.filter(pk=account).update(owner_email="csm2@acme.example")
        grants.sync(world.tenant, account_ids=[account])
    check_shut_out(house, before, account)
    assert statuses(after, account) == {200}


def check_shut_out(house, browser, account):
    """Page, panels, polls and writes alike, and no list or search gives it away."""
    assert statuses(browser, account) == {404}, house.report()
    assert browser.get(pages_of(account)[1], headers={"HX-Request": "true"}).status_code == 404
    assert browser.post(load.note_path(account), {"text": "Still here"}).status_code == 404
    for path in ("/t/acme/accounts/", "/t/acme/accounts/rows/", "/t/acme/search/results/?q=customer"):
        assert MINE not in browser.get(path).text, path
    assert house.one("SELECT count(*) FROM accounts_note") == 0


def test_fault_39_a_person_shut_out_is_refused_with_the_next_request_everywhere(house):
    house.web()
    world = house.world()
    account = load.an_account(house, world, MINE)
    auditor = house.browser().sign_in("auditor@acme.example")
    asked = auditor.post("/t/acme/audit/export/", {"format": "csv"})
    assert asked.status_code in (302, 303), asked.text[:500]
    waiting = house.one("SELECT id FROM jobs_job WHERE kind = 'audit.export'")
    assert auditor.get("/t/acme/audit/").status_code == 200
    admin = house.browser().sign_in("ops_admin@acme.example")
    form = {"role": "auditor", "team": "", "is_active": ""}
    done = admin.post(f"/t/acme/settings/people/{world.auditor.pk}/", form)
    assert done.status_code == 303, done.text[:3000]
    for path in (
        "/t/acme/audit/",
        "/t/acme/accounts/",
        *pages_of(account),
        f"/t/acme/audit/exports/{waiting}/",
    ):
        answer = auditor.get(path)
        assert answer.status_code in (302, 404), f"{path}: {answer.status_code}"
        assert MINE not in answer.text
    assert auditor.get("/t/acme/audit/rows/", headers={"HX-Request": "true"}).status_code in (401, 404)
    assert auditor.post("/t/acme/audit/export/", {"format": "csv"}).status_code in (302, 403, 404)
    house.worker()
    house.wait_job(waiting, "dead")
    assert "may no longer export" in house.job(waiting)[2]
    assert not exported(house)


RUN_JOB = "import sys; from jobs import runner; runner.run({})"


def exported(house):
    return [path for path in (house.var / "exports").rglob("*") if path.is_file()]


def test_fault_39_an_export_under_way_gives_nothing_to_a_person_shut_out_meanwhile(house):
    from audit import exports
    from jobs import services
    from tests.faults.servers import superuser

    world = house.world()
    with house.here(world):
        args = {"membership_id": world.auditor.pk, "filters": {}, "form": "csv"}
        job = services.enqueue(world.tenant, kind=exports.KIND, args=args, by=world.actor("auditor")).pk
    with superuser(house.server, house.database) as session, session.transaction():
        session.execute("LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE")
        code = f"import django; django.setup(); {RUN_JOB.format(job)}"
        running = house.python("-c", code, name="export", HOLDFAST_DB_ROLE="worker")
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'holdfast_worker'"
        house.wait_until(lambda: house.one(blocked), "the export to stand at the lock", alive=running)
        house.sql("UPDATE tenants_user SET is_active = false WHERE email = 'auditor@acme.example'")
    assert running.wait() == 0, running.output()
    assert house.job(job)[0] == "dead", house.job(job)
    assert "may no longer export" in house.job(job)[2]
    assert not exported(house), "the file was left behind"


def test_fault_39_a_revoked_token_is_refused_with_the_next_call(house):
    from tenants import identities

    house.web()
    world = house.world()
    with house.here(world):
        identity, token = identities.create_identity(
            world.tenant, name="Directory", scopes=["scim"], by=world.actor("ops_admin")
        )
    program = house.browser()
    bearer = {"Authorization": f"Bearer {token}"}
    path = "/t/acme/scim/v2/Users"
    assert program.get(path, headers=bearer).status_code == 200, house.report()
    admin = house.browser().sign_in("ops_admin@acme.example")
    assert admin.post(f"/t/acme/services/{identity.pk}/revoke/", {}).status_code == 303
    assert program.get(path, headers=bearer).status_code == 401
