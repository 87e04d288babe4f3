"""Brings staged rows into their table: changed rows are updated, new ones inserted, the rest is not touched.

Which is which is found by a join, not by a conflict: ON CONFLICT would lock, and so rewrite, every unchanged row.
An empty cell keeps what was known. Counts are exact; the trial run counts with the same join and writes nothing.
"""
# ruff: noqa: S608  statements are put together from the constant names of this file

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction
from psycopg import errors, sql

from integrations.importing.stage import ROWS, short_transaction
from integrations.importing.targets import Place, Target
from tenants.models import Tenant

# what is kept of a row before it is changed: its table, the column that names the row there, and which columns
KEPT = {"contacts": ("accounts_contactchange", "contact_id", ("role", "title"))}
PAIRS_A_CALL = 40  # a function takes at most 100 arguments
TRIES = 3


@dataclass(frozen=True)
class Counts:
    created: int
    updated: int
    unchanged: int


def merge(tenant: Tenant, target: Target, *, staged: int) -> Counts:
    """Merge in the open transaction of this tenant.

    Imports of a tenant run one by one; if somebody else inserts one of the rows at this moment, the join is done
    again and sees it.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return _merge_once(_Join(tenant, target), staged)
        except IntegrityError as error:
            if not left or not isinstance(error.__cause__, errors.UniqueViolation):
                raise
    raise AssertionError("the last try returns or raises")


def _merge_once(join: "_Join", staged: int) -> Counts:
    with connection.cursor() as cursor:
        join.bound_days(cursor)
        if kept := join.history():
            cursor.execute(kept.as_string())
        cursor.execute(join.update().as_string())
        updated = cursor.rowcount
        cursor.execute(join.insert().as_string())
        created = cursor.rowcount
    return Counts(created, updated, staged - created - updated)


def count(tenant: Tenant, target: Target, *, staged: int) -> Counts:
    """What `merge` would do."""
    join = _Join(tenant, target)
    with connection.cursor() as cursor:
        join.bound_days(cursor)
        cursor.execute(join.count().as_string())
        created, updated = cursor.fetchone()
    return Counts(created, updated, staged - created - updated)


def ensure_partitions(target: Target) -> None:
    """The months that the staged days need, each in a short transaction of its own."""
    if not target.is_partitioned:
        return
    with short_transaction() as cursor:
        cursor.execute(f"SELECT DISTINCT date_trunc('month', day)::date FROM {ROWS} ORDER BY 1")
        months = [row[0] for row in cursor.fetchall()]
    for month in months:
        with short_transaction() as cursor:
            cursor.execute("SELECT ensure_partition(%s, %s)", [target.table, month])


class _Join:
    """The statements of one merge, over staged rows `s` and known rows `known`.

    They are put together from names of ours; a metric's name, which may be anything, is always a literal.
    """

    def __init__(self, tenant: Tenant, target: Target) -> None:
        self.tenant = tenant
        self.target = target
        self.days: tuple[date, date] | None = None

    def bound_days(self, cursor: Any) -> None:
        """First and last staged day, so that the planner leaves other months alone."""
        if self.target.is_partitioned:
            cursor.execute(f"SELECT min(day), max(day) FROM {ROWS}")
            first, last = cursor.fetchone()
            self.days = None if first is None else (first, last)

    def count(self) -> sql.Composed:
        return sql.SQL(
            "SELECT count(*) FILTER (WHERE known.tenant_id IS NULL), count(*) FILTER (WHERE {changed}) "
            "FROM {stage} s LEFT JOIN {table} known ON {same}"
        ).format(changed=self._changed(), **self._names())

    def update(self) -> sql.Composed:
        values = {place.column: self._merged(place) for place in self.target.staged if not place.is_key}
        sets = {**values, **self._gathered(), **self._marks()}
        return sql.SQL(
            "UPDATE {table} AS known SET {sets} FROM {stage} s WHERE {same} AND ({changed})"
        ).format(
            sets=sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in sets.items()
            ),
            changed=self._changed(),
            **self._names(),
        )

    def history(self) -> sql.Composed | None:
        """Before the update: each kept column whose value gives way to another one, dated now, since the file has no
        date for it. A value where none was known is no change; nor are other capitals or spaces."""
        table, row, names = KEPT.get(self.target.file.name, ("", "", ()))
        present = [place.column for place in self.target.staged if place.column in names]
        if not present:
            return None
        pairs = [
            sql.SQL("({}, known.{}::text, s.{}::text)").format(sql.Literal(n), sql.Identifier(n), sql.Identifier(n))
            for n in present
        ]  # fmt: skip
        return sql.SQL(
            "INSERT INTO {kept} (tenant_id, {row}, field, old, new, changed_at) "
            "SELECT known.tenant_id, known.id, f.field, f.old, f.new, statement_timestamp() "
            "FROM {stage} s JOIN {table} known ON {same} "
            "CROSS JOIN LATERAL (VALUES {pairs}) AS f(field, old, new) "
            "WHERE f.old <> '' AND f.new <> '' AND lower(btrim(f.old)) <> lower(btrim(f.new)) ORDER BY s.line"
        ).format(
            kept=sql.Identifier(table),
            row=sql.Identifier(row),
            pairs=sql.SQL(", ").join(pairs),
            **self._names(),
        )

    def insert(self) -> sql.Composed:
        values = {place.column: _own(place) for place in self.target.places}
        values |= self._gathered(new=True) | self._marks(new=True)
        return sql.SQL(
            "INSERT INTO {table} (tenant_id, {columns}) SELECT {tenant}, {values} FROM {stage} s "
            "WHERE NOT EXISTS (SELECT FROM {table} known WHERE {same}) {order}"
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, values)),
            tenant=self.tenant.pk,
            values=sql.SQL(", ").join(values.values()),
            # ids in the order of the file; usage has no ids, and is by far the largest
            order=sql.SQL("" if self.target.is_partitioned else "ORDER BY s.line"),
            **self._names(),
        )

    # --- parts ------------------------------------------------------------------------------------

    def _names(self) -> dict[str, sql.Composable]:
        same: list[sql.Composable] = [sql.SQL("known.tenant_id = {}").format(self.tenant.pk)]
        if self.days is not None:
            same.append(sql.SQL("known.day BETWEEN {} AND {}").format(*self.days))
        same += [
            sql.SQL("known.{} = {}").format(sql.Identifier(key.column), _own(key)) for key in self.target.keys
        ]
        return {
            "table": sql.Identifier(self.target.table),
            "stage": sql.Identifier(ROWS),
            "same": sql.SQL(" AND ").join(same),
        }

    def _merged(self, place: Place) -> sql.Composable:
        """What the file says, else what was known."""
        return sql.SQL("coalesce(s.{0}, known.{0})").format(sql.Identifier(place.column))

    def _gathered(self, *, new: bool = False) -> dict[str, sql.Composable]:
        """Custom attributes and further metrics: one jsonb column, to which the file's are added."""
        found: dict[str, sql.Composable] = {}
        if self.target.file.unknown == "attributes" and (new or self.target.attributes):
            sent: sql.Composable = sql.SQL("s.attributes::jsonb" if self.target.attributes else "'{}'::jsonb")
            found["attributes"] = sent if new else sql.SQL("known.attributes || {}").format(sent)
        if self.target.metrics:
            sent = _metrics(self.target)
            found["extra"] = sent if new else sql.SQL("known.extra || {}").format(sent)
        return found

    def _marks(self, *, new: bool = False) -> dict[str, sql.Composable]:
        """What an import writes beside the file's own columns."""
        marks: dict[str, sql.Composable] = {}
        if self.target.has_hash:
            marks["row_hash"] = sql.SQL("s.row_hash")
        if self.target.file.name == "accounts":
            marks["version"] = sql.SQL("1" if new else "known.version + 1")
        return {**marks, "source": sql.SQL("'import'"), "recorded_at": sql.SQL("statement_timestamp()")}

    def _changed(self) -> sql.Composable:
        """Whether what the file says differs from what is known."""
        tests: list[sql.Composable] = [
            sql.SQL("(s.{0} IS NOT NULL AND s.{0} IS DISTINCT FROM known.{0})").format(
                sql.Identifier(place.column)
            )
            for place in self.target.staged
            if not place.is_key
        ]
        tests += [
            sql.SQL("{} IS DISTINCT FROM known.{}").format(value, sql.Identifier(name))
            for name, value in self._gathered().items()
        ]
        return sql.SQL("known.tenant_id IS NOT NULL AND ({})").format(
            sql.SQL(" OR ").join(tests or [sql.SQL("false")])
        )


def _own(place: Place) -> sql.Composable:
    """The staged value, or what stands for one that is not known."""
    empty = sql.SQL(place.empty)  # type: ignore[arg-type]
    if not place.present:
        return empty
    value = sql.SQL("s.{}").format(sql.Identifier(place.stage))
    return value if place.empty == "NULL" else sql.SQL("coalesce({}, {})").format(value, empty)


def _metrics(target: Target) -> sql.Composable:
    """The further metrics that the row has, as jsonb."""
    pairs = [
        sql.SQL("{}, s.{}").format(sql.Literal(name), sql.Identifier(column))
        for name, column in zip(target.metrics, target.metric_columns, strict=True)
    ]
    calls = [
        sql.SQL("jsonb_strip_nulls(jsonb_build_object({}))").format(
            sql.SQL(", ").join(pairs[at : at + PAIRS_A_CALL])
        )
        for at in range(0, len(pairs), PAIRS_A_CALL)
    ]
    return sql.SQL(" || ").join(calls)
