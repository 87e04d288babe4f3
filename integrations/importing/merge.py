"""One statement that brings staged rows into their table: new ones in, changed ones up to date, the rest untouched.

Unchanged rows are found by a join, not by a conflict: ON CONFLICT would lock, and so rewrite, every one of them.
An empty cell keeps what was known. Counts are exact; the trial run counts with the same join and writes nothing.
"""
# ruff: noqa: S608  statements are put together from the constant names of this file

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from psycopg import sql

from integrations.importing.stage import ROWS, short_transaction
from integrations.importing.targets import Place, Target
from tenants.models import Tenant

PAIRS_A_CALL = 40  # a function takes at most 100 arguments


@dataclass(frozen=True)
class Counts:
    created: int
    updated: int
    unchanged: int


def merge(tenant: Tenant, target: Target, *, staged: int) -> Counts:
    """Merge in the open transaction of this tenant."""
    with connection.cursor() as cursor:
        cursor.execute(_merge_sql(tenant, target, _days(cursor, target)).as_string())
        created, updated = cursor.fetchone()
    return Counts(created, updated, staged - created - updated)


def count(tenant: Tenant, target: Target, *, staged: int) -> Counts:
    """What `merge` would do."""
    with connection.cursor() as cursor:
        cursor.execute(_count_sql(tenant, target, _days(cursor, target)).as_string())
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


def _days(cursor: Any, target: Target) -> tuple[date, date] | None:
    """First and last staged day, so that the planner leaves other months alone."""
    if not target.is_partitioned:
        return None
    cursor.execute(f"SELECT min(day), max(day) FROM {ROWS}")
    first, last = cursor.fetchone()
    return None if first is None else (first, last)


# --- SQL: put together from names of ours, metric names as literals --------------------------------


def _from(tenant: Tenant, target: Target, days: tuple[date, date] | None) -> sql.Composed:
    on: list[sql.Composable] = [sql.SQL("known.tenant_id = {}").format(tenant.pk)]
    if days is not None:
        on.append(sql.SQL("known.day BETWEEN {} AND {}").format(*days))
    on += [sql.SQL("known.{} = {}").format(sql.Identifier(key.column), _own(key)) for key in target.keys]
    return sql.SQL("FROM {} s LEFT JOIN {} known ON {}").format(
        sql.Identifier(ROWS), sql.Identifier(target.table), sql.SQL(" AND ").join(on)
    )


def _own(key: Place) -> sql.Composable:
    """A key's staged value; a part of a key that may be empty is matched as empty."""
    if not key.present:
        return sql.SQL(key.empty)  # type: ignore[arg-type]
    if key.empty == "NULL":
        return sql.SQL("s.{}").format(sql.Identifier(key.stage))
    return sql.SQL("coalesce(s.{}, {})").format(sql.Identifier(key.stage), sql.SQL(key.empty))  # type: ignore[arg-type]


def _new_value(place: Place) -> sql.Composable:
    """What the file says, else what was known, else empty."""
    if place.is_key:
        return _own(place)
    column = sql.Identifier(place.column)
    if not place.present:
        return sql.SQL("coalesce(known.{}, {})").format(column, sql.SQL(place.empty))  # type: ignore[arg-type]
    parts = [sql.SQL("s.{}").format(sql.Identifier(place.stage)), sql.SQL("known.{}").format(column)]
    if place.empty != "NULL":
        parts.append(sql.SQL(place.empty))  # type: ignore[arg-type]
    return sql.SQL("coalesce({})").format(sql.SQL(", ").join(parts))


def _values(target: Target) -> dict[str, sql.Composable]:
    """Every column of the table that an import writes, key columns among them, with its value."""
    values = {place.column: _new_value(place) for place in target.places}
    if target.file.unknown == "attributes":
        values["attributes"] = sql.SQL("coalesce(known.attributes, '{{}}'){}").format(
            sql.SQL(" || s.attributes::jsonb" if target.attributes else "")
        )
    if target.file.unknown == "metrics":
        values["extra"] = sql.SQL("coalesce(known.extra, '{{}}'){}").format(_extra(target))
    if target.has_hash:
        values["row_hash"] = sql.SQL("s.row_hash")
    if target.file.name == "accounts":
        values["version"] = sql.SQL("coalesce(known.version, 0) + 1")
    values["source"] = sql.SQL("'import'")
    values["recorded_at"] = sql.SQL("statement_timestamp()")
    return values


def _extra(target: Target) -> sql.Composable:
    pairs = [
        sql.SQL("{}, s.{}").format(sql.Literal(name), sql.Identifier(column))
        for name, column in zip(target.metrics, target.metric_columns, strict=True)
    ]
    calls = [
        sql.SQL(" || jsonb_strip_nulls(jsonb_build_object({}))").format(
            sql.SQL(", ").join(pairs[at : at + PAIRS_A_CALL])
        )
        for at in range(0, len(pairs), PAIRS_A_CALL)
    ]
    return sql.SQL("").join(calls)


def _changed(target: Target, values: dict[str, sql.Composable]) -> sql.Composable:
    """Whether the row is new, or what the file says differs from what is known."""
    compared = [place.column for place in target.staged if not place.is_key]
    if target.attributes:
        compared.append("attributes")
    if target.metrics:
        compared.append("extra")
    tests: list[sql.Composable] = [sql.SQL("known.tenant_id IS NULL")]
    tests += [
        sql.SQL("{} IS DISTINCT FROM known.{}").format(values[column], sql.Identifier(column))
        for column in compared
    ]
    return sql.SQL(" OR ").join(tests)


def _merge_sql(tenant: Tenant, target: Target, days: tuple[date, date] | None) -> sql.Composed:
    values = _values(target)
    keys = {key.column for key in target.keys}
    names = [sql.Identifier(name) for name in values]
    updates = [
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in values if name not in keys
    ]
    return sql.SQL(
        """
        WITH merged AS (
            INSERT INTO {table} (tenant_id, {names})
            SELECT {tenant}, {values} {source} WHERE {changed} {order}
            ON CONFLICT (tenant_id, {keys}) DO UPDATE SET {updates}
            RETURNING old.tenant_id IS NULL AS created
        )
        SELECT count(*) FILTER (WHERE created), count(*) FILTER (WHERE NOT created) FROM merged
        """
    ).format(
        table=sql.Identifier(target.table),
        names=sql.SQL(", ").join(names),
        tenant=tenant.pk,
        values=sql.SQL(", ").join(values.values()),
        source=_from(tenant, target, days),
        changed=_changed(target, values),
        order=sql.SQL("" if target.is_partitioned else "ORDER BY s.line"),
        keys=sql.SQL(", ").join(sql.Identifier(key.column) for key in target.keys),
        updates=sql.SQL(", ").join(updates),
    )


def _count_sql(tenant: Tenant, target: Target, days: tuple[date, date] | None) -> sql.Composed:
    return sql.SQL(
        """
        SELECT count(*) FILTER (WHERE known.tenant_id IS NULL), count(*) FILTER (WHERE known.tenant_id IS NOT NULL)
        {source} WHERE {changed}
        """
    ).format(source=_from(tenant, target, days), changed=_changed(target, _values(target)))
