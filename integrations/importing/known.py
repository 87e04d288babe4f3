"""The external ids that a row may name: what the database holds, and in a trial run what would land."""

import polars as pl
from django.db import connection

from tenants.models import Tenant
from tenants.scoping import tenant_transaction

_TABLES = {
    "accounts": "accounts_account",
    "contacts": "accounts_contact",
    "subscriptions": "accounts_subscription",
    "opportunities": "accounts_opportunity",
}
_AT_ONCE = 100_000
_SCHEMA = {"external_id": pl.String, "id": pl.Int64}


class KnownIds:
    """External ids and our ids by file, read once and again after the file landed."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._frames: dict[str, pl.DataFrame] = {}

    def frame(self, file: str) -> pl.DataFrame:
        """Columns external_id and id; in a trial run ids below zero stand for rows that would be created."""
        if file not in self._frames:
            self._frames[file] = self._read(_TABLES[file])
        return self._frames[file]

    def _read(self, table: str) -> pl.DataFrame:
        """A part at a time: as tuples, a million ids are 200 MB."""
        parts = [pl.DataFrame(schema=_SCHEMA)]
        with tenant_transaction(self._tenant.pk), connection.chunked_cursor() as cursor:
            cursor.execute(
                f"SELECT external_id, id FROM {table} WHERE tenant_id = %s",  # noqa: S608  names of ours
                [self._tenant.pk],
            )
            while rows := cursor.fetchmany(_AT_ONCE):
                parts.append(pl.DataFrame(rows, schema=_SCHEMA, orient="row"))
        return pl.concat(parts)

    def forget(self, file: str) -> None:
        """After a file landed: read its ids anew when they are asked for."""
        self._frames.pop(file, None)

    def pretend(self, file: str, external_ids: list[str]) -> None:
        """In a trial run: these rows would have landed."""
        if file not in _TABLES:
            return
        frame = self.frame(file)
        have = set(frame["external_id"])
        new = [external_id for external_id in external_ids if external_id not in have]
        lowest = min(int(frame["id"].min() or 0), 0)  # type: ignore[arg-type]
        ids = pl.arange(lowest - len(new), lowest, dtype=pl.Int64, eager=True)
        self._frames[file] = pl.concat([frame, pl.DataFrame({"external_id": new, "id": ids}, schema=_SCHEMA)])


def ids_of(tenant: Tenant, file: str, external_ids: list[str]) -> pl.DataFrame:
    """The same columns for these external ids alone, in the open transaction of the tenant."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT external_id, id FROM {_TABLES[file]} WHERE tenant_id = %s AND external_id = ANY(%s)",  # noqa: S608
            [tenant.pk, external_ids],
        )
        return pl.DataFrame(cursor.fetchall(), schema=_SCHEMA, orient="row")
