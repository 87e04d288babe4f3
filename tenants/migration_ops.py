"""Migration operations that give tenant-owned tables their policies, keys and privileges (ADR 0002).

Migrations call these; no other code may, and they import no models.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations.operations.base import Operation

APP_ROLES = "holdfast_app, holdfast_worker"

# The loud form: without a tenant the comparison raises, so a forgotten context is never an empty export.
IS_OURS = "tenant_id = current_setting('app.tenant_id')::bigint"


def policy_sql(table: str, *, worker_sees_all: bool = False, search_sees_all: bool = False) -> list[str]:
    """Row-level security for one table, also for its owner."""
    statements = [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY tenant_isolation ON "{table}" USING ({IS_OURS}) WITH CHECK ({IS_OURS})',
        f'CREATE POLICY backup_reads ON "{table}" FOR SELECT TO holdfast_backup USING (true)',
    ]
    if worker_sees_all:
        statements.append(f'CREATE POLICY worker_sweeps ON "{table}" TO holdfast_worker USING (true)')
    if search_sees_all:
        statements += [
            f'CREATE POLICY search_reads ON "{table}" FOR SELECT TO holdfast_search USING (true)',
            f'GRANT SELECT ON "{table}" TO holdfast_search',
        ]
    return statements


class SecureTables(Operation):
    """Policies, the unique (tenant_id, id), composite foreign keys and their indexes for these models.

    `append_only` takes UPDATE and DELETE from the app roles; `worker_sees_all` lists models whose rows a sweep
    reads across tenants; `search_sees_all` those that the search function reads.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        models: list[str],
        *,
        append_only: list[str] | None = None,
        worker_sees_all: list[str] | None = None,
        search_sees_all: list[str] | None = None,
    ) -> None:
        self.models = models
        self.append_only = append_only or []
        self.worker_sees_all = worker_sees_all or []
        self.search_sees_all = search_sees_all or []

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing: Django's state knows no policies."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        # PostgreSQL checks a new key by a query under the policies, which are loud; these tables are still empty
        schema_editor.execute("SELECT set_config('app.tenant_id', '0', true)")
        for name in self.models:
            table = self._table(to_state, app_label, name)
            schema_editor.execute(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant_id_id" UNIQUE (tenant_id, id)'
            )
        for name in self.models:
            for statement in self._secure(to_state, app_label, name):
                schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for name in reversed(self.models):
            table = self._table(to_state, app_label, name)
            schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_tenant_id_id" CASCADE')
            schema_editor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
            schema_editor.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
            for policy in ("tenant_isolation", "backup_reads", "worker_sweeps", "search_reads"):
                schema_editor.execute(f'DROP POLICY IF EXISTS {policy} ON "{table}"')

    def describe(self) -> str:
        return f"Secure the tables of {', '.join(self.models)}"

    def _table(self, state: Any, app_label: str, name: str) -> str:
        return str(state.apps.get_model(app_label, name)._meta.db_table)

    def _secure(self, state: Any, app_label: str, name: str) -> list[str]:
        model = state.apps.get_model(app_label, name)
        table = model._meta.db_table
        statements = policy_sql(
            table,
            worker_sees_all=name in self.worker_sees_all,
            search_sees_all=name in self.search_sees_all,
        )
        for field in model._meta.local_fields:
            if field.is_relation and not field.db_constraint:
                statements += composite_key_sql(table, field.column, field.related_model._meta.db_table)
        if name in self.append_only:
            statements.append(f'REVOKE UPDATE, DELETE ON "{table}" FROM {APP_ROLES}')
        return statements


def composite_key_sql(table: str, column: str, target: str) -> list[str]:
    """A foreign key that cannot point into another tenant, and the index that serves it."""
    name = f"{table}_{column}"[:55]
    return [
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}_fk" FOREIGN KEY (tenant_id, "{column}") '
        f'REFERENCES "{target}" (tenant_id, id) DEFERRABLE INITIALLY DEFERRED',
        f'CREATE INDEX "{name}_ix" ON "{table}" (tenant_id, "{column}")',
    ]


class MonthlyPartitions(Operation):
    """Create a table partitioned by month from SQL, secured like the others, known to ensure_partition().

    Children get their own FORCE'd policies and no grants: a direct SELECT on a child would otherwise show
    other tenants' rows (DECISIONS 3).
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self, table: str, *, create: str, append_only: bool = False, worker_sees_all: bool = False
    ) -> None:
        self.table = table
        self.create = create
        self.append_only = append_only
        self.worker_sees_all = worker_sees_all

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing: the model is unmanaged."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(self.create, params=None)
        for statement in policy_sql(self.table, worker_sees_all=self.worker_sees_all):
            schema_editor.execute(statement)
        if self.append_only:
            schema_editor.execute(f'REVOKE UPDATE, DELETE ON "{self.table}" FROM {APP_ROLES}')
        schema_editor.execute(
            "INSERT INTO tenants_partitioned_table (name, append_only) VALUES (%s, %s)",
            [self.table, self.append_only],
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute("DELETE FROM tenants_partitioned_table WHERE name = %s", [self.table])
        schema_editor.execute(f'DROP TABLE "{self.table}" CASCADE')

    def describe(self) -> str:
        return f"Create {self.table}, partitioned by month"


class AddIndexSafely(AddIndexConcurrently):
    """An index made while people write, which may be killed and run again (docs/migrations.md).

    PostgreSQL leaves a half-made one behind, marked invalid; that is dropped first. A finished one is left alone.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not schema_editor.collect_sql:
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(
                    "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [self.index.name]
                )
                found = cursor.fetchone()
            if found == (True,):
                return
            if found:
                schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
        super().database_forwards(app_label, schema_editor, from_state, to_state)
