"""One row, checked by the import's own rules, before it is brought in again: what the quarantine page asks.

Loads polars, so only those web processes do where somebody mends a row.
"""

from integrations.importing.columns import File
from tenants.models import Tenant


def fault_of(tenant: Tenant, file: File, cells: dict[str, str]) -> tuple[str, str] | None:
    """(column, reason) of the row's first fault, or None. Doubles and circles of parents show when it comes in."""
    import polars as pl

    from integrations.importing.known import ids_of
    from integrations.importing.reading import LONGEST_CELL, Chunk
    from integrations.importing.validate import Checker

    for name, cell in cells.items():
        if "\x00" in cell:
            return name, "holds a NUL byte. Take it out."
        if len(cell.encode()) > LONGEST_CELL:
            return name, "is larger than 1 MB. Shorten it."

    def known(name: str) -> pl.DataFrame:
        """Only the ids that this row names."""
        named = [cell for column in file.columns if column.names == name for cell in _ids(cells, column.name)]
        return ids_of(tenant, name, named)

    columns = {name: pl.Series(name, [cell or None], dtype=pl.String) for name, cell in cells.items()}
    checker = Checker(file, list(cells), known)
    checked = checker.check(Chunk(pl.Series("line", [1], dtype=pl.Int64), columns))
    for reject in checked.rejects:
        return reject.column, reject.reason
    parent = cells.get("parent_external_id", "") if file.name == "accounts" else ""
    if parent and parent != cells["external_id"] and not known("accounts").height:
        from integrations.importing.parents import UNKNOWN

        return "parent_external_id", UNKNOWN
    return None


def _ids(cells: dict[str, str], column: str) -> list[str]:
    return [part for part in cells.get(column, "").split(";" if column.endswith("_ids") else "\n") if part]
