"""One tenant never sees another: row-level security alone, the ORM's scoping alone, and both under requests.

Each half is tested with the other out of the way, because a promise held twice is only worth something when each
hold would do.
"""

import random

import psycopg
import pytest
from django.apps import apps
from django.db import DataError, Error, IntegrityError, ProgrammingError, connection, transaction
from django.http import HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client, override_settings
from django.urls import path

from accounts.models import Account, Note
from audit import services as audit
from audit.models import AuditEvent
from config import urls as real_urls
from tenants.access import Right, own_transactions, tenant_exempt, tenant_view
from tenants.scoping import NoActiveTenant, TenantModel, active_tenant_id, tenant_context, tenant_transaction

pytestmark = pytest.mark.django_db

TENANT_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relrowsecurity
ORDER BY c.relname
"""


def rows(sql, values=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(sql, values=None, *, errors=Error):
    """Whether the statement fails, without hurting the test's transaction."""
    try:
        with transaction.atomic():
            rows(sql, values)
    except errors as error:
        return str(error)
    return ""


def tenant_tables():
    return [name for (name,) in rows(TENANT_TABLES)]


def tenant_models():
    return [each for each in apps.get_models() if issubclass(each, TenantModel)]


@pytest.fixture
def both(acme, globex):
    """Both tenants with an account, a note and an event each."""
    for world in (acme, globex):
        account = world.add_account(f"{world.tenant.slug} account")
        with world.here():
            Note.objects.create(tenant=world.tenant, account=account, text="x", author_label="x")
            audit.record(world.tenant, verb="test.happened", by=world.actor("csm"), subject=account)
        world.account = account
    return acme, globex


# --- row-level security alone: raw SQL as the app role ------------------------------------------


def test_every_tenant_table_holds_rows_or_is_empty_but_never_shows_the_other(both):
    """Every table with a policy, whatever app it belongs to: nothing of globex, asked straight."""
    acme, globex = both
    tables = tenant_tables()
    assert len(tables) > 40
    with acme.here():
        for table in tables:
            assert rows(f'SELECT count(*) FROM "{table}" WHERE tenant_id <> %s', [acme.tenant.pk]) == [
                (0,)
            ], table
            assert rows(f'SELECT count(*) FROM "{table}" WHERE tenant_id = %s', [globex.tenant.pk]) == [
                (0,)
            ], table
        for table in ("accounts_account", "accounts_note", "tenants_team", "audit_event"):
            assert rows(f'SELECT count(*) > 0 FROM "{table}"') == [(True,)], (
                f"{table}: this test saw no rows at all"
            )


def test_without_a_tenant_every_table_answers_with_an_error(both):
    for (table,) in rows("SELECT name FROM tenants_partitioned_table"):
        rows("SELECT ensure_partition(%s, current_date)", [table])
    for table in tenant_tables():
        said = refused(f'SELECT * FROM "{table}" LIMIT 1', errors=(ProgrammingError, DataError))
        assert "app.tenant_id" in said or "bigint" in said, f"{table}: {said or 'answered'}"


def test_foreign_rows_cannot_be_changed_removed_or_locked(both):
    acme, globex = both
    with acme.here():
        for table in ("accounts_account", "accounts_note", "tenants_team"):
            foreign = [globex.tenant.pk]
            assert rows(f'UPDATE "{table}" SET tenant_id = tenant_id WHERE tenant_id = %s', foreign) == 0
            assert rows(f'DELETE FROM "{table}" WHERE tenant_id = %s', foreign) == 0
            assert rows(f'SELECT 1 FROM "{table}" WHERE tenant_id = %s FOR UPDATE', foreign) == []
        assert rows("UPDATE accounts_account SET name = 'taken' WHERE id = %s", [globex.account.pk]) == 0
    with globex.here():
        assert Account.objects.get(pk=globex.account.pk).name == "globex account"


def test_a_row_cannot_be_written_into_or_moved_to_the_other_tenant(both):
    acme, globex = both
    with acme.here():
        said = refused(
            "INSERT INTO accounts_note (tenant_id, account_id, text, author_label, created_at)"
            " VALUES (%s, %s, 'x', 'x', now())",
            [globex.tenant.pk, globex.account.pk],
        )
        assert "row-level security" in said
        said = refused("UPDATE accounts_note SET tenant_id = %s", [globex.tenant.pk])
        assert "row-level security" in said


def test_a_row_cannot_point_at_the_other_tenants_row(both):
    """The keys are composite, so a foreign id is no parent, and whether it exists is not told."""
    acme, globex = both
    for target in (globex.account.pk, 987_654_321):
        with transaction.atomic(), acme.here():
            rows(
                "INSERT INTO accounts_note (tenant_id, account_id, text, author_label, created_at)"
                " VALUES (%s, %s, 'x', 'x', now())",
                [acme.tenant.pk, target],
            )
            said = refused("SET CONSTRAINTS ALL IMMEDIATE", errors=IntegrityError)
            assert "accounts_note_account_id_fk" in said
            assert "is not present" in said
            transaction.set_rollback(True)


def test_copy_neither_reads_nor_writes_around_the_policy(both):
    acme, globex = both
    with acme.here():
        cursor = connection.connection.cursor()
        with cursor.copy("COPY (SELECT tenant_id FROM accounts_account) TO STDOUT") as copied:
            assert {row[0] for row in copied.rows()} == {str(acme.tenant.pk)}
        with cursor.copy("COPY accounts_account (tenant_id) TO STDOUT") as copied:
            assert {row[0] for row in copied.rows()} == {str(acme.tenant.pk)}
        with transaction.atomic():
            with (
                pytest.raises(psycopg.errors.FeatureNotSupported),
                cursor.copy(
                    "COPY accounts_note (tenant_id, account_id, text, author_label, created_at) FROM STDIN"
                ) as copied,
            ):
                copied.write_row((globex.tenant.pk, globex.account.pk, "x", "x", "2026-01-01"))
            transaction.set_rollback(True)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE accounts_note",
        "ALTER TABLE accounts_note DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_isolation ON accounts_note",
        "CREATE TABLE mine (id int)",
        "SET ROLE holdfast_owner",
        "SET ROLE holdfast_search",
        "SET SESSION AUTHORIZATION holdfast_owner",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "UPDATE audit_event SET verb = 'x'",
        "DELETE FROM audit_event",
    ],
)
def test_the_app_role_cannot_free_itself(both, statement):
    acme, _ = both
    with acme.here():
        said = refused(statement)
    assert "permission denied" in said or "must be owner" in said or "append-only" in said, said


def test_row_security_off_is_an_error_not_a_way_out(both):
    acme, _ = both
    with acme.here(), transaction.atomic():
        rows("SET LOCAL row_security = off")
        assert "row-level security" in refused("SELECT * FROM accounts_account")
        transaction.set_rollback(True)


def test_partitions_cannot_be_asked_around_their_parent(both):
    acme, _ = both
    children = rows(
        "SELECT c.relname FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relkind = 'r'"
    )
    assert children
    with acme.here():
        for (child,) in children:
            assert "permission denied" in refused(f'SELECT * FROM "{child}"'), child


def test_the_search_function_stays_inside(both):
    acme, _ = both
    with acme.here():
        assert rows("SELECT account_id FROM search_accounts('account', 10)") == [(acme.account.pk,)]
        assert rows("SELECT account_id FROM search_accounts('globex', 10)") == []
    assert refused("SELECT * FROM search_accounts('account', 10)")


def test_a_plan_tells_nothing_of_the_other_tenant(both):
    """A function in the query must not get to see foreign rows before the policy has sorted them out."""
    acme, _ = both
    with acme.here(), transaction.atomic():
        rows("CREATE TEMPORARY TABLE seen (name text)")
        rows(
            "CREATE FUNCTION pg_temp.spy(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
            " $$ BEGIN INSERT INTO seen VALUES ($1); RETURN true; END $$"
        )
        rows("SELECT count(*) FROM accounts_account WHERE pg_temp.spy(name)")
        assert rows("SELECT DISTINCT name FROM seen") == [("acme account",)]
        transaction.set_rollback(True)


# --- the ORM's scoping alone: what the SQL says, and what happens where the policy would let pass ---


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_every_manager_writes_the_tenant_into_its_sql(acme, model):
    with tenant_context(acme.tenant.pk):
        for queryset in (model.objects.all(), model.objects.for_tenant(acme.tenant)):
            sql, values = queryset.query.sql_with_params()
            where = sql.split(" WHERE ", 1)[1]
            assert f'"{model._meta.db_table}"."tenant_id" = %s' in where
            assert acme.tenant.pk in values


def test_the_scoping_holds_where_the_policy_would_not(both):
    """The database is told globex, Python acme: then only the ORM stands between, and it shows nothing."""
    acme, globex = both
    with acme.here():
        rows("SELECT set_config('app.tenant_id', %s, true)", [str(globex.tenant.pk)])
        assert rows("SELECT count(*) FROM accounts_account") == [(1,)], "the policy lets globex pass now"
        assert Account.objects.count() == 0
        assert Account.objects.filter(pk=globex.account.pk).first() is None
        assert Account.objects.for_tenant(acme.tenant).count() == 0
        assert Account.objects.filter(pk=globex.account.pk).update(name="taken") == 0
        assert Account.objects.filter(pk=globex.account.pk).delete()[0] == 0
        rows("SELECT set_config('app.tenant_id', %s, true)", [str(acme.tenant.pk)])


def test_a_manager_without_a_tenant_raises_before_it_asks(both, query_count):
    def ask():
        with pytest.raises(NoActiveTenant):
            Account.objects.filter(name="x").exists()

    assert query_count(ask) == 0


# --- contexts, savepoints, errors ---------------------------------------------------------------


def current():
    return rows("SELECT current_setting('app.tenant_id', true)")[0][0]


def test_a_context_inside_a_context_gives_the_outer_one_back(both):
    acme, globex = both
    with acme.here():
        with globex.here():
            assert active_tenant_id() == int(current()) == globex.tenant.pk
        assert active_tenant_id() == int(current()) == acme.tenant.pk
        with transaction.atomic(), globex.here():
            pass
        assert int(current()) == acme.tenant.pk, "a released savepoint keeps the setting of the inner block"
        with pytest.raises(ZeroDivisionError), transaction.atomic(), globex.here():
            raise ZeroDivisionError
        assert active_tenant_id() == int(current()) == acme.tenant.pk
    assert current() == ""


def test_the_real_error_comes_out_of_a_context(acme):
    """After a failed statement the context must not ask again: that error would hide the one that matters."""
    with pytest.raises(DataError, match="division by zero"), transaction.atomic(), acme.here():
        rows("SELECT 1/0")
    with acme.here():
        assert int(current()) == acme.tenant.pk


# --- requests -----------------------------------------------------------------------------------

template = engines["django"].from_string


@tenant_view(right=Right.VIEW_ACCOUNTS)
def lazy_page(request):
    """As class-based views and the admin do it: the rows are read when the response is rendered."""
    return TemplateResponse(
        request,
        template("{% for each in rows %}[{{ each.name }}]{% endfor %}"),
        {"rows": Account.objects.all()},
    )


@tenant_view(right=Right.VIEW_ACCOUNTS)
def writes_then(request, what):
    Note.objects.create(
        tenant=request.tenant, account=Account.objects.get(), text=f"written before {what}", author_label="x"
    )
    if what == "raise":
        raise RuntimeError("on purpose")
    if what == "broken":
        rows("SELECT 1/0")
    if what == "not-found":
        from django.http import Http404

        raise Http404
    if what == "lazily":
        return TemplateResponse(request, template("{{ boom.boom }}"), {"boom": Boom()})
    return HttpResponse("said", status=int(what))


class Boom:
    @property
    def boom(self):
        raise RuntimeError("while rendering")


@tenant_view(right=Right.VIEW_ACCOUNTS)
def other_id(request, account_id):
    found = Account.objects.filter(pk=account_id).first()
    return HttpResponse("found" if found else "nothing")


@own_transactions("tried in a test")
@tenant_view(right=Right.VIEW_ACCOUNTS)
def own_steps(request):
    open_before = connection.in_atomic_block and len(connection.savepoint_ids)
    with tenant_transaction(request.tenant.pk):
        names = [each.name for each in Account.objects.all()]
    return HttpResponse(f"{names} {open_before}")


@tenant_exempt("tried in a test")
def forgot_the_tenant(request):
    return HttpResponse(str(Account.objects.count()))


@tenant_exempt("tried in a test")
def forgot_it_in_raw_sql(request):
    return HttpResponse(str(rows("SELECT count(*) FROM accounts_account")))


handler500 = real_urls.handler500
handler404 = real_urls.handler404
urlpatterns = [
    path("t/<slug:slug>/try/lazy/", lazy_page),
    path("t/<slug:slug>/try/write/<str:what>/", writes_then),
    path("t/<slug:slug>/try/account/<int:account_id>/", other_id),
    path("t/<slug:slug>/try/own/", own_steps),
    path("try/forgot/", forgot_the_tenant),
    path("try/forgot-raw/", forgot_it_in_raw_sql),
    *real_urls.urlpatterns,
]
with_these_pages = override_settings(ROOT_URLCONF=__name__)


def client_of(membership):
    client = Client(raise_request_exception=False)
    client.force_login(membership.user)
    return client


@with_these_pages
def test_a_lazily_rendered_page_sees_its_rows(both):
    acme, globex = both
    assert client_of(acme.csm).get("/t/acme/try/lazy/").text == "[acme account]"
    assert client_of(globex.csm).get("/t/globex/try/lazy/").text == "[globex account]"


@with_these_pages
@pytest.mark.parametrize("what", ["raise", "broken", "lazily", "500", "503", "not-found"])
def test_a_failed_view_leaves_no_row(both, what):
    acme, _ = both
    answer = client_of(acme.csm).get(f"/t/acme/try/write/{what}/")
    assert answer.status_code == {"503": 503, "not-found": 404}.get(what, 500)
    with acme.here():
        assert Note.objects.filter(text__startswith="written before").count() == 0


@with_these_pages
@pytest.mark.parametrize("what", ["200", "303", "422"])
def test_an_answered_view_keeps_its_row(both, what):
    acme, _ = both
    assert client_of(acme.csm).get(f"/t/acme/try/write/{what}/").status_code == int(what)
    with acme.here():
        assert Note.objects.filter(text__startswith="written before").count() == 1


@with_these_pages
def test_a_view_with_its_own_transactions_has_none_around_it(both):
    acme, _ = both
    before = len(connection.savepoint_ids)
    assert client_of(acme.csm).get("/t/acme/try/own/").text == f"['acme account'] {before}"


@with_these_pages
def test_a_forgotten_tenant_is_an_error_and_never_all_rows(both):
    client = client_of(both[0].csm)
    assert client.get("/try/forgot/").status_code == 500
    assert client.get("/try/forgot-raw/").status_code == 500


@with_these_pages
def test_tenants_interleaved_on_one_connection_with_failures_in_between(both):
    """300 requests of two tenants in random order, some failing in the middle: never a foreign row (PLATFORM 8.36)."""
    dice = random.Random(36)
    worlds = list(both)
    clients = {world.tenant.slug: client_of(world.csm) for world in worlds}
    for _ in range(300):
        world, other = dice.sample(worlds, 2)
        slug, client = world.tenant.slug, clients[world.tenant.slug]
        kind = dice.choice(["lazy", "lazy", "id", "foreign address", "raise", "broken", "lazily"])
        if kind == "lazy":
            assert client.get(f"/t/{slug}/try/lazy/").text == f"[{slug} account]"
        elif kind == "id":
            assert client.get(f"/t/{slug}/try/account/{other.account.pk}/").text == "nothing"
        elif kind == "foreign address":
            assert client.get(f"/t/{other.tenant.slug}/try/lazy/").status_code == 404
        else:
            assert client.get(f"/t/{slug}/try/write/{kind}/").status_code == 500
        assert current() == ""


# --- denied access is remembered ----------------------------------------------------------------


def test_a_denied_right_is_on_record_and_a_foreign_address_in_nobodys_log(both):
    acme, globex = both
    client = client_of(acme.csm)
    assert client.get("/t/acme/settings/people/").status_code == 403
    assert client.get("/t/globex/settings/people/").status_code == 404
    for world, count in ((acme, 1), (globex, 0)):
        with world.here():
            denied = AuditEvent.objects.filter(tenant=world.tenant, verb="tenants.access_denied")
            assert denied.count() == count
