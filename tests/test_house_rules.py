"""Guards that walk all models: a new table, partition, view, function or index that breaks the rules fails here."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from tenants.scoping import NoActiveTenant, TenantModel

pytestmark = pytest.mark.django_db


def rows(sql, params=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


TENANT_TABLES = """
SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
  AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
"""
# Memberships and service tokens decide which tenant a request is in, so they stand outside (ADR 0002, 0014).
OUTSIDE = {"tenants_membership", "tenants_servicetoken"}


def test_every_tenant_table_has_forced_policies_with_both_clauses():
    for oid, name, enabled, forced, is_partition in rows(TENANT_TABLES):
        if name in OUTSIDE:
            continue
        assert enabled, f"{name}: row-level security is off"
        assert forced, f"{name}: its owner escapes row-level security"
        found = rows(
            "SELECT polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) "
            "FROM pg_policy WHERE polrelid = %s AND polname = 'tenant_isolation'",
            [oid],
        )
        assert len(found) == 1, f"{name}: no tenant_isolation policy"
        _, using, check = found[0]
        assert using == check, name
        assert "current_setting('app.tenant_id'::text))::bigint" in using, f"{name}: {using}"
        if is_partition:
            granted = rows(
                "SELECT grantee FROM information_schema.role_table_grants "
                "WHERE table_name = %s AND grantee IN ('holdfast_app', 'holdfast_worker')",
                [name],
            )
            assert not granted, f"{name}: a partition must not be readable directly"


def test_every_index_of_a_tenant_table_starts_with_the_tenant():
    for oid, name, *_ in rows(TENANT_TABLES):
        if name in OUTSIDE:
            continue
        for index, first, is_primary in rows(
            "SELECT i.relname, a.attname, x.indisprimary FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
            "JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0] WHERE x.indrelid = %s",
            [oid],
        ):
            assert first == "tenant_id" or (is_primary and first == "id"), (
                f"{name}.{index} starts with {first}"
            )


def test_nobody_may_bypass_the_policies():
    powers = rows(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'holdfast%%' AND (rolbypassrls OR rolsuper OR rolcreaterole)"
    )
    assert powers == []


def test_the_app_roles_own_nothing_and_cannot_truncate():
    owned = rows(
        "SELECT relname FROM pg_class WHERE relowner IN ('holdfast_app'::regrole, 'holdfast_worker'::regrole)"
    )
    assert owned == []
    truncate = rows(
        "SELECT table_name, grantee FROM information_schema.role_table_grants "
        "WHERE privilege_type = 'TRUNCATE' AND grantee IN ('holdfast_app', 'holdfast_worker', 'PUBLIC')"
    )
    assert truncate == []


def test_views_and_definer_functions_are_on_a_short_list():
    views = rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' "
        "AND c.relkind IN ('v', 'm') AND NOT coalesce('security_invoker=true' = ANY(c.reloptions), false)"
        "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
    )
    assert views == []
    definers = {
        name
        for (name,) in rows(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname = 'public' AND p.prosecdef"
        )
    }
    assert definers == {
        "ensure_partition", "erase_text", "refresh_statistics", "search_accounts", "drop_partition", "forget_attempts",
    }  # fmt: skip


def test_append_only_tables_grant_no_rewriting():
    for table in ("audit_event", "audit_auditseal", "scoring_health_snapshot", "approvals_approvaldecision",
                  "integrations_writeattempt", "audit_eventwords"):  # fmt: skip
        granted = rows(
            "SELECT grantee, privilege_type FROM information_schema.role_table_grants WHERE table_name = %s "
            "AND grantee IN ('holdfast_app', 'holdfast_worker') AND privilege_type IN ('UPDATE', 'DELETE')",
            [table],
        )
        assert granted == [], table


def tenant_models():
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_a_tenant_model_refuses_to_be_asked_without_a_tenant(model):
    assert not model._meta.get_field("tenant").null
    with pytest.raises(NoActiveTenant):
        model.objects.count()


def test_references_inside_a_tenant_are_composite_keys():
    for model in tenant_models():
        for field in model._meta.local_fields:
            if (
                not field.is_relation
                or field.name == "tenant"
                or not issubclass(field.related_model, TenantModel)
            ):
                continue
            keys = rows(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
                [model._meta.db_table],
            )
            wanted = f"FOREIGN KEY (tenant_id, {field.column})"
            assert any(wanted in definition for (definition,) in keys), f"{model._meta.label}.{field.name}"


# --- code: who may reach past a tenant, and who touches tables at all --------------------------

ROOT = Path(__file__).resolve().parent.parent
OURS = (
    "accounts", "approvals", "audit", "config", "integrations", "jobs", "playbooks", "scim", "scoring", "signin",
    "tenants",
)  # fmt: skip
# Functions that read all tenants' rows, each with its reason. The worker's policy allows it on few tables; the app
# role gets an error from every one of them.
ACROSS_TENANTS = {
    "jobs.queries.job_by_id": "a doorbell says an id and no tenant; the claimed row gives the tenant",
    "jobs.queries.job_for_update": "the same row, claimed",
    "jobs.queries.due_without_bell": "the sweeper rings for every tenant",
    "jobs.queries.running_ids": "the sweeper looks for dead workers' jobs",
    "scoring.pooling.queries.all_contributions": "coefficients of all workspaces that consent; the workers pool them",
}
THIN = ("views", "tasks", "admin")


def modules():
    for app in OURS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def attributes(tree, *names):
    """(innermost function, line) of every use of these attributes."""
    found = []

    def walk(node, inside):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inside = node.name
        if isinstance(node, ast.Attribute) and node.attr in names:
            found.append((inside, node.lineno))
        for child in ast.iter_child_nodes(node):
            walk(child, inside)

    walk(tree, "")
    return found


def test_reads_across_tenants_are_on_the_list_and_the_list_is_alive():
    used = set()
    for path in modules():
        for function, _ in attributes(ast.parse(path.read_text()), "across_tenants"):
            used.add(f"{name_of(path)}.{function}")
    assert used == set(ACROSS_TENANTS)


def test_nobody_goes_around_the_managers():
    """`_unscoped` and `_base_manager` are Django's own way to a row's relations, and no one else's."""
    for path in modules():
        found = attributes(ast.parse(path.read_text()), "_unscoped", "_base_manager")
        assert not found or path == ROOT / "tenants" / "scoping.py", f"{name_of(path)}: {found}"


def thin_modules():
    """Every views, tasks and admin module, also where it is a package."""
    return [path for path in modules() if set(path.relative_to(ROOT).with_suffix("").parts[1:]) & set(THIN)]


@pytest.mark.parametrize("path", thin_modules(), ids=name_of)
def test_thin_modules_never_touch_a_manager(path):
    found = attributes(ast.parse(path.read_text()), "objects", "_default_manager")
    lines = [line for _, line in found]
    assert not lines, f"{name_of(path)}: move the query on lines {lines} to queries.py"


def test_whatever_stands_outside_tenant_and_transaction_says_why():
    """The reasons are printed with `pytest -s -k says_why`, for whoever reviews them."""
    from tests.test_permissions import all_urls

    for name, pattern, _ in all_urls():
        for mark in ("tenant_exempt", "own_transactions"):
            reason = getattr(pattern.callback, mark, None)
            if reason is not None:
                print(f"{mark:16} {name:32} {reason}")
                assert isinstance(reason, str), name
                assert len(reason) > 10, f"{name}: give a reason"


def test_a_view_with_its_own_transactions_has_none_from_django():
    from tests.test_permissions import all_urls

    for name, pattern, _ in all_urls():
        if hasattr(pattern.callback, "own_transactions"):
            assert "default" in pattern.callback._non_atomic_requests, (
                f"{name}: @own_transactions must be innermost"
            )


LONGEST = 40  # lines of a function


def test_no_function_is_too_long_to_read_at_once():
    found = {
        (name_of(path), each.name): each.end_lineno - each.lineno + 1
        for path in modules()
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.FunctionDef)
    }
    long = {key: lines for key, lines in found.items() if lines > LONGEST}
    assert not long, f"cut these in two: {long}"
