"""Which cells of a rejected row a person may see (tenants.fields has the rule, this what a broken row does to it)."""

from integrations.importing.columns import FURTHER, File
from integrations.importing.format import FILES
from integrations.models import QuarantinedRow
from tenants import fields
from tenants.models import Membership


def covers_file(viewer: Membership, file: File | None) -> bool:
    """Whether the file has columns that the viewer may not see."""
    return file is not None and bool(fields.covered_names(viewer) & set(file.by_name))


def covered_in(viewer: Membership, row: QuarantinedRow) -> frozenset[str]:
    """The columns of this row that are covered. A row with too many or too few cells names no column, and what stands
    under one may belong to another: where the viewer may not see all columns of the file, none of it is shown."""
    covered = fields.covered_names(viewer)
    if row.column or not covers_file(viewer, FILES.get(row.file.removesuffix(".csv"))):
        return covered
    return covered | frozenset(row.row) | frozenset(row.mended or {}) | {FURTHER}


def covered_value(viewer: Membership, row: QuarantinedRow) -> str:
    """The offending value as the viewer may see it."""
    whole = not row.column and covers_file(viewer, FILES.get(row.file.removesuffix(".csv")))
    value: str = fields.COVERED if whole or fields.is_covered(viewer, row.column) else row.value
    return value
