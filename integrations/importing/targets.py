"""Where the columns of each file go: stage columns with their types, and the table that they are merged into."""

from dataclasses import dataclass
from functools import cached_property

from integrations.importing.columns import Column, File
from integrations.importing.validate import EXTRA, Checker

_TYPES = {
    "int": "int8", "num": "float8", "money": "numeric", "bool": "bool", "date": "date", "day": "date",
    "time": "timestamptz", "ids": "varchar[]",
}  # fmt: skip
_TABLES = {
    "accounts": "accounts_account",
    "contacts": "accounts_contact",
    "subscriptions": "accounts_subscription",
    "usage_daily": "accounts_usage_day",
    "usage_detail": "accounts_usage_detail",
    "products": "accounts_product",
    "tickets": "accounts_ticket",
    "invoices": "accounts_invoice",
    "surveys": "accounts_survey",
    "activities": "accounts_activity",
    "objectives": "accounts_objective",
    "milestones": "accounts_milestone",
    "company_events": "accounts_companyevent",
    "opportunities": "accounts_opportunity",
    "opportunity_changes": "accounts_opportunitychange",
    "articles": "accounts_article",
    "outcomes": "accounts_outcome",
}
PARTITIONED = frozenset({"accounts_usage_day", "accounts_usage_detail"})
_WITHOUT_HASH = frozenset(
    {"accounts", "products", "articles", "opportunity_changes", "usage_daily", "usage_detail"}
)


@dataclass(frozen=True)
class Place:
    """One column of the target table."""

    column: str  # its name in the table
    frame: str  # its name in the checked rows
    type: str
    empty: str  # SQL for a new row where it is not known
    present: bool  # whether this file brings it
    is_key: bool = False

    @property
    def stage(self) -> str:
        return self.column


@dataclass(frozen=True)
class Target:
    """One file's way into its table, for the columns that the file has."""

    file: File
    places: tuple[Place, ...]
    attributes: bool = False  # unknown columns, as JSON text
    metrics: tuple[str, ...] = ()  # further metrics, as numbers

    @property
    def table(self) -> str:
        return _TABLES[self.file.name]

    @property
    def is_partitioned(self) -> bool:
        return self.table in PARTITIONED

    @property
    def has_hash(self) -> bool:
        """Evidence rows carry the hash of what was sent."""
        return self.file.name not in _WITHOUT_HASH

    @cached_property
    def staged(self) -> list[Place]:
        return [place for place in self.places if place.present]

    @cached_property
    def keys(self) -> list[Place]:
        return [place for place in self.places if place.is_key]

    @property
    def metric_columns(self) -> list[str]:
        """The stage's own short names: a metric's name may be anything."""
        return [f"m{at}" for at in range(len(self.metrics))]

    @property
    def stage_columns(self) -> list[tuple[str, str, str]]:
        """(stage column, type, column of the checked rows) in the order of COPY."""
        columns = [("line", "int8", "line")]
        columns += [(place.stage, place.type, place.frame) for place in self.staged]
        if self.attributes:
            columns.append(("attributes", "text", "attributes"))
        columns += [
            (m, "float8", EXTRA + name) for m, name in zip(self.metric_columns, self.metrics, strict=True)
        ]
        if self.has_hash:
            columns.append(("row_hash", "bytea", "row_hash"))
        return columns


def target_for(checker: Checker) -> Target:
    file = checker.file
    return Target(
        file,
        tuple(_place(file, column, checker) for column in file.columns),
        attributes=file.unknown == "attributes" and bool(checker.unknown),
        metrics=tuple(checker.unknown) if file.unknown == "metrics" else (),
    )


def _place(file: File, column: Column, checker: Checker) -> Place:
    present, is_key = column.name in checker.header, column.name in file.key
    if column.name in {"account_external_id", "opportunity_external_id"}:
        resolved = column.name.replace("_external_id", "_id")
        return Place(resolved, resolved, "int8", "NULL", present, is_key)
    name = "day" if column.kind == "day" else column.name
    type_ = _TYPES.get(column.kind, "text")
    empty = {"text": "''", "varchar[]": "'{}'::varchar[]"}.get(type_, "NULL")
    return Place(name, column.name, type_, empty, present, is_key)
